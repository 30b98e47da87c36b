"""The true nearest rows, found by comparing all of them: what an index is measured by."""

import faiss
import numpy as np

from mmsearch.threads import building, searching
from mmsearch.types import Vectors
from mmsearch.vectors.ann.rows import MappedRows, Mask
from mmsearch.vectors.ranking import Positions, Scores

_PIECE_ROWS = 16_384  # 25 MB at 384 dimensions


def nearest(
    rows: MappedRows, queries: Vectors, k: int, *, inside: Mask | None = None, threads: int = 1
) -> tuple[Scores, Positions]:
    """Compare queries (m, d), unit rows, with all rows, or with those that `inside` (n,) marks.

    Args:
        rows: Read piece by piece, so that only one piece and the best so far are in memory.
        queries: Many at once cost little more than few.
        k: How many to find for each.
        inside: Only these.
        threads: For the products.

    Returns:
        Scores, up to rounding in float32, and places (m, k), best first; -1 where there are no more.
    """
    best = np.full((len(queries), k), -np.inf, dtype=np.float32)
    places = np.full((len(queries), k), -1, dtype=np.intp)
    start = 0
    for piece in rows.pieces(_PIECE_ROWS) if k and len(queries) else ():
        here = np.arange(start, start + len(piece))
        start += len(piece)
        if inside is not None:
            here = here[inside[here]]
            piece = piece[here - (start - len(piece))]
        if len(piece):
            found, at = _nearest_in(piece, queries, min(k, len(piece)), threads)
            best, places = _merged((best, places), (found, here[at]))
    return best, places


def _nearest_in(piece: Vectors, queries: Vectors, k: int, threads: int) -> tuple[Scores, Positions]:
    with searching(faiss, piece.shape[1]), building(faiss, threads):
        found: tuple[Scores, Positions] = faiss.knn(queries, piece, k, metric=faiss.METRIC_INNER_PRODUCT)
    return found


def _merged(one: tuple[Scores, Positions], other: tuple[Scores, Positions]) -> tuple[Scores, Positions]:
    """Return the best of two lists for each query, as many as the first has; equal scores in order of place."""
    scores = np.concatenate([one[0], other[0]], axis=1)
    places = np.concatenate([one[1], other[1]], axis=1)
    order = np.argsort(-scores, axis=1, kind="stable")[:, : one[0].shape[1]]
    return np.take_along_axis(scores, order, axis=1), np.take_along_axis(places, order, axis=1)
