"""A verdict on whether the best hits are likely to be what was meant."""

from collections.abc import Sequence
from dataclasses import dataclass

from mmsearch.search.calibrate import GOOD
from mmsearch.types import EncoderSpec, Modality


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a hit is judged by.

    Attributes:
        vector: What the vectors alone say of it, in [0, 1].
        words: What the words alone say of it, in [0, 1]: how much of what the query says literally stands there.
    """

    modality: Modality
    vector: float
    words: float


def judge(asked: Modality | None, best: Sequence[Evidence], spec: EncoderSpec) -> bool | None:
    """Tell whether some hit is a good match.

    Words count only if they are the better part of the query: a number or a common word that stands in some file's
    name too lifts that file's score, but is no reason to believe that it was meant.

    Args:
        asked: What kind of query it is; None for a composed one, or if only words count.
        best: The hits from rank 1 on, whatever page is shown, so that all pages have one verdict.
        spec: Of the encoder; its `levels` say where a verdict was measured.

    Returns:
        True if a hit has half of the query's words or more, or reaches `calibrate.GOOD` by its vector where that was
        measured. False if the kind of every hit was measured and none does. Else None: there is no hit, or one may be
        better or worse than its score.
    """
    measured = [_was_measured(asked, each.modality, spec) for each in best]
    if any(each.words >= GOOD for each in best):
        return True
    if any(known and each.vector >= GOOD for known, each in zip(measured, best, strict=True)):
        return True
    return False if measured and all(measured) else None


def _was_measured(asked: Modality | None, found: Modality, spec: EncoderSpec) -> bool:
    levels = spec.levels.get((asked, found)) if asked else None
    return levels is not None and levels.verdict
