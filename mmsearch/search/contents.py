"""What searches keep in memory of the segments of a collection: made when it is first needed."""

from threading import RLock

import numpy as np

from mmsearch.catalog.catalog import Catalog
from mmsearch.search.background import sample
from mmsearch.types import Ids, Modality, Vectors
from mmsearch.vectors.store import VectorStore

FEW_IDS = 5_000  # are looked up one by one rather than in a list of all
SOME_IDS = 512


class Contents:
    """The kinds of segments, which they are, and what their vectors look like, at one revision. Thread-safe.

    Args:
        catalog: Of the collection; read the first time, so call the methods inside `from_one_state`.
        store: Of its vectors.
        vectors: How many segments have one.
    """

    def __init__(self, catalog: Catalog, store: VectorStore, vectors: int) -> None:
        self._catalog = catalog
        self._store = store
        self._vectors = vectors
        self._kinds: tuple[Modality, ...] | None = None
        self._ids: dict[Modality, Ids] = {}
        self._some: dict[Modality, Ids] = {}
        self._samples: dict[Modality, Vectors] = {}
        self._lock = RLock()

    @property
    def kinds(self) -> tuple[Modality, ...]:
        """The modalities of the collection's segments."""
        with self._lock:
            if self._kinds is None:
                self._kinds = self._catalog.kinds()
            return self._kinds

    def ids_of(self, kind: Modality) -> Ids:
        """Return the ids (n,), sorted, of the segments of a modality that have a vector."""
        with self._lock:
            if kind not in self._ids:
                ids = self._catalog.ids_of(kind)
                # The join is needed only where a damaged catalog has segments without a vector.
                whole = self._catalog.segment_count() == self._vectors
                self._ids[kind] = kept(ids if whole else self._catalog.segments_of(kind)[0])
            return self._ids[kind]

    def among(self, kind: Modality, ids: Ids) -> Ids:
        """Return those of some ids (n,), sorted, that are of a modality and have a vector."""
        if len(ids) <= FEW_IDS and kind not in self._ids:
            return self._catalog.segments_of(kind, ids)[0]
        return ids[np.isin(ids, self.ids_of(kind), assume_unique=True)]

    def some_of(self, kind: Modality) -> Ids:
        """Return ids (n,), sorted, of a few segments of a modality, spread over the collection."""
        with self._lock:
            if kind not in self._some:
                self._some[kind] = self._catalog.spread_ids(kind, SOME_IDS)
            return self._some[kind]

    def sample_of(self, kind: Modality) -> Vectors:
        """Return vectors (m, d) of a modality, spread over the collection, to compare a score with."""
        with self._lock:
            if kind not in self._samples:
                self._samples[kind] = sample(self._catalog, self._store, kind)
            return self._samples[kind]


def kept(ids: Ids) -> Ids:
    """Forbid changes, so that an index may keep what follows from the ids."""
    ids.flags.writeable = False
    return ids
