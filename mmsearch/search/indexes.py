"""What searches keep in memory of a collection: brought up to date when it has changed, at the cost of the change."""

from threading import Lock

from mmsearch.catalog.catalog import Catalog
from mmsearch.hubness.stored import BankCache
from mmsearch.protocols import VectorIndex
from mmsearch.search.contents import Contents
from mmsearch.search.filters import Filters
from mmsearch.search.live_index import LiveIndex
from mmsearch.search.rerankers import RerankerCache
from mmsearch.search.state import SearchState
from mmsearch.vectors.generation import GenerationStore
from mmsearch.vectors.store import VectorStore


class IndexCache:
    """Keeps the newest state in memory. Thread-safe: searches that hold an older one keep it.

    Args:
        catalog: Of the collection.
        store: Of its vectors.
        generations: Of its index.
        device: Where to search an index that is on FAISS; see `mmsearch.vectors.ann.device.placed`.

    Attributes:
        banks: The same for banks of queries, which come and go without a change of the vectors.
        rerankers: The same for re-rankers.
    """

    def __init__(self, catalog: Catalog, store: VectorStore, generations: GenerationStore, device: str = "cpu") -> None:
        self._catalog = catalog
        self._store = store
        self._live = LiveIndex(catalog, store, generations, device)
        self.banks = BankCache(catalog)
        self.rerankers = RerankerCache(catalog)
        self._state: SearchState | None = None
        self._edition = self._revision = -1
        self._lock = Lock()

    def state(self) -> SearchState:
        """Return an index of all that is committed, with what belongs to it; call it inside `from_one_state`.

        Raises:
            CollectionDamaged: The stored vectors cannot be read.
        """
        with self._lock:
            edition = self._catalog.edition()
            if self._state is not None and edition == self._edition:
                return self._state
            revision = self._catalog.revision()
            state = self._made(revision)
            if edition > self._edition:  # else another thread has seen a newer one already
                self._state, self._edition, self._revision = state, edition, revision
            return state

    def current(self) -> VectorIndex:
        """Return the index alone.

        Raises:
            CollectionDamaged: The stored vectors cannot be read.
        """
        return self.state().index

    def distrust(self, damage: str) -> None:
        """Do without the index that is published now, whose answers cannot be true; call it inside `from_one_state`."""
        with self._lock:
            self._live.distrust(damage)
            self._state, self._edition, self._revision = None, -1, -1

    def _made(self, revision: int) -> SearchState:
        stage = self._live.at(revision)
        same = self._state is not None and revision == self._revision
        index = stage.index
        contents = self._state.contents if self._state and same else Contents(self._catalog, self._store, len(index))
        return SearchState(index, contents, Filters(self._catalog, contents), stage.damage)
