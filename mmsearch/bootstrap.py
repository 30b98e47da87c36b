"""How sure a mean is: the bootstrap, over units that are drawn whole.

Source: Efron and Tibshirani, "An Introduction to the Bootstrap", sections 8.3 (units that are resampled whole) and
13.3 (percentile intervals).
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

RESAMPLES = 2_000
CONFIDENCE = 0.95

Values = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


def draws(units: int, seed: int) -> Iterator[Counts]:
    """Yield `RESAMPLES` times how often each unit (units,) is drawn if as many are drawn, with replacement."""
    random = np.random.default_rng(seed)
    for _ in range(RESAMPLES):
        yield np.bincount(random.integers(units, size=units), minlength=units)


def mean_ends(sums: Values, weights: Values, seed: int) -> tuple[Values, Values]:
    """Return the ends (m,) of the intervals of the weighted means of m columns.

    Args:
        sums: (units, m) of what is averaged, over each unit, times its weight.
        weights: (units,) of each unit.
        seed: The same input and seed give the same interval.
    """
    means = np.array([drawn @ sums / (drawn @ weights) for drawn in draws(len(sums), seed)])
    margin = (1 - CONFIDENCE) / 2
    return np.quantile(means, margin, axis=0), np.quantile(means, 1 - margin, axis=0)


def sums_by(unit: npt.NDArray[np.int64], values: Values) -> Values:
    """Add up the rows (n, m) of each unit (n,), numbered from 0 without gaps: (units, m)."""
    return np.stack([np.bincount(unit, column) for column in values.T], axis=1)
