"""What the index of a collection is to be, and how it stands: the user's wishes, the recipes that suit them, its state."""

import json
import math
from contextlib import suppress
from dataclasses import asdict, replace

from mmsearch.catalog.catalog import Catalog
from mmsearch.config import machine_memory_bytes
from mmsearch.errors import CollectionDamaged, UsageError
from mmsearch.ingest.due import Standing
from mmsearch.types import Generation
from mmsearch.vectors.generation import GenerationStore
from mmsearch.vectors.plan import IndexDetails, IndexWishes, Recipe

# Under so many vectors a scan by numpy takes a few milliseconds, less than importing FAISS would.
FAISS_FROM_VECTORS = 20_000
# Fewer vectors than this cannot train anything; what was asked for is built when there are so many.
LEAST_FOR_STRUCTURE = 1000
MOST_WISHES_CHARS = 10_000

_NOTHING = Generation(0, "", (), vectors=0, last_id=0, basis="")
_HEADER_BYTES, _ID_BYTES = 128, 8  # of a list of ids that numpy wrote


def wishes_of(catalog: Catalog, defaults: IndexWishes) -> IndexWishes:
    """Return what the user wants of the index: as told to `optimize`, else as the settings say."""
    text = catalog.index_wishes()
    if not text or len(text) > MOST_WISHES_CHARS:
        return defaults
    try:
        found = json.loads(text)
        wishes = IndexWishes(
            str(found["asked"]),
            int(found["max_memory_bytes"]),
            float(found["max_latency_ms"]),
            float(found["min_recall"]),
        )
    except (ValueError, TypeError, KeyError, RecursionError):  # wishes are no truth: searches are right without them
        return defaults
    return wishes if _are_possible(wishes) else defaults


def to_json(wishes: IndexWishes) -> str:
    """Write wishes as `wishes_of` reads them."""
    return json.dumps(asdict(wishes))


def check(wishes: IndexWishes, count: int, dim: int) -> None:
    """Refuse wishes that nothing can meet.

    Args:
        wishes: To be looked at.
        count: Vectors of the collection.
        dim: Of them.

    Raises:
        UsageError: The kind is none, a number is out of range, or the memory is too small for any index that would do.
    """
    if not _are_possible(wishes):
        raise UsageError(
            "An index cannot be so.",
            remedy="The least recall is above 0 and at most 1, such as 0.95; the latency is above 0 ms.",
        )
    chosen = recipes(wishes, count, dim)
    from mmsearch.vectors.ann.choose import bytes_per_vector, recipe_for

    if wishes.asked != "auto":
        recipe_for(wishes.asked, max(count, LEAST_FOR_STRUCTURE), dim)
    least = min(round(bytes_per_vector(recipe, dim, max(count, 1)) * count) for recipe in chosen)
    if 0 < wishes.max_memory_bytes < least:
        raise UsageError(
            f"An index of {count:,} vectors does not fit into {_size(wishes.max_memory_bytes)}.",
            remedy=f"Allow at least {_size(least)}.",
        )


def recipes(wishes: IndexWishes, count: int, dim: int) -> tuple[Recipe, ...]:
    """Return what to build for so many vectors, best first; the last one is always possible."""
    if wishes.asked != "auto":
        recipe = _asked(wishes.asked, count, dim)
        if not recipe.factory or count >= max(LEAST_FOR_STRUCTURE, recipe.cells):
            return (recipe,)
        wishes = replace(wishes, asked="auto")
    if count < FAISS_FROM_VECTORS:
        return (Recipe("flat"),)
    from mmsearch.vectors.ann.choose import choose

    return choose(count, dim, wishes, memory_bytes=machine_memory_bytes())


def standing(catalog: Catalog, generations: GenerationStore) -> Standing:
    """Say how the published index stands beside the collection; call it in a snapshot. It only counts."""
    newest = catalog.generation() or _NOTHING
    tail, removed = catalog.change_counts(newest)
    gone = rows_gone(newest) + removed
    details = details_of(generations, newest)
    usable = newest.kind == "flat" or details is not None
    return Standing(
        count=newest.vectors - gone + tail,
        kind=newest.kind if usable else "",
        rows=newest.vectors,
        trained_on=details.trained_on if details else 0,
        tail=tail,
        gone=gone,
        same_basis=newest.basis == catalog.index_basis(),
    )


def details_of(generations: GenerationStore, generation: Generation) -> IndexDetails | None:
    """Read what is known of an index; None of a scan by numpy, and if its files are damaged."""
    if not generation.files:
        return None
    with suppress(CollectionDamaged):
        return generations.details(generation)
    return None


def rows_gone(generation: Generation) -> int:
    """Return of how many rows the vectors were removed before a generation was made, by the size of its list."""
    sizes = (file.size_bytes for file in generation.files if file.name == GONE)
    return sum(max(0, size - _HEADER_BYTES) // _ID_BYTES for size in sizes)


def _asked(asked: str, count: int, dim: int) -> Recipe:
    from mmsearch.vectors.ann.choose import recipe_for

    return recipe_for(asked, count, dim)


def _are_possible(wishes: IndexWishes) -> bool:
    latency, recall = wishes.max_latency_ms, wishes.min_recall
    return wishes.max_memory_bytes >= 0 and 0 < latency < math.inf and 0 < recall <= 1


def _size(count_bytes: int) -> str:
    return f"{count_bytes / (1 << 20):,.0f} MiB" if count_bytes < 10 << 30 else f"{count_bytes / (1 << 30):,.0f} GiB"
