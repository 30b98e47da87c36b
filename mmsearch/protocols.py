"""Every plug point on one page. Third parties implement these; `mmsearch.testing` checks that they hold."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, Self

from mmsearch.types import Candidates, Embedded, EncoderSpec, Ids, PixelBatch, Role, Utterance, Vectors, Waveform


class Encoder(Protocol):
    """Projects media into one shared embedding space.

    Guarantees that `mmsearch.testing.encoder_contract` checks: the result has one row an input, in
    order; equal input gives an equal vector whatever else is in the batch (to 1e-4); an empty batch
    gives (0, d). Rows need not have unit length: `normalise.unit_rows` is applied by the caller.
    Constructing one is cheap; weights are loaded at the first `encode_*` or by `load`.
    """

    @property
    def spec(self) -> EncoderSpec:
        """What the encoder is and takes; known without loading the weights."""
        ...

    def load(self) -> None:
        """Read and check the weights now instead of at the first use.

        Raises:
            WeightsDamaged: A file is missing or is not the pinned one.
        """
        ...

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        """Embed texts: (n, d) float32."""
        ...

    def encode_images(self, images: PixelBatch, role: Role) -> Vectors:
        """Embed images of shape (n, *spec.image_input, 3), uint8 RGB: (n, d) float32."""
        ...

    def encode_audio(self, waves: Sequence[Waveform], role: Role) -> Vectors:
        """Embed sounds at `spec.audio_input.rate_hz`, each of at most `window_s` and at least one sample: (n, d).

        Called only if `spec.modalities` has "audio".
        """
        ...


class AdaptableEncoder(Encoder, Protocol):
    """An encoder whose vectors of images and sounds can be fitted to the user's own pairs.

    `spec.feature_dim` is above 0. The vectors are those of `encode_*`; the features are what a linear head is
    fitted on and applied to, so they must be all that the head needs to know of an input.
    """

    def embed_images(self, images: PixelBatch) -> Embedded:
        """Embed images as `encode_images` does, and give their features."""
        ...

    def embed_audio(self, waves: Sequence[Waveform]) -> Embedded:
        """Embed sounds as `encode_audio` does, and give their features and whether somebody speaks."""
        ...


class Transcriber(Protocol):
    """An encoder that can write down what is said (`spec.transcribes`)."""

    def transcribe(self, wave: Waveform) -> Sequence[Utterance]:
        """Write down a sound of up to 30 s at `spec.audio_input.rate_hz`; nothing if nothing is said."""
        ...


class VectorIndex(Protocol):
    """Nearest neighbours by cosine over (id, vector) pairs.

    Guarantees that `mmsearch.testing.index_contract` checks against brute force, ids and scores:
    higher is better; ties come in order of id; k larger than the index gives all of it; an empty
    index gives nothing; input of any length is normalised; `allowed` is exact.
    """

    kind: str
    dim: int

    def __len__(self) -> int: ...

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add vectors (n, d) under new ids (n,).

        Raises:
            ValueError: An id is there already, the shapes do not fit, or a value is not finite.
        """
        ...

    def remove(self, ids: Ids) -> int:
        """Forget ids; those that are not there are ignored. Returns how many were removed."""
        ...

    def search(self, queries: Vectors, k: int, *, allowed: Ids | None = None) -> list[Candidates]:
        """Return the best k for each query (m, d), among `allowed` ids only if given."""
        ...

    def save(self, path: Path) -> None:
        """Write to a file that `load` reads back with equal results."""
        ...

    @classmethod
    def load(cls, path: Path, dim: int) -> Self:
        """Read a file that `save` wrote.

        Raises:
            CollectionDamaged: It is not such a file, or of another dimension.
        """
        ...
