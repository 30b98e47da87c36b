"""How the scores of a re-ranker and those of the first stage become one order.

Both are standardised among the candidates of one kind, since neither means the same from query to query and from
kind to kind, and added. The scores of the first stage are then dealt out in the new order: a re-ranker moves hits among
the places of their kind, and how sure a place is stays what was measured for the first stage. So a re-ranker cannot
make one kind crowd out another, and one that has nothing to say changes nothing.

Source: the standardised sum is that of Shaw and Fox 1994, "Combination of Multiple Searches" (CombSUM).
"""

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]
_USUAL = 3 * 1.4826  # three deviations, told by the median absolute deviation of normal values


def blended(first: npt.NDArray[np.floating], second: Scores, weight: float) -> npt.NDArray[np.float64]:
    """Add what two stages say of the same candidates (n,), in standard deviations: z(first) + weight * z(second).

    Where `second` is NaN, it has no say: the candidate counts as an average one.
    """
    judged = np.isfinite(second)
    total = standardised(first)
    total[judged] += weight * standardised(second[judged])
    return total


def order(first: npt.NDArray[np.floating], second: Scores, weight: float) -> npt.NDArray[np.int64]:
    """Return the candidates' places (n,), best first; equal ones stay in the order in which they came.

    Guarantees: the order of `first`, which comes in descending order, if the weight is 0 or `second` is constant.
    """
    return np.argsort(-blended(first, second, weight), kind="stable")


def standardised(scores: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Say by how many standard deviations each of some scores (n,) exceeds their mean; 0 if all are the same.

    Values far off are drawn in before mean and deviation are taken: one near-certain hit must not level the others, nor
    put them all below the mean. Source: Wilcox 2012, "Introduction to Robust Estimation and Hypothesis Testing",
    section 3.3 (winsorised mean and variance).
    """
    values = scores.astype(np.float64)
    if not len(values):
        return values
    middle = np.median(values)
    reach = _USUAL * np.median(np.abs(values - middle))
    usual = np.clip(values, middle - reach, middle + reach) if reach else values
    deviation = usual.std()
    return (values - usual.mean()) / deviation if deviation > 1e-9 else np.zeros_like(values)
