"""The last stage: a verdict on whether the best hit is likely to be what was meant."""

from collections.abc import Sequence

from mmsearch.queries import Hit
from mmsearch.search.calibrate import GOOD
from mmsearch.types import EncoderSpec, Modality


def judge(asked: Modality | None, ranking: Sequence[Hit], spec: EncoderSpec) -> bool | None:
    """Tell whether some hit is a good match.

    Args:
        asked: What kind of query it is; None for a composed one, or if only words count.
        ranking: The hits from rank 1 on, so that a later page has the verdict of the first.
        spec: Of the encoder; its `levels` say where a verdict was measured.

    Returns:
        True if a hit whose score means something reaches `calibrate.GOOD`: it was found by words, or its kind of match
        was measured. False if the kind of every hit was measured and none reaches it. Else None: there is no hit, or
        one may be better or worse than its score.
    """
    measured = [_was_measured(asked, hit, spec) for hit in ranking]
    if any(hit.score >= GOOD and (known or hit.cosine is None) for hit, known in zip(ranking, measured, strict=True)):
        return True
    return False if measured and all(measured) else None


def _was_measured(asked: Modality | None, hit: Hit, spec: EncoderSpec) -> bool:
    levels = spec.levels.get((asked, hit.modality)) if asked else None
    return hit.cosine is not None and levels is not None and levels.verdict
