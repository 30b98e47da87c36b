"""What the index of a collection is to be, by the user's wishes and its size, and how it stands."""

import json
import math
from contextlib import suppress
from dataclasses import asdict, replace

from mmsearch.catalog.catalog import Catalog
from mmsearch.config import machine_memory_bytes
from mmsearch.errors import CollectionDamaged, StorageError, UsageError
from mmsearch.ingest.due import Standing
from mmsearch.types import Generation
from mmsearch.vectors.ann import choose
from mmsearch.vectors.generation import GenerationStore
from mmsearch.vectors.index_files import GONE
from mmsearch.vectors.plan import IndexDetails, IndexWishes, Recipe

# Fewer vectors than this cannot train anything; what was asked for is built when there are so many.
LEAST_FOR_STRUCTURE = 1000
MOST_WISHES_CHARS = 10_000
LEAST_MEMORY = 1 << 20  # bytes: no program works with less, however few the vectors

USUAL = IndexWishes()
"""What an index is to be if neither `optimize` nor the settings were told."""

_NOTHING = Generation(0, "", (), vectors=0, last_id=0, basis="")
_HEADER_BYTES, _ID_BYTES = 128, 8  # as numpy writes a list of ids


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
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return defaults  # wishes are no truth: searches are right without them
    with suppress(UsageError):
        _check_numbers(wishes)
        return wishes
    return defaults


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
        UsageError: The kind is none, a number is out of range, or no index fits into the memory.
    """
    _check_numbers(wishes)
    chosen = recipes(wishes, count, dim)
    if wishes.asked == "auto" and 0 < wishes.max_memory_bytes < (least := _least_bytes(chosen, count, dim)):
        raise UsageError(
            f"No index of {count:,} vectors fits into {_size(wishes.max_memory_bytes)}.",
            remedy=f"Allow at least {_size(least)}.",
        )


def _check_numbers(wishes: IndexWishes) -> None:
    if wishes.max_memory_bytes < 0:
        raise UsageError("The memory is 0 or more.", remedy="Give a number of bytes; 0 takes a quarter of the memory.")
    if 0 < wishes.max_memory_bytes < LEAST_MEMORY:
        raise UsageError("The memory is at least 1 MiB.", remedy="Allow at least 1 MiB; 0 for a quarter of the memory.")
    if not 0 < wishes.max_latency_ms < math.inf:
        raise UsageError("The latency is above 0.", remedy="Give it in milliseconds, such as 10.")
    if not 0 < wishes.min_recall <= 1:
        raise UsageError("The recall is above 0 and at most 1.", remedy="Give a share, such as 0.95.")


def recipes(wishes: IndexWishes, count: int, dim: int) -> tuple[Recipe, ...]:
    """Return what to build for so many vectors, best first; the last one is always possible.

    Raises:
        UsageError: What is asked for is no kind of index.
    """
    if wishes.asked != "auto":
        asked = choose.recipe_for(wishes.asked, max(count, LEAST_FOR_STRUCTURE), dim)
        if not asked.factory:
            return (asked,)
        others = recipes(replace(wishes, asked="auto"), count, dim)
        return (asked, *others) if count >= max(LEAST_FOR_STRUCTURE, asked.cells) else others
    return choose.choose(count, dim, wishes, memory_bytes=machine_memory_bytes())


def standing(catalog: Catalog, generations: GenerationStore, *, read: bool = False) -> Standing:
    """Say how the published index stands beside the collection; call it in a snapshot.

    Args:
        catalog: Of the collection.
        generations: Of its indexes.
        read: Compare the checksums of the files of the index, but for the rows; else only their sizes.
    """
    newest = catalog.generation() or _NOTHING
    tail, removed = catalog.change_counts(newest)
    gone = rows_gone(newest) + removed
    details = details_of(generations, newest)
    usable = bool(newest.kind) and generations.is_whole(newest, read=read)
    return Standing(
        count=newest.vectors - gone + tail,
        kind=newest.kind if usable else "",
        rows=newest.vectors,
        trained_on=details.trained_on if details else 0,
        tail=tail,
        gone=gone,
        listed=catalog.removals(),
        same_basis=newest.basis == catalog.index_basis(),
    )


def details_of(generations: GenerationStore, generation: Generation) -> IndexDetails | None:
    """Read what is known of an index; None of a scan by numpy, and if its files cannot be read."""
    if not generation.files:
        return None
    with suppress(CollectionDamaged, StorageError):
        return generations.details(generation)
    return None


def rows_gone(generation: Generation) -> int:
    """Return of how many rows the vectors were removed before a generation was made, by the size of its list."""
    sizes = (file.size_bytes for file in generation.files if file.name == GONE)
    return sum(max(0, size - _HEADER_BYTES) // _ID_BYTES for size in sizes)


def _least_bytes(chosen: tuple[Recipe, ...], count: int, dim: int) -> int:
    return min(math.ceil(count * choose.bytes_per_vector(recipe, dim, max(count, 1))) for recipe in chosen)


def _size(count_bytes: int) -> str:
    """Write a size as it can be given, rounded up."""
    for unit, least in (("GiB", 10 << 30), ("MiB", 1 << 20)):
        if count_bytes >= least:
            return f"{math.ceil(count_bytes / (1 << (30 if unit == 'GiB' else 20))):,} {unit}"
    return f"{count_bytes:,} bytes"
