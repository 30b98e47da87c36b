"""Stage 5: a verdict on whether the best hit is likely to be what was meant."""

from collections.abc import Sequence

from mmsearch.types import EncoderSpec, Hit, QueryPart


def judge(parts: Sequence[QueryPart], ranking: Sequence[Hit], spec: EncoderSpec) -> bool | None:
    """Compare each hit with the score that its kind of match should reach.

    Args:
        parts: The query.
        ranking: The hits from rank 1 on, so that a later page has the verdict of the first.
        spec: Of the encoder; its `no_match_below` has the scores.

    Returns:
        True if some hit reaches it, False if none does. None if there is no hit, if nobody measured it for the
        modalities of one that may be better than it looks, or if the query is composed: the sum of several vectors
        has no known range of scores.
    """
    if len(parts) != 1 or not ranking:
        return None
    asked = parts[0].modality
    thresholds = [spec.no_match_below.get((asked, hit.modality)) for hit in ranking]
    if any(known is not None and hit.score >= known for hit, known in zip(ranking, thresholds, strict=True)):
        return True
    return None if None in thresholds else False
