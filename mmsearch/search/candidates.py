"""Stage 3: the segments that may be what is asked for, from the vectors and from the words, filtered exactly."""

from dataclasses import dataclass

import numpy as np

from mmsearch.protocols import VectorIndex
from mmsearch.search.pool import Scores
from mmsearch.types import Candidates, Ids, Vectors


@dataclass(frozen=True, slots=True)
class Near:
    """The segments that are nearest to some vectors.

    Attributes:
        ids: (n,), sorted.
        complete: Whether there are no others.
        least: (m,) the cosine with each vector that no other segment exceeds.
        by_one: The same with their cosines, if there is one vector.
    """

    ids: Ids
    complete: bool
    least: Scores
    by_one: Candidates | None


def nearest(vectors: Vectors, index: VectorIndex, allowed: Ids | None, dropped: Ids, depth: int) -> Near:
    """Find the best `depth` segments, or a few more, by each of some vectors.

    Args:
        vectors: (m, d), unit rows.
        index: Of the collection.
        allowed: Only these ids, sorted; None allows all.
        dropped: Ids to leave out; they are few, so they are fetched on top and taken off.
        depth: How many of each.
    """
    depth += len(dropped)
    found = index.search(vectors, depth, allowed=allowed)
    ids = np.unique(np.concatenate([each.ids for each in found]))
    complete = any(len(each) < depth for each in found)  # each vector looks through the same segments
    least = np.array([each.scores[-1] if len(each) else -1 for each in found], dtype=np.float32)
    by_one = found[0] if len(found) == 1 else None
    return Near(np.setdiff1d(ids, dropped, assume_unique=True) if len(dropped) else ids, complete, least, by_one)


def cosines_of(vectors: Vectors, index: VectorIndex, ids: Ids, by_one: Candidates | None = None) -> Scores:
    """Return the exact cosine of each vector (m, d) with each segment (n,) of the index: (m, n) float32.

    Args:
        vectors: Unit rows.
        index: Of the collection.
        ids: Sorted.
        by_one: What was found by the only vector, so that the index is asked for the others alone.
    """
    if by_one is not None:
        others = np.setdiff1d(ids, by_one.ids, assume_unique=True)
        return _aligned(_joined(by_one, _only(vectors, index, others)[0]), ids)[None]
    return np.stack([_aligned(each, ids) for each in _only(vectors, index, ids)])


def _only(vectors: Vectors, index: VectorIndex, ids: Ids) -> list[Candidates]:
    nothing = Candidates(ids[:0], np.empty(0, dtype=np.float32))
    return index.search(vectors, len(ids), allowed=ids) if len(ids) else [nothing] * len(vectors)


def _joined(one: Candidates, other: Candidates) -> Candidates:
    if not len(other):
        return one
    return Candidates(np.concatenate([one.ids, other.ids]), np.concatenate([one.scores, other.scores]))


def scores_at(ids: Ids, found: Candidates) -> Scores:
    """Return the score of each id (n,), 0 for those that were not found."""
    scores = np.zeros(len(ids), dtype=np.float32)
    where = np.isin(ids, found.ids)
    scores[where] = _aligned(found, ids[where])
    return scores


def _aligned(found: Candidates, ids: Ids) -> Scores:
    """Bring the scores of what was found into the order of ids (n,), all of which are in it."""
    order = np.argsort(found.ids)
    return found.scores[order][np.searchsorted(found.ids, ids, sorter=order)]
