"""Which places of an index a search may find."""

from functools import cached_property

import numpy as np

from mmsearch.types import Ids
from mmsearch.vectors.ann.rows import Mask
from mmsearch.vectors.ranking import Positions

_KEPT = 8  # a handful of lists of ids, one a modality, and filters that are asked for again and again
_SPARSE = 16  # ids that are spread over so many times their number are looked up by halving
_FEW = 16  # a list this many times shorter than the index is looked up id by id


class Scope:
    """Some places of an index, as a sorted list and as a mask, of which each is made when it is first needed.

    Args:
        of: How many places the index has.
        places: Those that may be found, if they are known as a list.
        mask: (of,) which may be found; without both, all may.
        later: Ids that may be found and are greater than all of the index; None for any.
    """

    def __init__(
        self, of: int, places: Positions | None = None, mask: Mask | None = None, later: Ids | None = None
    ) -> None:
        self._of = of
        self._places = places
        self._mask = mask
        self.all = places is None and mask is None
        self.later = later

    @cached_property
    def count(self) -> int:
        """How many."""
        if self._places is not None:
            return len(self._places)
        return self._of if self._mask is None else int(np.count_nonzero(self._mask))

    @cached_property
    def places(self) -> Positions:
        """The places (count,), sorted."""
        if self._places is not None:
            return self._places
        return np.arange(self._of) if self._mask is None else np.flatnonzero(self._mask)

    @cached_property
    def mask(self) -> Mask | None:
        """Which may be found (of,); None if all may."""
        if self.all or self._mask is not None:
            return self._mask
        mask = np.zeros(self._of, dtype=np.bool_)
        mask[self.places] = True
        return mask


class Scopes:
    """Makes scopes of lists of ids, and keeps those of read-only lists, which are asked for again.

    Args:
        ids: (n,) of the index, sorted.
        gone: (n,) which of them are removed; None if none is.
    """

    def __init__(self, ids: Ids, gone: Mask | None) -> None:
        self._ids = ids
        self._gone = gone
        self._kept: dict[int, tuple[Ids, Scope]] = {}

    def of(self, allowed: Ids | None) -> Scope:
        """Return the scope of these ids (m,), in any order; None allows all."""
        if allowed is None:
            return self._everything
        if allowed.flags.writeable:
            return self._new(allowed)
        known, scope = self._kept.get(id(allowed), (None, None))
        if scope is None or known is not allowed:
            scope = self._new(allowed)
            while len(self._kept) >= _KEPT:
                self._kept.pop(next(iter(self._kept)), None)  # the oldest; another thread may have been faster
            self._kept[id(allowed)] = allowed, scope
        return scope

    @cached_property
    def _everything(self) -> Scope:
        return Scope(len(self._ids), mask=None if self._gone is None else ~self._gone)

    def _new(self, allowed: Ids) -> Scope:
        later = allowed[allowed > self._ids[-1]] if len(self._ids) else allowed
        if len(allowed) * _FEW < len(self._ids):
            places = places_of(self._ids, np.unique(allowed))
            places = places if self._gone is None else places[~self._gone[places]]
            return Scope(len(self._ids), places=places, later=later)
        mask = _mask_of(self._ids, allowed)
        return Scope(len(self._ids), mask=mask if self._gone is None else mask & ~self._gone, later=later)


def _mask_of(ids: Ids, wanted: Ids) -> Mask:
    """Mark those of ids (n,), sorted, that are wanted (m,), in any order."""
    if not len(ids):
        return np.zeros(0, dtype=np.bool_)
    first, last = int(ids[0]), int(ids[-1])
    if last - first > _SPARSE * len(ids):
        mask = np.zeros(len(ids), dtype=np.bool_)
        mask[places_of(ids, np.unique(wanted))] = True
        return mask
    table = np.zeros(last - first + 1, dtype=np.bool_)  # ten times as fast where ids are as dense as they usually are
    table[wanted[(wanted >= first) & (wanted <= last)] - first] = True
    marked: Mask = table[ids - first]
    return marked


def places_of(ids: Ids, wanted: Ids) -> Positions:
    """Return where wanted ids (m,), sorted, are among ids (n,), sorted; those that are not there are left out."""
    if not len(ids):
        return np.empty(0, dtype=np.intp)
    places = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    found: Positions = places[ids[places] == wanted]
    return found
