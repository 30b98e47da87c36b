"""The fusion re-ranker at work: fusion_model.py in numpy, for models that were trained.

A search is a fresh process for many users, and importing torch takes longer than the whole search; so what is trained
in torch is run here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError

from mmsearch.errors import ModelError
from mmsearch.rerank_types import Asked, Document
from mmsearch.types import MODALITIES, ImageInput, Modality

FORMAT = 1
KINDS: tuple[Modality, ...] = ("image", "audio", "text", "video")  # in the order of the tensors' rows
MAX_BYTES = 64 << 20
MAX_WEIGHT = 100.0

Array = npt.NDArray[np.float32]


_UNREADABLE = (SafetensorError, ValueError, LookupError, ArithmeticError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Tensors:
    """The learned tensors, by their names in fusion_model.FusionModel with "_" for "."."""

    word_centre: Array  # (d,)
    token_centre: Array  # (kinds, d)
    ask_down: Array  # (d, r)
    ask_up: Array  # (r, d)
    offer_down: Array
    offer_up: Array
    log_sharpness: Array  # (heads,)
    head_weight: Array
    word_weight: Array  # (d,)
    gate: Array  # (kinds,)
    log_scale: Array  # ()

    @classmethod
    def of(cls, found: Mapping[str, Array], dim: int) -> Self:
        """Check shapes and values.

        Raises:
            ValueError: Something is missing, of another shape, or not finite.
        """
        named = {name.replace(".", "_"): value for name, value in found.items()}
        if set(named) != {field.name for field in fields(cls)}:
            raise ValueError("it lacks tensors, or has others")
        tensors = cls(**named)
        rank, heads, kinds = tensors.ask_up.shape[0], tensors.log_sharpness.size, len(KINDS)
        if not heads:
            raise ValueError("it has no heads")
        shapes = [(dim,), (kinds, dim), (dim, rank), (rank, dim), (dim, rank), (rank, dim)]
        shapes += [(heads,), (heads,), (dim,), (kinds,), ()]
        for field, shape in zip(fields(cls), shapes, strict=True):
            value = getattr(tensors, field.name)
            if value.dtype != np.float32 or value.shape != shape or not np.isfinite(value).all():
                raise ValueError(f"{field.name} is not what it should be")
        return tensors


class FusionReranker:
    """Scores candidates by letting each word of the query look at their tokens. Thread-safe.

    Args:
        tensors: Of a trained model.
        weights: Kind -> how much the scores count beside those of the first stage.
    """

    needs_tokens = True
    image_input: ImageInput | None = None

    def __init__(self, name: str, tensors: Tensors, weights: Mapping[Modality, float]) -> None:
        self.name = name
        self.weights = dict(weights)
        self.tensors = tensors

    @classmethod
    def from_bytes(cls, data: bytes, *, name: str, dim: int) -> Self:
        """Read what `fusion_model.to_bytes` wrote.

        Raises:
            ModelError: It is damaged, or for vectors of another dimension.
        """
        from safetensors.numpy import load

        try:
            weights = _weights(_metadata(data))
            return cls(name, Tensors.of(load(data), dim), weights)
        except _UNREADABLE as error:
            raise ModelError(
                f"The re-ranker {name} cannot be read: {error}.", remedy="Train it again, or search with --no-rerank."
            ) from error

    def load(self) -> None:
        """Do nothing: all is here."""

    def score(self, asked: Asked, documents: Sequence[Document]) -> Array:
        """Score documents (n,); NaN for those without tokens."""
        scores = np.full(len(documents), np.nan, dtype=np.float32)
        judged = [
            place for place, document in enumerate(documents) if document.tokens is not None and len(document.tokens)
        ]
        if asked.words is None or not asked.words.words or not judged:
            return scores
        some = [documents[place] for place in judged]
        words, offered, starts = self._ask(asked), self._offer(some), _starts(some)
        likeness = words @ offered.T  # (words, all tokens)
        match = self._match(likeness, starts, _word_weights(asked, self.tensors))
        cosines = np.array([document.cosine for document in some], dtype=np.float32)
        gates = self.tensors.gate[[KINDS.index(document.modality) for document in some]]
        scores[judged] = np.exp(self.tensors.log_scale) * (cosines + gates * match)
        return scores

    def relevance(self, asked: Asked, document: Document) -> Array:
        """Say how much each token speaks for the document, for each word: (words, t), 0 or more.

        It is gradient times attention, as far as it is positive: how much the score would lose if the word did not look
        there. Source: Chefer et al. 2021, "Generic Attention-model Explainability", section 3, with one layer.
        """
        assert asked.words is not None
        assert document.tokens is not None
        likeness = self._ask(asked) @ self._offer([document]).T
        weights = _word_weights(asked, self.tensors)[:, None]
        # The score is linear in the attention (words, t), with the likeness as slope.
        return np.asarray(np.maximum(weights * self._looks(likeness, np.array([0])) * likeness, 0), dtype=np.float32)

    def _ask(self, asked: Asked) -> Array:
        """Project the words: (words, d), unit rows."""
        assert asked.words is not None
        t = self.tensors
        words = _unit(asked.words.tokens) - t.word_centre
        return _unit(words + words @ t.ask_down @ t.ask_up)

    def _offer(self, documents: Sequence[Document]) -> Array:
        """Project the tokens of all documents, one behind the other: (all tokens, d), unit rows."""
        t = self.tensors
        tokens = _unit(np.concatenate([document.tokens for document in documents if document.tokens is not None]))
        kinds = [KINDS.index(document.modality) for document in documents]
        tokens -= t.token_centre[np.repeat(kinds, [_count(document) for document in documents])]
        return _unit(tokens + tokens @ t.offer_down @ t.offer_up)

    def _looks(self, likeness: Array, starts: npt.NDArray[np.int64]) -> Array:
        """Say how much each word looks at each token of its document: (words, all tokens)."""
        counts = np.diff(starts, append=likeness.shape[1])
        nearer = likeness - np.repeat(np.maximum.reduceat(likeness, starts, axis=1), counts, axis=1)  # 0 or less
        looks = np.zeros_like(likeness)
        for sharpness, weight in zip(
            np.exp(self.tensors.log_sharpness), _softmax(self.tensors.head_weight), strict=True
        ):
            share = np.exp(sharpness * nearer)
            looks += weight * share / np.repeat(np.add.reduceat(share, starts, axis=1), counts, axis=1)
        return looks

    def _match(self, likeness: Array, starts: npt.NDArray[np.int64], weights: Array) -> Array:
        """Say how well the words find what they ask for in each document: (n,)."""
        found = np.add.reduceat(self._looks(likeness, starts) * likeness, starts, axis=1)  # (words, n)
        return np.asarray(weights @ found, dtype=np.float32)


def _word_weights(asked: Asked, tensors: Tensors) -> Array:
    assert asked.words is not None
    return _softmax(_unit(asked.words.tokens) @ tensors.word_weight)


def _count(document: Document) -> int:
    assert document.tokens is not None
    return len(document.tokens)


def _starts(documents: Sequence[Document]) -> npt.NDArray[np.int64]:
    """Return where the tokens of each document begin among those of all (n,)."""
    counts = np.array([_count(document) for document in documents], dtype=np.int64)
    return np.cumsum(counts) - counts


def _softmax(logits: Array) -> Array:
    shares = np.exp(logits - logits.max())
    return np.asarray(shares / shares.sum(), dtype=np.float32)


def _unit(rows: npt.NDArray[np.floating]) -> Array:
    """Scale rows (n, d) to length 1; rows of zeros stay (torch's `normalize` does the same)."""
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows))
    return np.asarray(rows / np.maximum(lengths, 1e-12)[:, None], dtype=np.float32)


def _metadata(data: bytes) -> dict[str, Any]:
    """Read what is said of a model, from the header of safetensors: 8 bytes of length, then JSON.

    Raises:
        ValueError, KeyError: There is none, or of another version.
    """
    if len(data) > MAX_BYTES:
        raise ValueError("it is too large")
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    about = json.loads(header["__metadata__"]["mmsearch"])
    if about["format"] != FORMAT:
        raise ValueError(f"its format is {about['format']}, not {FORMAT}")
    return dict(about)


def _weights(about: Mapping[str, Any]) -> dict[Modality, float]:
    weights = {kind: float(about["weights"].get(kind, 0.0)) for kind in MODALITIES}
    if not all(0 <= weight <= MAX_WEIGHT for weight in weights.values()):
        raise ValueError("a weight is out of range")
    return {kind: weight for kind, weight in weights.items() if weight}
