"""Stage 5: a verdict on whether the best hit is likely to be what was meant."""

from collections.abc import Sequence

from mmsearch.types import EncoderSpec, Hit, QueryPart


def judge(parts: Sequence[QueryPart], hits: Sequence[Hit], spec: EncoderSpec) -> bool | None:
    """Compare each hit with the score that its kind of match should reach.

    Returns:
        True if some hit reaches it, False if none does, None if nobody measured it for these modalities or the
        query is composed: the sum of several vectors has no known range of scores.
    """
    wanted = [part for part in parts if part.weight > 0]
    if len(parts) != 1 or not hits:
        return None
    verdicts = [
        hit.score >= threshold
        for hit in hits
        if (threshold := spec.no_match_below.get((wanted[0].modality, hit.modality))) is not None
    ]
    return any(verdicts) if verdicts else None
