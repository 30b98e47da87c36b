"""Derive again what can be derived: compact the vector files, publish a new index, and index the words."""

from collections.abc import Iterator

import numpy as np

from mmsearch.adapt.stored import PIECE_ROWS
from mmsearch.catalog.catalog import Catalog, Locations
from mmsearch.errors import CollectionDamaged
from mmsearch.ingest.publish import publish
from mmsearch.types import Features, Vectors
from mmsearch.vectors.generation import GenerationStore
from mmsearch.vectors.store import VectorStore


def rebuild(catalog: Catalog, store: VectorStore, generations: GenerationStore, *, checked: bool = False) -> None:
    """Write the vectors in use to a new file, without what deletions left behind, and index them anew.

    The words are indexed anew too. Nothing is encoded. The old files stay until the catalog refers to the new ones.

    Args:
        checked: The caller knows that every row in use is sound.

    Raises:
        CollectionDamaged: A vector file does not match its checksums; nothing was changed.
        StorageError: The disk is full or cannot be written; nothing was changed.
    """
    if not checked and (damaged := store.damaged_blocks(catalog.blocks())):
        raise CollectionDamaged(damaged[0][1])
    places = catalog.locations()
    file = max([*catalog.referenced_files().vectors, 0]) + 1
    moved, rows = _distinct(places)
    blocks = store.write_new(file, _pieces(store, moved)) if len(moved) else ()
    with catalog.write() as writer:
        writer.move_vectors(Locations(places.ids, np.full(len(places), file), rows), blocks)
        writer.rebuild_words()
    publish(catalog, store, generations, force=True)


def _pieces(store: VectorStore, places: Locations) -> Iterator[tuple[Vectors, Features]]:
    """Copy rows out as they are stored, a bounded number at once."""
    for start in range(0, len(places), PIECE_ROWS):
        files, rows = places.files[start : start + PIECE_ROWS], places.rows[start : start + PIECE_ROWS]
        yield store.gather(files, rows), store.gather_features(files, rows)


def _distinct(places: Locations) -> tuple[Locations, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """List each row once, since copies of a file share rows, and say for each segment which of them is its own."""
    pairs = np.stack([places.files, places.rows], axis=1)
    distinct, inverse = np.unique(pairs, axis=0, return_inverse=True)
    return Locations(np.arange(len(distinct)), distinct[:, 0], distinct[:, 1]), inverse.reshape(-1).astype(np.int64)
