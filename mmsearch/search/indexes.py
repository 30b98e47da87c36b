"""The index that searches use: the published generation while it is current, else made from the stored vectors."""

from contextlib import suppress
from threading import Lock

from mmsearch.catalog.catalog import Catalog
from mmsearch.errors import CollectionDamaged
from mmsearch.protocols import VectorIndex
from mmsearch.vectors.flat import FlatIndex
from mmsearch.vectors.generation import GenerationStore
from mmsearch.vectors.store import VectorStore


class IndexCache:
    """Keeps one index in memory and replaces it when the catalog has moved on. Thread-safe."""

    def __init__(self, catalog: Catalog, store: VectorStore, generations: GenerationStore) -> None:
        self._catalog = catalog
        self._store = store
        self._generations = generations
        self._index: VectorIndex | None = None
        self._revision = -1
        self._lock = Lock()

    def current(self) -> VectorIndex:
        """Return an index of all that is committed now.

        Raises:
            CollectionDamaged: The stored vectors cannot be read.
        """
        with self._lock:
            if self._index is None or self._revision != self._catalog.revision():
                self._index, self._revision = self._load()
            return self._index

    def _load(self) -> tuple[VectorIndex, int]:
        try:
            return self._load_once()
        except CollectionDamaged:
            # A writer may have moved the vectors to new files since the catalog was read: look once more.
            return self._load_once()

    def _load_once(self) -> tuple[VectorIndex, int]:
        with self._catalog.snapshot():
            revision, generation = self._catalog.revision(), self._catalog.generation()
            if generation and generation.revision == revision:
                with suppress(CollectionDamaged):
                    return self._generations.load(generation), revision
            places = self._catalog.locations()
        return FlatIndex.of(places.ids, self._store.gather(places.files, places.rows)), revision
