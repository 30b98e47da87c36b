"""The index that searches use: the published generation while it is current, else made from the stored vectors."""

from contextlib import suppress
from threading import Lock

from mmsearch.adapt.stored import stored_vectors
from mmsearch.catalog.catalog import Catalog
from mmsearch.errors import CollectionDamaged
from mmsearch.hubness.stored import BankCache
from mmsearch.protocols import VectorIndex
from mmsearch.search.rerankers import RerankerCache
from mmsearch.search.state import SearchState
from mmsearch.vectors.flat import FlatIndex
from mmsearch.vectors.generation import GenerationStore
from mmsearch.vectors.store import VectorStore


class IndexCache:
    """Keeps one state in memory and replaces it when the catalog has moved on. Thread-safe.

    Attributes:
        banks: The same for banks of queries, which come and go without a change of the vectors.
        rerankers: The same for re-rankers.
    """

    def __init__(self, catalog: Catalog, store: VectorStore, generations: GenerationStore) -> None:
        self._catalog = catalog
        self._store = store
        self._generations = generations
        self.banks = BankCache(catalog)
        self.rerankers = RerankerCache(catalog)
        self._state: SearchState | None = None
        self._revision = -1
        self._lock = Lock()

    def state(self) -> SearchState:
        """Return an index of all that is committed, with what belongs to it; call it inside `from_one_state`.

        Raises:
            CollectionDamaged: The stored vectors cannot be read.
        """
        with self._lock:
            revision = self._catalog.revision()
            if self._state is None or self._revision != revision:
                index = self._published(revision) or self._made_now()
                self._state = SearchState(index, self._catalog, self._store)
                self._revision = revision
            return self._state

    def current(self) -> VectorIndex:
        """Return the index alone.

        Raises:
            CollectionDamaged: The stored vectors cannot be read.
        """
        return self.state().index

    def _published(self, revision: int) -> VectorIndex | None:
        """Read the published index, unless it is of another revision or damaged: it is only a cache."""
        generation = self._catalog.generation()
        if generation is None or generation.revision != revision:
            return None
        with suppress(CollectionDamaged):
            return self._generations.load(generation)
        return None

    def _made_now(self) -> VectorIndex:
        return FlatIndex.of(*stored_vectors(self._catalog, self._store))
