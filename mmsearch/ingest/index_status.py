"""What there is to say of the index in use: its size, what came since, and how good it was measured to be."""

from dataclasses import asdict, replace

from mmsearch.catalog.catalog import Catalog
from mmsearch.ingest.index_plan import USUAL, details_of, standing, wishes_of
from mmsearch.reports import IndexStatus
from mmsearch.vectors.generation import GenerationStore
from mmsearch.vectors.plan import IndexDetails, IndexWishes


def index_status(catalog: Catalog, generations: GenerationStore, defaults: IndexWishes = USUAL) -> IndexStatus:
    """Describe the index of a collection; call it in a snapshot. No index is read, but for its details.

    Args:
        catalog: Of the collection.
        generations: Of its indexes.
        defaults: What the index is to be if `optimize` was never told.
    """
    return replace(_index_status(catalog, generations), **asdict(wishes_of(catalog, defaults)))


def _index_status(catalog: Catalog, generations: GenerationStore) -> IndexStatus:
    newest, index = catalog.generation(), standing(catalog, generations)
    if newest is None:
        return IndexStatus("none", 0, index.count, fresh=False, tail=index.count)
    status = IndexStatus(
        kind=newest.kind,
        size_bytes=newest.size_bytes,
        vectors=index.count,
        fresh=index.same_basis and bool(index.kind),
        tail=index.tail,
        removed=index.gone,
        bytes_per_vector=round(newest.size_bytes / newest.vectors) if newest.vectors else 0,
    )
    details = details_of(generations, newest)
    return _with_details(status, details) if details else status


def _with_details(status: IndexStatus, details: IndexDetails) -> IndexStatus:
    measured = details.measured
    if measured:
        status = replace(
            status,
            recall=measured.recall,
            recall_100=measured.recall_100,
            latency_ms=measured.latency_ms,
            flat_latency_ms=measured.flat_ms,
            tuned_with=f"{measured.queries:,} queries ({measured.source})",
        )
    if details.recipe.factory:
        effort = details.effort
        status = replace(status, factory=details.recipe.factory, probes=effort.probes, candidates=effort.candidates)
    return replace(status, trained_on=details.trained_on, note=details.note)
