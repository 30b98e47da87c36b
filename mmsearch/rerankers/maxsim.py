"""Late interaction without training: each word of the query looks for what is nearest to it in the document.

Source: the sum of maximum similarities of Khattab and Zaharia 2020, "ColBERT", section 3.3, over tokens that were
not trained for it. The mean instead of the sum changes no order.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from mmsearch.normalise import unit_rows
from mmsearch.rerank_types import Asked, Document
from mmsearch.types import Modality, Vectors

_WEIGHTS: dict[Modality, float] = {"image": 0.5, "audio": 0.5, "text": 0.5}


class MaxSimReranker:
    """Scores by the mean over the query's words of the largest cosine with any token of the document, or its vector.

    The vector stands for the document as a whole, which is what little words are nearest to. A document without tokens
    is not judged.
    """

    name = "maxsim"
    weights: Mapping[Modality, float] = _WEIGHTS
    needs_tokens = True
    image_input = None

    def load(self) -> None:
        """Do nothing: there are no weights."""

    def score(self, asked: Asked, documents: Sequence[Document]) -> npt.NDArray[np.float32]:
        """Score documents (n,), in [-1, 1]."""
        scores = np.full(len(documents), np.nan, dtype=np.float32)
        rows = [_rows(document) for document in documents]
        there = [place for place, each in enumerate(rows) if each is not None]
        if asked.words is None or not there:
            return scores
        tokens = [each for each in rows if each is not None]
        starts = np.cumsum([0, *map(len, tokens[:-1])])
        cosines = unit_rows(np.concatenate(tokens)) @ unit_rows(asked.words.tokens).T  # (all tokens, words)
        scores[there] = np.maximum.reduceat(cosines, starts, axis=0).mean(axis=1)
        return scores

    def relevance(self, asked: Asked, document: Document) -> npt.NDArray[np.float32]:
        """Say by how much the cosine of each word with each token exceeds its mean over the document: (words, t)."""
        if asked.words is None or document.tokens is None:
            return np.zeros((0 if asked.words is None else len(asked.words.tokens), 0), dtype=np.float32)
        cosines = unit_rows(asked.words.tokens) @ unit_rows(document.tokens).T
        above: npt.NDArray[np.float32] = np.maximum(cosines - cosines.mean(axis=1, keepdims=True), 0)
        return above


def _rows(document: Document) -> Vectors | None:
    """Return the tokens and the vector of a document (t + 1, d); None if it has no tokens."""
    if document.tokens is None or not len(document.tokens):
        return None
    vector = [] if document.vector is None else [document.vector[None]]
    return np.concatenate([document.tokens, *vector])
