"""Pictures to vectors: EfficientNet-lite0 and ConSE.

A picture becomes the mean of the 1000 ImageNet classes' text vectors, weighted by the classifier's probabilities.
The class vectors come from dictionary texts and scenes, their common mean removed (tools/build_builtin/classes.py).

Source: Norouzi et al. 2014, "Zero-Shot Learning by Convex Combination of Semantic Embeddings", section 3.
"""

import numpy as np

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
from mmsearch.types import PixelBatch, Vectors

SIZE_PX = 224
TEMPERATURE = 2.5  # softer than the classifier's own probabilities; from 2 to 3 results hardly differ
BATCH = 4  # small batches stay in the cache: 170 pictures a second at 1 to 4, 130 at 16
BATCH_NORM_EPSILON = 1e-3


class ImageModel:
    """EfficientNet-lite0 with its class vectors, loaded. Thread-safe."""

    def __init__(self) -> None:
        tensors = checkpoint(EFFICIENTNET, HERE / "efficientnet-lite0.json")
        self._session = make_session(HERE / "image.onnx", _graph_tensors(tensors))
        self._class_vectors = safetensors(CLASSES)["class_vectors"]  # (1000, 384)

    def encode(self, images: PixelBatch) -> Vectors:
        """Embed pictures (n, 224, 224, 3) uint8 RGB: (n, 384) float32, not normalised."""
        vectors = np.empty((len(images), self._class_vectors.shape[1]), dtype=np.float32)
        for start in range(0, len(images), BATCH):
            batch = slice(start, start + BATCH)
            vectors[batch] = _softmax(self.logits(images[batch]) / TEMPERATURE) @ self._class_vectors
        return vectors

    def logits(self, images: PixelBatch) -> Tensor:
        """Return the classifier's raw output: (n, 1000) float32."""
        logits: Tensor = self._session.run(None, {"pixels": images})[0]
        return logits


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
