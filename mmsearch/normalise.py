"""The one place where vectors are brought to unit length, so that an inner product is a cosine."""

import numpy as np
import numpy.typing as npt

from mmsearch.types import Vectors


def unit_rows(vectors: npt.ArrayLike) -> Vectors:
    """Scale each row to length 1.

    Args:
        vectors: (n, d), any real type, values within the range of float32.

    Returns:
        (n, d) float32, C-contiguous. A row of zeros stays zero: its score with anything is 0.

    Raises:
        ValueError: Not two-dimensional, or a value is NaN, infinite or too large for float32.
    """
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, which is refused below
        rows = np.ascontiguousarray(vectors, dtype=np.float32)
    if rows.ndim != 2:
        raise ValueError(f"expected vectors of shape (n, d), got {rows.shape}")
    if not np.isfinite(rows).all():
        raise ValueError("a vector holds NaN or infinity")
    # float64 lengths: squares of large float32 values overflow, squares of tiny ones vanish.
    lengths = np.sqrt(np.einsum("nd,nd->n", rows, rows, dtype=np.float64))
    lengths[lengths == 0] = 1
    return np.asarray(rows / lengths[:, None], dtype=np.float32)
