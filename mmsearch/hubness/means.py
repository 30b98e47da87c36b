"""How much of a hub an item is: its mean similarity to the queries of a bank that are nearest to it."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mmsearch.types import Ids, Vectors

_SCORES_AT_ONCE = 1 << 22

Means = npt.NDArray[np.float32]
Cells = tuple[Ids, Ids]  # (rows (c,) ascending, columns (c,))


def top_means(vectors: Vectors, queries: Vectors, depths: Sequence[int], left_out: Cells | None = None) -> Means:
    """Average the greatest similarities of each item: (len(depths), n) float32.

    Args:
        vectors: (n, d), unit rows.
        queries: (m, d), unit rows; without any, all means are 0.
        depths: So many of the greatest each time, at least 1; all that there are if they are fewer.
        left_out: Which (item, query) do not count. An item without any query left has the mean of the others.

    Source: the bias of "Nearest Neighbor Normalization Improves Multimodal Retrieval", Chowdhury et al. 2024
    (arXiv 2410.24114), section 3, without its weight.
    """
    means = np.zeros((len(depths), len(vectors)), dtype=np.float32)
    if not len(queries):
        return means
    step = max(1, _SCORES_AT_ONCE // len(queries))
    for start in range(0, len(vectors), step):
        scores = vectors[start : start + step] @ queries.T
        if left_out is not None:
            first, last = np.searchsorted(left_out[0], (start, start + step))
            scores[left_out[0][first:last] - start, left_out[1][first:last]] = -np.inf
        means[:, start : start + step] = _means_of_greatest(scores, depths)
    if left_out is not None:
        _fill(means)
    return means


def _means_of_greatest(scores: npt.NDArray[np.float32], depths: Sequence[int]) -> Means:
    """Average the greatest finite scores of each row: (len(depths), rows); NaN where there is none."""
    deepest = min(max(depths), scores.shape[1])
    greatest = np.partition(scores, scores.shape[1] - deepest, axis=1)[:, -deepest:]
    greatest = -np.sort(-greatest, axis=1)
    known = np.isfinite(greatest)
    sums = np.cumsum(np.where(known, greatest, 0), axis=1, dtype=np.float64)
    counts = np.cumsum(known, axis=1)
    columns = [min(depth, deepest) - 1 for depth in depths]
    with np.errstate(invalid="ignore"):  # 0 / 0
        return np.asarray((sums[:, columns] / counts[:, columns]).T, dtype=np.float32)


def _fill(means: Means) -> None:
    """Give items without a mean that of the others; 0 if there is no other."""
    for row in means:
        known = np.isfinite(row)
        row[~known] = row[known].mean() if known.any() else 0
