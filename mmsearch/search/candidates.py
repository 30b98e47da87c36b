"""Stage 3: the segments that may be what is asked for, from the vectors and from the words, filtered exactly."""

from collections.abc import Sequence

import numpy as np

from mmsearch.protocols import VectorIndex
from mmsearch.search.pool import Scores
from mmsearch.types import Candidates, Ids, Vectors

# With several vectors the best in all of them together may be the best in none: so many of each are looked at.
SEVERAL_DEPTH = 1_000


def nearest(vectors: Vectors, index: VectorIndex, allowed: Ids | None, dropped: Ids, depth: int) -> tuple[Ids, bool]:
    """Return the ids (n,), sorted, of the best `depth` by each of some vectors, and whether that is all there are.

    Args:
        vectors: (m, d), unit rows.
        index: Of the collection.
        allowed: Only these ids, sorted; None allows all.
        dropped: Ids to leave out; they are few, so they are fetched on top and taken off.
        depth: How many of each.
    """
    depth = depth if len(vectors) == 1 else max(depth, SEVERAL_DEPTH)
    found = index.search(vectors, depth + len(dropped), allowed=allowed)
    kept = [np.setdiff1d(each.ids, dropped, assume_unique=True) for each in found]
    complete = all(len(each) < depth + len(dropped) for each in found)
    return np.unique(np.concatenate(kept)), complete


def cosines_of(vectors: Vectors, index: VectorIndex, ids: Ids) -> Scores:
    """Return the exact cosine of each vector (m, d) with each segment (n,) of the index: (m, n) float32."""
    if not len(ids):
        return np.empty((len(vectors), 0), dtype=np.float32)
    return np.stack([_aligned(each, ids) for each in index.search(vectors, len(ids), allowed=ids)])


def scores_at(ids: Ids, found: Candidates) -> Scores:
    """Return the score of each id (n,), 0 for those that were not found."""
    scores = np.zeros(len(ids), dtype=np.float32)
    where = np.isin(ids, found.ids)
    scores[where] = _aligned(found, ids[where])
    return scores


def segments_of(assets: Sequence[Ids]) -> Ids:
    """Join the ids of several files' segments, sorted."""
    return np.unique(np.concatenate(assets)) if assets else np.empty(0, dtype=np.int64)


def _aligned(found: Candidates, ids: Ids) -> Scores:
    """Bring the scores of what was found into the order of ids (n,), all of which are in it."""
    order = np.argsort(found.ids)
    return found.scores[order][np.searchsorted(found.ids, ids, sorter=order)]
