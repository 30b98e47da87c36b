"""From rough scores to an exact ranking: the same result from every index that scans all rows.

A float32 product of the same two vectors comes out different in its last bits, depending on the
library, the size of the batch and the row's place in memory. So an index takes from its fast scan every
row that could belong to the best k (`contenders`), and the order among those is decided by scores that
depend on nothing but the two vectors (`rank`).
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from mmsearch.errors import CollectionDamaged
from mmsearch.types import Candidates, Ids, Vectors

Positions = npt.NDArray[np.intp]  # (n,) places of rows in an array
Scores = npt.NDArray[np.float32]  # (n,)

_BLOCK_ROWS = 4096  # 24 MB of float64 at 768 dimensions
_MOST = 1.001  # the product of unit vectors, of which one may be rounded to float16


class IndexDamaged(CollectionDamaged):
    """What an index answers cannot be true: its files were changed since they were written."""


def rounding_slack(dim: int) -> float:
    """How far two float32 products of unit vectors may be apart though the true ones are equal.

    Each is off by at most dim / 2 times the float32 epsilon, in whatever order it is summed; the rows'
    own lengths add a little.
    """
    return (dim + 8) * float(np.finfo(np.float32).eps)


def products(queries: Vectors, rows: Vectors) -> Vectors:
    """Return the products (m, n) of queries (m, d) and rows (n, d).

    A single query goes without BLAS: where its threads have to be woken, and wait by spinning, that takes 10 ms instead
    of a tenth (`mmsearch.threads`). With one thread BLAS would take half as long as this.
    """
    if len(queries) == 1:
        with np.errstate(over="ignore", invalid="ignore"):  # of damaged rows, which `contenders` and `rank` refuse
            alone: Vectors = np.einsum("ij,j->i", rows, queries[0])[np.newaxis]
        return alone
    with np.errstate(over="ignore", invalid="ignore"):
        return queries @ rows.T


def contenders(scores: Scores, k: int, slack: float) -> Positions:
    """Return the places of all scores (n,) that are among the best k, or within `slack` of the k-th.

    Raises:
        IndexDamaged: One is none of unit vectors.
    """
    _check(scores)
    if k >= len(scores):
        return np.arange(len(scores))
    if k == 0:
        return np.arange(0)
    kth = np.partition(scores, len(scores) - k)[len(scores) - k]
    return np.flatnonzero(scores >= kth - slack)


def rank(query: Scores, ids: Ids, take: Callable[[Positions], Vectors], positions: Positions, k: int) -> Candidates:
    """Return the best k of the rows at `positions`, best first, ties in order of id.

    Args:
        query: (d,) unit vector.
        ids: (n,) ids of all rows.
        take: Returns the unit rows (m, d) at some positions (m,).
        positions: The rows to rank.
        k: How many to return at most.

    Raises:
        IndexDamaged: One is no unit row.
    """
    return _best(ids[positions], _cosines(query, take, positions), k)


def merged(one: Candidates, other: Candidates, k: int) -> Candidates:
    """Return the best k of two rankings that have no id in common."""
    if not len(one) or not len(other):
        longer = one if len(one) else other
        return Candidates(longer.ids[:k], longer.scores[:k])
    return _best(np.concatenate([one.ids, other.ids]), np.concatenate([one.scores, other.scores]), k)


def _best(ids: Ids, scores: Scores, k: int) -> Candidates:
    order = np.lexsort((ids, -scores))[:k]
    return Candidates(ids[order], scores[order])


def _cosines(query: Scores, take: Callable[[Positions], Vectors], positions: Positions) -> Scores:
    """Products in float64, each summed by itself, then rounded; within [-1, 1]."""
    scores = np.empty(len(positions), dtype=np.float32)
    wide = query.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(positions), _BLOCK_ROWS):
            part = slice(start, start + _BLOCK_ROWS)
            scores[part] = (take(positions[part]) * wide).sum(axis=1)
    _check(scores)
    return np.clip(scores, -1, 1)


def _check(scores: Scores) -> None:
    """Refuse scores that rows cannot have: nobody reads all rows before they are searched, so they may be damaged."""
    if scores.size and not -_MOST <= scores.min() <= scores.max() <= _MOST:  # NaN neither
        raise IndexDamaged("The index has a row that is no unit vector.")
