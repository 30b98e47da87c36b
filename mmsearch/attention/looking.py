"""Stage 3: which re-ranker looks, and what it sees."""

from __future__ import annotations

from contextlib import suppress
from math import isfinite
from typing import TypeGuard

import numpy as np
import numpy.typing as npt

from mmsearch.errors import ModelError, UsageError
from mmsearch.protocols import LookingReranker, Reranker
from mmsearch.rerank_types import Asked, Document
from mmsearch.search.rerank_plan import judged_kinds
from mmsearch.search.rerankers import RerankerCache
from mmsearch.types import EmbeddingSpace, Modality

PLAIN = "maxsim"  # compares words and tokens as they are, so that it can look at whatever has tokens
_ROUNDING = 1e-6  # of float32: without it, a sound that is the same all along would have a best second


def choose(name: str, kind: Modality, space: EmbeddingSpace, rerankers: RerankerCache) -> LookingReranker:
    """Return the re-ranker of a name; of none, the one that searches use, if it looks at this kind, else `PLAIN`.

    Call it inside `from_one_state`.

    Raises:
        UsageError: The one that is named cannot say where it looked.
        ModelNotFound, DependencyMissing, ModelError: There is none of that name, or it cannot be used here.
        CollectionDamaged: The collection's own one is not what was installed.
    """
    usual = None
    if not name:
        with suppress(ModelError):  # a search tells of that, and does without
            usual = rerankers.usual(space)
    if usual is not None and _looks(usual) and kind in judged_kinds(usual):
        return usual
    named = rerankers.named(name or PLAIN)
    if not _looks(named):
        raise UsageError(
            f"The re-ranker {name!r} cannot say where it looked.", remedy=f"Name another, such as {PLAIN}."
        )
    return named


def relevance(reranker: LookingReranker, asked: Asked, document: Document) -> npt.NDArray[np.float64]:
    """Say how much each token of a document spoke for it, for each word: (words, t), finite, 0 or more.

    Raises:
        ModelError: The re-ranker gives something else.
    """
    assert asked.words is not None
    assert document.tokens is not None
    found = np.asarray(reranker.relevance(asked, document), dtype=np.float64)
    expected = (len(asked.words.words), len(document.tokens))
    if found.shape != expected or not np.isfinite(found).all() or (found < 0).any():
        raise ModelError(
            f"The re-ranker {reranker.name} should say with numbers from 0 where it looked, of shape {expected}; "
            f"it gave some of shape {found.shape} that are not."
        )
    found[found < _ROUNDING] = 0
    return found


def score(reranker: Reranker, asked: Asked, document: Document) -> float | None:
    """Return the re-ranker's score; None if it cannot judge the document."""
    (found,) = reranker.score(asked, [document]).tolist()
    return round(found, 4) if isfinite(found) else None


def _looks(reranker: Reranker) -> TypeGuard[LookingReranker]:
    return reranker.needs_tokens and callable(getattr(reranker, "relevance", None))
