"""Every plug point on one page. Third parties implement these; `mmsearch.testing` checks that they hold."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from mmsearch.rerank_types import Asked, Document
from mmsearch.types import (
    Candidates,
    Embedded,
    EncoderSpec,
    Ids,
    ImageInput,
    Modality,
    PixelBatch,
    QueryWords,
    Role,
    Utterance,
    Vectors,
    Waveform,
)


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


class TokenEncoder(Encoder, Protocol):
    """An encoder that also says what the parts of an input mean: the material of re-rankers (`spec.tokens`).

    The vectors are those of `encode_*` to 1e-5, with and without tokens. Tokens cost time, so one has to ask for them.
    """

    def embed_texts(self, texts: Sequence[str], *, tokens: bool = False) -> Embedded:
        """Embed texts, each with one token a word, of a long text one for several neighbours: 32 at most."""
        ...

    def embed_images(self, images: PixelBatch, *, tokens: bool = False) -> Embedded:
        """Embed images, each with the tokens of the cells of `spec.token_grid`, if it takes images."""
        ...

    def embed_audio(self, waves: Sequence[Waveform], *, tokens: bool = False) -> Embedded:
        """Embed sounds, each with tokens of equal spans of time, 64 at most, if it takes sounds."""
        ...

    def query_words(self, text: str) -> QueryWords:
        """Say what each word of a query means; at least one token whatever the text, 64 at most."""
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

    dim: int

    @property
    def kind(self) -> str:
        """A key of `vectors.generation.INDEX_KINDS`, or a name of its own."""
        ...

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

    def fork(self) -> Self:
        """Return a copy that changes by itself, at little cost."""
        ...

    def save(self, folder: Path) -> None:
        """Write files into a folder, made if it is not there, that `load` reads back with equal results."""
        ...

    @classmethod
    def load(cls, folder: Path, dim: int) -> Self:
        """Read the files that `save` wrote.

        Raises:
            CollectionDamaged: One is missing, is something else, or of another dimension.
        """
        ...


class Reranker(Protocol):
    """Looks at query and candidate together, and says how well each fits.

    Guarantees that `mmsearch.testing.reranker_contract` checks: one finite score a document, in order, or NaN for one
    that it cannot judge, such as a picture that cannot be decoded; equal input gives an equal score whatever else is in
    the batch (to 1e-4); higher is better; several threads may call at once.
    Constructing one is cheap; weights are loaded at the first `score` or by `load`.
    """

    @property
    def name(self) -> str:
        """How the user names it."""
        ...

    @property
    def weights(self) -> Mapping[Modality, float]:
        """Modality of documents -> how much it counts beside the first stage, whose weight is 1.

        See `rerankers.blend`. Documents of other modalities are not given to it.
        """
        ...

    @property
    def needs_tokens(self) -> bool:
        """Whether it works on the stored tokens of query and documents."""
        ...

    @property
    def image_input(self) -> ImageInput | None:
        """The pixels it wants of pictures; None if it works on no pixels."""
        ...

    def load(self) -> None:
        """Read and check the weights now instead of at the first use.

        Raises:
            ModelError: They are missing, damaged or of another kind.
            DependencyMissing: A package is not installed.
        """
        ...

    def score(self, asked: Asked, documents: Sequence[Document]) -> npt.NDArray[np.float32]:
        """Score documents (n,), all of a modality in `weights`; comparable among documents of one modality."""
        ...


class LookingReranker(Reranker, Protocol):
    """A re-ranker that can say where in a document it looked."""

    def relevance(self, asked: Asked, document: Document) -> npt.NDArray[np.float32]:
        """Say how much each token of a document (t) spoke for it, for each word of the query: (words, t), 0 or more.

        In the order of `asked.words` and `document.tokens`.
        """
        ...
