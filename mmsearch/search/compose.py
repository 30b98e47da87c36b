"""What the parts of a query come to: portions of one vector (`add`), or one score of several (`fuse`).

In both a negative part counts relative to the strongest positive one, so that only the proportions of weights matter.
How the formulas were chosen is in docs/decisions/0016-composed.md.
"""

import numpy as np
import numpy.typing as npt

from mmsearch.search.calibrate import margins
from mmsearch.types import Vectors

Weights = npt.NDArray[np.float64]
Scores = npt.NDArray[np.float32]

_LEAST = 1e-6  # a score nearer to 0 or 1 counts as this
_SWEEPS = 50
_SETTLED = 1e-7


def portions(rows: Vectors, weights: Weights) -> Weights:
    """Say how much of each part goes into the query vector, which is `portions(rows, weights) @ rows`.

    Positive parts go in by weight. Of their sum, a negative part of weight -1 takes out all that points its way, one
    of -0.5 half of that, and one of -2 as much again; a part that the sum does not point to takes nothing.

    Args:
        rows: (p, d) unit vectors of the parts.
        weights: (p,); at least one is above 0.

    Returns:
        (p,) float64: the positive weights as they are, and 0 or less for the others.

    Guarantees: where all negative weights equal minus the largest positive one, the vector has no positive cosine
        with a negative part (to 1e-4, unless two of them are almost the same).

    Source: projection onto the polar cone of the negative parts (Moreau 1962); of a single one, orthogonal negation
        (Widdows, "Orthogonal negation in vector spaces", ACL 2003).
    """
    wanted = weights > 0
    if wanted.all():
        return weights
    unwanted = rows[~wanted].astype(np.float64)
    found = np.array(weights, dtype=np.float64)
    strength = weights[~wanted] / weights[wanted].max()
    found[~wanted] = strength * _shared(weights[wanted] @ rows[wanted], unwanted)
    return found


def _shared(vector: npt.NDArray[np.float64], rows: npt.NDArray[np.float64]) -> Weights:
    """Return the amounts a >= 0 (p,) for which `a @ rows` is nearest to a vector (d,): non-negative least squares.

    Source: Franc, Hlaváč and Navara, "Sequential coordinate-wise algorithm for the non-negative least squares
        problem", CAIP 2005; for rows of length 1.
    """
    amounts, rest = np.zeros(len(rows)), np.array(vector, dtype=np.float64)
    for _ in range(_SWEEPS):
        before = amounts.copy()
        for i, row in enumerate(rows):
            more = max(amounts[i] + row @ rest, 0.0) - amounts[i]
            amounts[i] += more
            rest -= more * row
        if np.abs(amounts - before).max() <= _SETTLED:
            break
    return amounts


def fused(scores: Scores, weights: Weights) -> Scores:
    """Say how well each item meets all positive parts and none of the negative ones.

    Scores are taken back to margins, which `calibrate` makes scores of: 0 for a score of 0.5, 4/3 for 0.9, and linear
    in the cosine. An item has the weighted mean of its margins by the positive parts. Each negative part takes its
    own margin from that where it is well above 0, and nothing where it is well below.

    Args:
        scores: (p, n) in [0, 1]; the calibrated score of each part with each item.
        weights: (p,); at least one is above 0. A part of weight 0 does not count.

    Returns:
        (n,) float32 in [0, 1]. A single part gives its own scores.

    Guarantees: never falls if the score of a positive part rises, never rises if that of a negative part does; the
        order of the parts does not matter, nor does a factor common to all weights.

    Source: a generalised linear opinion pool (Genest and Zidek, "Combining probability distributions", Statistical
        Science 1986) over the link of `calibrate`; for negative parts the softplus function.
    """
    if len(weights) == 1:
        return np.asarray(scores[0], dtype=np.float32)
    wanted = weights > 0
    each = margins(scores, _LEAST)
    agreed = weights[wanted] / weights[wanted].sum() @ each[wanted]
    against = -weights[~wanted] / weights[wanted].max() @ np.logaddexp(0.0, each[~wanted])
    return _scores(agreed - against)


def _scores(margins: npt.NDArray[np.float64]) -> Scores:
    """Map as `calibrate` does: the distribution function of Student's t with 2 degrees of freedom, rescaled."""
    return np.asarray(0.5 + 0.5 * margins / np.hypot(1.0, margins), dtype=np.float32)
