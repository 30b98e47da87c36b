"""Reading what is stored while a writer is at work: the catalog and the vector files of one state."""

from collections.abc import Callable
from typing import TypeVar

from mmsearch.catalog.catalog import Catalog
from mmsearch.errors import CollectionDamaged

Answer = TypeVar("Answer")


def from_one_state(catalog: Catalog, read: Callable[[], Answer]) -> Answer:
    """Return what `read` does while this thread's catalog stands still.

    A writer may meanwhile remove the files of that state, as `rebuild` does, or those of its index, when another
    generation is published; then `read` is called again, with the state that replaced it.

    Raises:
        CollectionDamaged: The stored files are not those of the catalog, and no writer is the reason.
    """
    while True:
        with catalog.snapshot() as revision:
            try:
                return read()
            except CollectionDamaged as error:
                damage, generation = error, catalog.generation()
        if catalog.revision() == revision and catalog.generation() == generation:
            raise damage
