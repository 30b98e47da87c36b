"""Cosines become scores in [0, 1] that mean the same for every kind of query and of target.

0.5 is the level of "no good match", 0.9 that of a typical good one. Where the model's good matches were measured
(`EncoderSpec.levels`), the cosine alone decides: it tells queries with an answer from those without better than how far
it stands out from the collection does (docs/decisions/0013-scores.md). Where they were not, and for composed queries,
the standard score against a sample of the collection decides, as comparable as can be without measuring.
"""

import numpy as np
import numpy.typing as npt

from mmsearch.search.background import Background
from mmsearch.types import EncoderSpec, Levels, Modality

GOOD = 0.5
# Standard scores: what the best of some 500 unrelated vectors comes to by chance, and what none of a million does.
_BY_CHANCE = 3.0
_CLEAR = 5.0
_REST = 0.0999  # from 0.9 to what the same again has: nothing is certain


def calibrated(
    cosines: npt.NDArray[np.float32],
    asked: Modality | None,
    target: Modality,
    spec: EncoderSpec,
    background: Background | None,
) -> npt.NDArray[np.float32]:
    """Turn cosines (n,) into scores (n,), between 0 and 1.

    Args:
        cosines: Between one query and segments of one modality.
        asked: What kind of query it is; None for a composed one.
        target: Modality of the segments.
        spec: Of the model.
        background: Of this query in segments of this modality; used where the model has no levels for the pair. None
            if they are too few: then unrelated vectors are taken to be at right angles.

    Guarantees: rises with the cosine, strictly where cosines of up to 1 differ by 1e-3 or more; finite for any finite
        input.
    """
    levels = spec.levels.get((asked, target)) if asked else None
    levels = levels or _standing_out(background, spec.space.dim)
    return _score(cosines.astype(np.float64), levels)


def margins(scores: npt.NDArray[np.float32], least: float) -> npt.NDArray[np.float64]:
    """Undo the mapping: 0 for a score of 0.5, 4/3 for 0.9, linear in the cosine where that is below a typical one's.

    Args:
        scores: In [0, 1], of any shape.
        least: A score nearer to 0 or 1 than this counts as this: margins must be finite.
    """
    centred = 2 * np.clip(scores.astype(np.float64), least, 1 - least) - 1
    return np.asarray(centred / np.sqrt(1 - centred**2))


def _standing_out(background: Background | None, dim: int) -> Levels:
    """Place the levels in standard deviations above the mean of a background.

    The deviation is held between one and two times that of cosines of random directions, 1/sqrt(dim): queries that
    mean something vary more than nonsense, and dividing by all of it would take that difference away.
    """
    random = dim**-0.5
    mean, sd = (background.mean, background.sd) if background else (0.0, 2 * random)
    sd = min(max(sd, random), 2 * random)
    return Levels(mean + _BY_CHANCE * sd, mean + _CLEAR * sd, verdict=False)


def _score(cosines: npt.NDArray[np.float64], levels: Levels) -> npt.NDArray[np.float32]:
    """Map with the distribution function of Student's t with 2 degrees of freedom.

    Like the logistic function in the middle, but its tails fall off as the square: a few hundred measured queries do
    not support 0.9999, and good hits stay apart in float32. It is the link of robust ("robit") regression, Liu (2004).
    Where a typical good match is near 1 already, as of sounds by sounds, the way from there to 1 is straight: what is
    searched for itself must not come after what is only like it.
    """
    x = (cosines - levels.doubtful) / (levels.typical - levels.doubtful) * (4 / 3)  # 4/3 gives 0.9
    scores = 0.5 + 0.5 * x / np.sqrt(1 + x**2)
    if levels.typical < 1:
        straight = 0.9 + _REST * (np.minimum(cosines, 1) - levels.typical) / (1 - levels.typical)
        scores = np.where(cosines > levels.typical, np.maximum(scores, straight), scores)
    return np.asarray(scores, dtype=np.float32)
