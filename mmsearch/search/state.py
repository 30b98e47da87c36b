"""What searches keep in memory of one state of a collection: made when it is first needed, dropped with the state."""

from threading import RLock

import numpy as np

from mmsearch.catalog.catalog import Catalog
from mmsearch.protocols import VectorIndex
from mmsearch.queries import Filter
from mmsearch.search.background import sample
from mmsearch.types import Ids, Modality, Vectors
from mmsearch.vectors.store import VectorStore


class SearchState:
    """An index, and what is derived from the same revision of the catalog. Thread-safe.

    Its methods read the catalog the first time, so they are called inside `from_one_state`.
    """

    def __init__(self, index: VectorIndex, catalog: Catalog, store: VectorStore) -> None:
        self.index = index
        self._catalog = catalog
        self._store = store
        self._kinds: tuple[Modality, ...] | None = None
        self._ids: dict[Modality, Ids] = {}
        self._subjects: dict[Modality, tuple[Ids, Ids]] = {}
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
                self._ids[kind] = self._catalog.segments_of(kind)[0]
                self._ids[kind].flags.writeable = False  # an index may then keep what follows from them
            return self._ids[kind]

    def subjects_of(self, kind: Modality, ids: Ids) -> Ids:
        """Return the file (n,) that each of some segments (n,) of a modality stands for."""
        with self._lock:
            if kind not in self._subjects:
                self._subjects[kind] = self._catalog.subjects_of(kind)
        known, subjects = self._subjects[kind]
        return subjects[np.searchsorted(known, ids)]

    def sample_of(self, kind: Modality) -> Vectors:
        """Return vectors (m, d) of a modality, spread over the collection, to compare a score with."""
        with self._lock:
            if kind not in self._samples:
                self._samples[kind] = sample(self._catalog, self._store, kind)
            return self._samples[kind]

    def scopes(self, wanted: Filter) -> dict[Modality, Ids | None]:
        """Say which segments may be found, a list of ids a modality; None stands for all of the collection.

        Files that are excluded one by one are not taken off: see `Ranking.dropped`.
        """
        if wanted.where is None and "video" not in wanted.modalities:
            kinds = [kind for kind in self.kinds if not wanted.modalities or kind in wanted.modalities]
            return {kind: None if len(self.kinds) == 1 else self.ids_of(kind) for kind in kinds}
        allowed = self._catalog.segment_ids(Filter(wanted.modalities, where=wanted.where))
        if len(self.kinds) == 1:
            return dict.fromkeys(self.kinds, allowed)
        return {kind: np.intersect1d(allowed, self.ids_of(kind), assume_unique=True) for kind in self.kinds}
