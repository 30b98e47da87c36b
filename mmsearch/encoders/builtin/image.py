"""Pictures to vectors: EfficientNet-lite0, ConSE and a correction learned from captioned pictures.

A picture becomes the mean of the 1000 ImageNet classes' text vectors, weighted by the classifier's probabilities.
The class vectors come from dictionary texts and scenes, their common mean removed (tools/build_builtin/classes.py).
To that unit vector image_head.py adds a linear function of the features below the classifier.

Source: Norouzi et al. 2014, "Zero-Shot Learning by Convex Combination of Semantic Embeddings", section 3.
"""

from collections.abc import Iterator

import numpy as np

from mmsearch.encoders.builtin.cells import by_picture, cell_features
from mmsearch.encoders.builtin.image_head import ImageHead
from mmsearch.encoders.builtin.session import make_session
from mmsearch.encoders.builtin.weights import (
    CLASSES,
    EFFICIENTNET,
    HERE,
    Tensor,
    Tensors,
    checkpoint,
    safetensors,
)
from mmsearch.normalise import unit_rows
from mmsearch.types import Embedded, Features, PixelBatch, Vectors

SIZE_PX = 224
TEMPERATURE = 2.5  # softer than the classifier's own probabilities; from 2 to 3 results hardly differ
BATCH = 4  # small batches stay in the cache: 170 pictures a second at 1 to 4, 130 at 16
BATCH_NORM_EPSILON = 1e-3


class Classifier:
    """EfficientNet-lite0 and what its classes are called: the untrained part. Thread-safe."""

    def __init__(self) -> None:
        tensors = checkpoint(EFFICIENTNET, HERE / "efficientnet-lite0.json")
        self._session = make_session(HERE / "image.onnx", _graph_tensors(tensors))
        self._class_vectors = safetensors(CLASSES)["class_vectors"]  # (1000, 384)
        # Copies, so that the rest of the checkpoint need not stay mapped.
        self._weight, self._bias = np.array(tensors["_fc.weight"].T), np.array(tensors["_fc.bias"])

    def outputs(self, images: PixelBatch) -> tuple[Tensor, Tensor]:
        """Return the raw output (n, 1000) and the pooled features below it (n, 1280), float32."""
        batches = self._run(images, "logits", "features")
        logits, pooled = (np.concatenate(parts) for parts in zip(*batches, strict=True))
        return logits, pooled

    def outputs_and_cells(self, images: PixelBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Return the same, and the features of each picture's cells (n * cells, 1280)."""
        batches = self._run(images, "logits", "features", "map")
        seen = ((logits, pooled, cell_features(maps)) for logits, pooled, maps in batches)
        logits, pooled, cells = (np.concatenate(parts) for parts in zip(*seen, strict=True))
        return logits, pooled, cells

    def classify(self, pooled: Tensor) -> Tensor:
        """Return the raw output (n, 1000) for pooled features (n, 1280), such as those of cells."""
        return np.asarray(pooled @ self._weight + self._bias)

    def conse(self, logits: Tensor) -> Vectors:
        """Return the unit vectors (n, 384) that the classes' probabilities give."""
        return unit_rows(_softmax(logits / TEMPERATURE) @ self._class_vectors)

    def _run(self, images: PixelBatch, *outputs: str) -> Iterator[list[Tensor]]:
        for start in range(0, max(len(images), 1), BATCH):  # an empty batch gives empty outputs
            yield self._session.run(outputs, {"pixels": images[start : start + BATCH]})


class ImageModel:
    """The classifier and its head, loaded. Thread-safe."""

    def __init__(self) -> None:
        self._classifier = Classifier()
        self._head = ImageHead.load()

    def encode(self, images: PixelBatch) -> Vectors:
        """Embed pictures (n, 224, 224, 3) uint8 RGB: (n, 384) float32, not normalised."""
        return self.embed(images)[0]

    def embed(self, images: PixelBatch) -> tuple[Vectors, Features]:
        """Embed pictures as `encode` does, and give their features (n, 256) float16 too."""
        return self._vectors(*self._classifier.outputs(images))

    def embed_cells(self, images: PixelBatch) -> Embedded:
        """Embed pictures as `embed` does, and with tokens: what each cell would be as a picture by itself."""
        logits, pooled, cells = self._classifier.outputs_and_cells(images)
        vectors, features = self._vectors(logits, pooled)
        tokens, _ = self._vectors(self._classifier.classify(cells), cells)
        return Embedded(vectors, features, tokens=by_picture(tokens))

    def logits(self, images: PixelBatch) -> Tensor:
        """Return the classifier's raw output: (n, 1000) float32."""
        return self._classifier.outputs(images)[0]

    def _vectors(self, logits: Tensor, pooled: Tensor) -> tuple[Vectors, Features]:
        features = self._head.features(pooled)
        return self._classifier.conse(logits) + self._head.correction(features), features


def _softmax(logits: Tensor) -> Tensor:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True), dtype=np.float32)


def _graph_tensors(tensors: Tensors) -> dict[str, Tensor]:
    """Rename the checkpoint's tensors to the graph's and fold each batch norm into its convolution."""
    folded = _fold(tensors, "_conv_stem", "_bn0", "stem") | _fold(tensors, "_conv_head", "_bn1", "head")
    for old in sorted({name.rsplit(".", 2)[0] for name in tensors if name.startswith("_blocks.")}):
        new = old.removeprefix("_")
        folded |= _fold(tensors, f"{old}._depthwise_conv", f"{old}._bn1", f"{new}.depthwise")
        folded |= _fold(tensors, f"{old}._project_conv", f"{old}._bn2", f"{new}.project")
        if f"{old}._expand_conv.weight" in tensors:
            folded |= _fold(tensors, f"{old}._expand_conv", f"{old}._bn0", f"{new}.expand")
    return folded | {"fc.weight": tensors["_fc.weight"], "fc.bias": tensors["_fc.bias"]}


def _fold(tensors: Tensors, convolution: str, norm: str, new: str) -> dict[str, Tensor]:
    """Y = (conv(x) - mean) * weight / sqrt(var + eps) + bias, as one convolution with a bias."""
    scale = tensors[f"{norm}.weight"] / np.sqrt(tensors[f"{norm}.running_var"] + BATCH_NORM_EPSILON)
    bias = tensors[f"{norm}.bias"] - tensors[f"{norm}.running_mean"] * scale
    weight = tensors[f"{convolution}.weight"] * scale[:, None, None, None]
    return {f"{new}.weight": weight.astype(np.float32), f"{new}.bias": bias.astype(np.float32)}
