"""Cross-encoders of sentence-transformers: a model reads query and candidate together and says how well they fit.

Most read texts only; some, such as Qwen3-VL-Reranker, read pictures too.
"""

import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mmsearch.errors import MediaError
from mmsearch.rerank_types import Asked, Document
from mmsearch.rerankers.cross_encoder_settings import require_trained_head, takes_pictures
from mmsearch.rerankers.model_folder import ModelFolder, model_errors, require_packages
from mmsearch.types import MODALITIES, ImageInput, Modality

if TYPE_CHECKING:
    from mmsearch.rerankers.cross_encoder_model import PairScorer

_BATCH = 16  # pairs read in one pass: bounds its memory, whatever the caller hands over
# Models that read pictures cut them into cells of 28 or 32 px, each a token, and take any size; so the size is a matter
# of time. 448 px are 256 or 196 tokens, enough for what a photo shows. White margins keep its shape and all of it, and
# cost less than the wrong proportions of "squash".
_IMAGE_INPUT = ImageInput(448, 448, "pad", "bicubic")


class CrossEncoderReranker:
    """Judges texts, and pictures if the model reads them. In a model string: "cross_encoder:/the/folder".

    For example "cross_encoder:cross-encoder/ms-marco-MiniLM-L6-v2" for texts (23 million parameters, Apache-2.0), and
    "cross_encoder:Qwen/Qwen3-VL-Reranker-2B" for texts and pictures (Apache-2.0), which needs a GPU.

    Args:
        source: A folder with the model, or its name on the model hub as `owner/name`.

    Raises:
        DependencyMissing: sentence-transformers is not installed.
        ModelNotFound: There is no such folder.

    Guarantees: no pickle is read and no code of the model is run; the network is used for a hub name only, until the
    model is on this machine. A passage that is or holds an address or a path is a text like any other: nothing is
    opened. Safe to use from several threads. Runs on the GPU where torch sees one.
    """

    needs_tokens = False

    def __init__(self, source: str) -> None:
        require_packages("torch", "transformers", "sentence_transformers")
        self.name = f"cross_encoder:{source}"
        self._files = ModelFolder(source)
        self._loaded: PairScorer | None = None
        self._lock = threading.Lock()

    @cached_property
    def weights(self) -> Mapping[Modality, float]:
        """The kinds that the model reads, as its own files say.

        Raises:
            ModelError: They cannot be read or fetched.
        """
        return {"text": 1.0, "image": 1.0} if takes_pictures(self._folder) else {"text": 1.0}

    @property
    def image_input(self) -> ImageInput | None:
        """The pixels to give to a model that reads pictures; None for one that does not."""
        return _IMAGE_INPUT if "image" in self.weights else None

    @cached_property
    def _folder(self) -> Path:
        return self._files.path()

    def load(self) -> None:
        """Read the weights now instead of at the first use; a model of the hub is fetched first.

        Raises:
            ModelError: It cannot be fetched or read, is no cross-encoder, needs code of its own, or has no safetensors.
        """
        self._load()

    def score(self, asked: Asked, documents: Sequence[Document]) -> npt.NDArray[np.float32]:
        """Score texts and pictures (n,) by the model's logit; NaN for one that cannot be read."""
        scorer = self._load()
        scores = np.full(len(documents), np.nan, dtype=np.float32)
        for modality in MODALITIES:  # a batch is of one kind
            places = [place for place, document in enumerate(documents) if document.modality == modality]
            for start in range(0, len(places), _BATCH):
                read = {place: _content(documents[place]) for place in places[start : start + _BATCH]}
                found = {place: content for place, content in read.items() if content is not None}
                if found:
                    with self._lock, model_errors(f"{self.name} failed", ""):
                        scores[list(found)] = scorer.score(asked.text, list(found.values()))
        return scores

    def _load(self) -> "PairScorer":
        with self._lock:
            if self._loaded is None:
                from mmsearch.rerankers.cross_encoder_model import PairScorer  # torch and transformers: seconds

                require_trained_head(self._folder)
                self._loaded = PairScorer(self._folder, pictures="image" in self.weights)
            return self._loaded


def _content(document: Document) -> Any:  # noqa: ANN401 - text, or pixels (h, w, 3) uint8
    """Return what there is to read; None if it cannot be read."""
    try:
        return document.pixels() if document.pixels else document.text
    except MediaError:
        return None
