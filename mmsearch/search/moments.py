"""Stage 4b: one hit a moment. What is said is stored in overlapping passages, and a search finds several of them."""

from collections import defaultdict
from collections.abc import Sequence

from mmsearch.queries import Hit


def one_a_moment(hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """Leave out what is said in a span of time that overlaps that of a better hit in the same file."""
    taken: dict[str, list[Hit]] = defaultdict(list)
    kept: list[Hit] = []
    for hit in hits:
        if hit.modality == "text" and hit.start_s is not None:
            if any(_overlap(hit, other) for other in taken[hit.path]):
                continue
            taken[hit.path].append(hit)
        kept.append(hit)
    return tuple(kept)


def _overlap(one: Hit, other: Hit) -> bool:
    spans = one.start_s, one.end_s, other.start_s, other.end_s
    if None in spans:
        return False
    start, end, other_start, other_end = (float(time or 0) for time in spans)
    return start < other_end and other_start < end
