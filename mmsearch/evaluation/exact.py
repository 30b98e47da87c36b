"""How much of the true nearest vectors the index in use finds."""

import numpy as np

from mmsearch.evaluation.report import IndexRecall
from mmsearch.evaluation.summary import mean_intervals
from mmsearch.protocols import VectorIndex
from mmsearch.types import Candidates, Vectors

K = 10
_ROUNDING = 1e-5  # of a cosine, by which the true k-th may be missed
_AT_ONCE = 1_000


def index_recall(index: VectorIndex, exact: VectorIndex, queries: Vectors, k: int = K) -> IndexRecall | None:
    """Search two indexes of the same vectors for queries (n, d), and count what the first misses of the second.

    Returns:
        None if there is no query or no vector.
    """
    if not len(queries) or not len(exact):
        return None
    shares = np.empty((len(queries), 1))
    for start in range(0, len(queries), _AT_ONCE):
        some = queries[start : start + _AT_ONCE]
        pairs = zip(index.search(some, k), exact.search(some, k), strict=True)
        shares[start : start + len(some), 0] = [_share(found, true) for found, true in pairs]
    (recall,) = mean_intervals(shares, np.arange(len(queries)))
    return IndexRecall(index.kind, len(index), k, len(queries), recall)


def _share(found: Candidates, true: Candidates) -> float:
    """Return the share of the true nearest that were found; another that is as near as the last counts too."""
    as_near = np.isin(found.ids, true.ids) | (found.scores >= true.scores[-1] - _ROUNDING)
    return min(int(as_near.sum()), len(true)) / len(true)
