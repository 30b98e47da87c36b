"""The built-in model as an Encoder."""

from collections.abc import Sequence
from functools import cached_property
from hashlib import blake2b
from threading import Lock

import numpy as np

from mmsearch.encoders.builtin import image, text
from mmsearch.encoders.builtin.weights import ALL_FILES
from mmsearch.types import EmbeddingSpace, EncoderSpec, ImageInput, Modality, PixelBatch, Role, Vectors

# Measured by benchmarks/no_match.py: at these, simple queries pass, and nonsense and topics without pictures do not.
NO_MATCH_BELOW: dict[tuple[Modality, Modality], float] = {("text", "image"): 0.24, ("text", "text"): 0.26}


class BuiltinEncoder:
    """Text and images in MiniLM's own 384-d space, offline, on one core.

    Text vectors are exactly MiniLM's. A small model: good at objects, animals, vehicles, food and places, weak
    at people, actions and counts. Thread-safe; each half is loaded when it is first needed.
    """

    def __init__(self) -> None:
        digests = [file.sha256 for file in ALL_FILES] + [str(image.TEMPERATURE)]
        self.spec = EncoderSpec(
            space=EmbeddingSpace(
                model="builtin",
                revision=blake2b("\n".join(digests).encode(), digest_size=8).hexdigest(),
                preprocessing=f"squash {image.SIZE_PX} bilinear; {text.MAX_TOKENS} tokens",
                dim=text.DIM,
            ),
            modalities=frozenset({"text", "image"}),
            image_input=ImageInput(width_px=image.SIZE_PX, height_px=image.SIZE_PX),
            no_match_below=dict(NO_MATCH_BELOW),
        )
        self._loading = Lock()

    @cached_property
    def _text(self) -> text.TextModel:
        return text.TextModel()

    @cached_property
    def _image(self) -> image.ImageModel:
        return image.ImageModel()

    def load(self) -> None:
        """Load both halves; see `protocols.Encoder`."""
        self.load_text()
        with self._loading:
            _ = self._image

    def load_text(self) -> None:
        """Load the text half only, which is all that a search by words needs."""
        with self._loading:
            _ = self._text

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        """Embed texts: (n, 384) float32. Query and document are treated alike."""
        if not texts:
            return np.empty((0, text.DIM), dtype=np.float32)
        self.load_text()
        return self._text.encode(texts)

    def encode_images(self, images: PixelBatch, role: Role) -> Vectors:
        """Embed images (n, 224, 224, 3) uint8 RGB: (n, 384) float32."""
        if not len(images):
            return np.empty((0, text.DIM), dtype=np.float32)
        with self._loading:
            model = self._image
        return model.encode(images)
