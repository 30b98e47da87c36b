"""Stage 6: the hits of all kinds become one list: one a moment, one a file, without copies, within quotas."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from mmsearch.catalog.catalog import Catalog
from mmsearch.queries import Hit, Query
from mmsearch.search.moments import one_a_moment
from mmsearch.types import Modality
from mmsearch.vectors.store import VectorStore

MAX_MOMENTS = 5  # shown of a file besides its best


def arrange(kinds: Iterable[Sequence[Hit]], query: Query, catalog: Catalog, store: VectorStore) -> tuple[Hit, ...]:
    """Merge the hits of each kind by score and leave out what the query does not want to see; ranks are to be given.

    Scores are comparable between kinds, so no kind crowds out another that fits better.
    """
    hits: Sequence[Hit] = sorted(chain.from_iterable(kinds), key=lambda hit: (-hit.score, -(hit.cosine or 0.0), hit.id))
    hits = one_a_moment([hit for hit in hits if hit.score >= query.min_score])
    if query.group:
        hits = by_file(hits)
    if query.dedupe:
        from mmsearch.search.dedupe import dedupe

        hits = dedupe(hits, catalog, store)
    return tuple(within_quotas(hits, query.quotas))


def by_file(hits: Sequence[Hit]) -> list[Hit]:
    """Keep the best hit of each file, which names the next best of the same file; a caption belongs to its picture."""
    files: dict[str, list[Hit]] = defaultdict(list)
    for hit in hits:
        files[hit.subject].append(hit)
    return [
        replace(best, more=tuple(hit.moment for hit in others[:MAX_MOMENTS])) if others else best
        for best, *others in files.values()
    ]


def within_quotas(hits: Sequence[Hit], quotas: Mapping[Modality, int]) -> list[Hit]:
    """Leave out hits of a modality beyond its quota."""
    taken: Counter[Modality] = Counter()
    kept: list[Hit] = []
    for hit in hits:
        if taken[hit.modality] < quotas.get(hit.modality, len(hits)):
            taken[hit.modality] += 1
            kept.append(hit)
    return kept


def ranked(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    """Give hits new ranks, from 1."""
    return tuple(replace(hit, rank=rank) for rank, hit in enumerate(hits, start=1))
