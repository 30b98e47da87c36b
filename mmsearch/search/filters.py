"""Which segments filters let through, and which file each segment stands for: what changes with any write."""

from collections import OrderedDict
from threading import RLock

import numpy as np

from mmsearch.catalog.catalog import Catalog
from mmsearch.catalog.matching import FEW_FILES
from mmsearch.queries import Filter
from mmsearch.search.contents import FEW_IDS, Contents, kept
from mmsearch.types import Ids, Modality
from mmsearch.where.syntax import Condition

Scopes = dict[Modality, Ids | None]

MAX_FILTERS = 64
MAX_BYTES = 64 << 20  # of the ids that recent filters let through: 8,000,000


class Filters:
    """Answers for one edition of the catalog, and remembers the answers for recent filters. Thread-safe.

    Its methods read the catalog, so they are called inside `from_one_state`.
    """

    def __init__(self, catalog: Catalog, contents: Contents) -> None:
        self._catalog = catalog
        self._contents = contents
        self._recent: OrderedDict[Filter, Scopes] = OrderedDict()
        self._subjects: tuple[Ids, Ids] | None = None
        self._lock = RLock()

    def scopes(self, wanted: Filter) -> Scopes:
        """Say which segments may be found, a read-only list of ids a modality; None stands for all of the collection.

        Files that are excluded one by one are not taken off: see `Ranking.dropped`.

        Raises:
            FilterError: It names a field that no file has.
        """
        if wanted.where is None and "video" not in wanted.modalities:
            single = len(self._contents.kinds) == 1
            return {kind: None if single else self._contents.ids_of(kind) for kind in self._kinds(wanted)}
        limits = Filter(wanted.modalities, where=wanted.where)
        with self._lock:
            if limits in self._recent:
                self._recent.move_to_end(limits)
                return dict(self._recent[limits])
        found = self._found(limits)
        self._remember(limits, found)
        return dict(found)

    def subjects_of(self, ids: Ids) -> Ids:
        """Return the file (n,) that each of some segments (n,) stands for; below 0 if a caption's file has gone."""
        few = self._subjects is None and len(ids) <= FEW_IDS
        known, subjects = self._catalog.subjects_of_ids(ids) if few else self._all_subjects()
        return subjects[np.searchsorted(known, ids)]

    def _kinds(self, wanted: Filter) -> list[Modality]:
        every = not wanted.modalities or "video" in wanted.modalities  # a video has pictures, sound and speech
        return [kind for kind in self._contents.kinds if every or kind in wanted.modalities]

    def _found(self, wanted: Filter) -> Scopes:
        ids = None if wanted.where is None else self._meeting(wanted.where)
        if "video" in wanted.modalities:
            of_kinds = self._catalog.segment_ids(Filter(wanted.modalities))
            ids = of_kinds if ids is None else ids[np.isin(ids, of_kinds, assume_unique=True)]
        assert ids is not None
        if len(self._contents.kinds) == 1:
            return dict.fromkeys(self._kinds(wanted), kept(ids))
        return {kind: kept(self._contents.among(kind, ids)) for kind in self._kinds(wanted)}

    def _meeting(self, condition: Condition) -> Ids:
        """Return the ids (n,), sorted, of segments that stand for files that meet a condition."""
        files = self._catalog.files_where(condition)
        if len(files) <= FEW_FILES and self._subjects is None:
            return self._catalog.segments_of_files(files)
        ids, subjects = self._all_subjects()
        return ids[np.isin(subjects, files)]

    def _all_subjects(self) -> tuple[Ids, Ids]:
        with self._lock:
            if self._subjects is None:
                self._subjects = self._catalog.subjects_of_ids()
            return self._subjects

    def _remember(self, wanted: Filter, scopes: Scopes) -> None:
        with self._lock:
            self._recent[wanted] = scopes
            while len(self._recent) > MAX_FILTERS or sum(map(_size_bytes, self._recent.values())) > MAX_BYTES:
                self._recent.popitem(last=False)


def _size_bytes(scopes: Scopes) -> int:
    return sum(ids.nbytes for ids in scopes.values() if ids is not None)
