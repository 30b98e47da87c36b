"""Reading what is stored while a writer is at work: the catalog and the vector files of one state."""

from collections.abc import Callable
from typing import TypeVar

from mmsearch.catalog.catalog import Catalog
from mmsearch.errors import CollectionDamaged
from mmsearch.types import Ids, Vectors
from mmsearch.vectors.store import VectorStore

Answer = TypeVar("Answer")


def from_one_state(catalog: Catalog, read: Callable[[], Answer]) -> Answer:
    """Return what `read` does while this thread's catalog stands still.

    A writer may meanwhile remove the files of that state, as `rebuild` does; then `read` is called again, with the
    state that replaced it.

    Raises:
        CollectionDamaged: The stored files are not those of the catalog, and no writer is the reason.
    """
    while True:
        with catalog.snapshot():
            revision = catalog.revision()
            try:
                return read()
            except CollectionDamaged as error:
                damage = error
        if catalog.revision() == revision:
            raise damage


def stored_vectors(catalog: Catalog, store: VectorStore, ids: Ids | None = None) -> tuple[Ids, Vectors]:
    """Copy out all vectors, or those of these ids: ids (n,), sorted, and unit rows (n, d).

    Raises:
        CollectionDamaged: The vector files are not those of the catalog.
    """
    places = catalog.locations(ids)
    return places.ids, store.gather(places.files, places.rows)
