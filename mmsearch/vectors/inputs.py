"""What every index checks before it takes vectors or queries in."""

import numpy as np
import numpy.typing as npt

from mmsearch.normalise import unit_rows
from mmsearch.types import Ids, Vectors


def check_additions(ids: Ids, vectors: npt.ArrayLike, *, dim: int, known: Ids) -> tuple[Ids, Vectors]:
    """Check vectors (n, dim) that are to be added under ids (n,).

    Args:
        ids: The ids they shall have.
        vectors: Of any length and float type.
        dim: The index's dimension.
        known: The ids that the index holds already.

    Returns:
        The ids, and the vectors as unit rows.

    Raises:
        ValueError: An id is known or given twice, the shapes do not fit, or a value is not finite.
    """
    rows = _rows_of(vectors, dim)
    ids = np.asarray(ids, dtype=np.int64)
    if ids.shape != (len(rows),):
        raise ValueError(f"expected {len(rows)} ids for {len(rows)} vectors, got shape {ids.shape}")
    if len(np.unique(ids)) != len(ids):
        raise ValueError("an id is given twice")
    clashes = ids[np.isin(ids, known)]
    if len(clashes):
        raise ValueError(f"id {clashes[0]} is in the index already; remove it first")
    return ids, rows


def check_queries(queries: npt.ArrayLike, k: int, *, dim: int) -> Vectors:
    """Check queries (m, dim) and return them as unit rows.

    Raises:
        ValueError: The shape does not fit, a value is not finite, or `k` is negative.
    """
    if k < 0:
        raise ValueError(f"k must be 0 or more, got {k}")
    return _rows_of(queries, dim)


def _rows_of(vectors: npt.ArrayLike, dim: int) -> Vectors:
    rows = unit_rows(vectors)
    if rows.shape[1] != dim:
        raise ValueError(f"expected vectors of dimension {dim}, got {rows.shape[1]}")
    return rows
