"""Ridge regression in closed form: one eigendecomposition serves every strength.

Source: Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", 2nd edition, sections 3.4.1 and 18.3.5.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ridge:
    """W(strength) = argmin |features W - targets|^2 + strength |W|^2, as left diag(1 / (spectrum + strength)) right.

    Attributes:
        spectrum: (r,) squared singular values of the features, r = min(n, F).
        left: (F, r).
        right: (r, d).
    """

    spectrum: Matrix
    left: Matrix
    right: Matrix

    def weight(self, strength: float) -> Matrix:
        """Return W (F, d).

        Args:
            strength: Above 0, in the units of the squared features.
        """
        return self.left @ (self.right / (self.spectrum + strength)[:, None])


def decompose(features: npt.ArrayLike, targets: npt.ArrayLike) -> Ridge:
    """Solve for all strengths at once, through the smaller of the two Gram matrices.

    There is no intercept: take the means off both sides first.

    Args:
        features: (n, F).
        targets: (n, d).

    Raises:
        ValueError: The shapes do not fit, there is no row, or a value is not finite.

    Cost: O(min(n, F)^3 + n F min(n, F)) time in float64.
    """
    x = np.asarray(features, dtype=np.float64)
    y = np.asarray(targets, dtype=np.float64)
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y) or not len(x):
        raise ValueError(f"expected features (n, F) and targets (n, d), n > 0, got {x.shape} and {y.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("a feature or a target is NaN or infinite")
    if len(x) < x.shape[1]:
        spectrum, vectors = np.linalg.eigh(x @ x.T)
        left, right = x.T @ vectors, vectors.T @ y
    else:
        spectrum, vectors = np.linalg.eigh(x.T @ x)
        left, right = vectors, vectors.T @ (x.T @ y)
    return Ridge(np.maximum(spectrum, 0), left, right)  # rounding makes zeros slightly negative
