"""An index on FAISS: a part that was built and never changes, beside it what came since, and a mask of what went."""

from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Self

import numpy as np

from mmsearch.threads import build_threads
from mmsearch.types import Candidates, Ids, Vectors
from mmsearch.vectors.ann import folder as files
from mmsearch.vectors.ann.built import Built
from mmsearch.vectors.ann.proposer import Proposer
from mmsearch.vectors.ann.rows import MappedRows, Mask
from mmsearch.vectors.ann.scope import Scopes, places_of
from mmsearch.vectors.ann.structure import Structure
from mmsearch.vectors.array_files import map_ids
from mmsearch.vectors.flat import FlatIndex
from mmsearch.vectors.index_files import GONE, IDS, ROWS, STRUCTURE
from mmsearch.vectors.inputs import check_additions, check_queries
from mmsearch.vectors.plan import IndexDetails, Recipe
from mmsearch.vectors.ranking import Positions, merged

_MOST_GONE = 0.2  # of the built rows: with more, `save` leaves them out, though all others must be added again
_PIECE_ROWS = 16_384


class FaissIndex:
    """Nearest neighbours by inner product; implements `mmsearch.protocols.VectorIndex`.

    A scan is exact, to the last bit like `FlatIndex` where the rows are float32. A structure finds the share that was
    measured (`details.measured`); what it finds has exact scores, and a filter lets through only what is allowed, as
    many as k if there are so many. Searches may run in several threads at once, but not while another adds or removes.

    An index that `build.build` made or `load` read keeps its rows on disk, in files that nobody changes. Those of an
    index of which only the dimension is given are all in memory.
    """

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self._details = IndexDetails(Recipe("faiss-flat"))
        self._built: Built | None = None
        self._folder: Path | None = None
        self._tail = FlatIndex(dim)
        self._hide(None)

    @classmethod
    def of(cls, built: Built, folder: Path, gone: Ids) -> Self:
        """Wrap what was built in a folder, of which some ids (m,), sorted, are removed."""
        index = cls(built.rows.dim)
        index._details, index._built, index._folder = built.details, built, folder
        mask = np.zeros(len(built.ids), dtype=np.bool_)
        mask[places_of(built.ids, gone)] = True
        index._hide(mask if len(gone) else None)
        return index

    def __len__(self) -> int:
        return self._built_count - self.gone_count + len(self._tail)

    @property
    def kind(self) -> str:
        """How it is built."""
        return self._details.recipe.kind

    @property
    def details(self) -> IndexDetails:
        """What is known of the built part."""
        return self._details

    @property
    def ids(self) -> Ids:
        """The ids (n,), in no order."""
        built = self._built_ids if self._gone is None else self._built_ids[~self._gone]
        return np.concatenate([built, self._tail.ids])

    @property
    def built_rows(self) -> MappedRows | None:
        """The rows of the built part, removed ones too; None if nothing was built."""
        return self._built.rows if self._built else None

    @property
    def structure(self) -> Structure | None:
        """What proposes where to look; None for a scan."""
        return self._built.structure if self._built else None

    @property
    def tail_size(self) -> int:
        """How many came since it was built; all of them are compared with each query."""
        return len(self._tail)

    @property
    def gone_count(self) -> int:
        """How many of the built part are removed."""
        return 0 if self._gone is None else int(np.count_nonzero(self._gone))

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add vectors (n, d) under new ids (n,); all of them or, on an error, none.

        Raises:
            ValueError: An id is there already, the shapes do not fit, or a value is not finite.
        """
        given = np.asarray(ids, dtype=np.int64)
        places = places_of(self._built_ids, np.unique(given))
        known = self._built_ids[places if self._gone is None else places[~self._gone[places]]]
        ids, rows = check_additions(given, vectors, dim=self.dim, known=np.concatenate([known, self._tail.ids]))
        self._tail.add(ids, rows)

    def remove(self, ids: Ids) -> int:
        """Forget ids; those that are not there are ignored. Returns how many were removed."""
        before = len(self)
        self._tail.remove(ids)
        places = places_of(self._built_ids, np.unique(np.asarray(ids, dtype=np.int64)))
        if len(places):
            gone = np.zeros(self._built_count, dtype=np.bool_) if self._gone is None else self._gone.copy()
            gone[places] = True
            self._hide(gone)
        return before - len(self)

    def search(self, queries: Vectors, k: int, *, allowed: Ids | None = None) -> list[Candidates]:
        """Return the best k for each query (m, d), among `allowed` ids only if given.

        Raises:
            ValueError: The shape does not fit, a value is not finite, or `k` is negative.
            IndexDamaged: What was built does not fit together: its files were changed.
        """
        queries = check_queries(queries, k, dim=self.dim)
        if self._built is None:
            return self._tail.search(queries, k, allowed=allowed)
        scope = self._scopes.of(allowed)
        early = self._built.search(queries, k, scope) if len(queries) else []
        if not len(self._tail):
            return early
        # Of the many ids that a filter may allow, few came after the built part.
        late = self._tail.search(queries, k, allowed=scope.later if self._in_order else allowed)
        return [merged(*each, k) for each in zip(early, late, strict=True)]

    def fork(self) -> Self:
        """Return a copy that changes by itself; the built part is shared."""
        forked = copy(self)
        forked._tail = self._tail.fork()
        forked._hide(self._gone)
        return forked

    def with_details(self, details: IndexDetails) -> Self:
        """Return a copy that searches as other details say."""
        other = self.fork()
        other._details = details
        other._built = replace(self._built, details=details) if self._built else None
        return other

    def with_proposer(self, proposer: Proposer | None) -> Self:
        """Return a copy that asks something else than the structure, such as a GPU, for places of rows."""
        other = self.fork()
        other._built = replace(self._built, proposer=proposer) if self._built else None
        return other

    def save(self, folder: Path) -> None:
        """Write all files of an index that `load` reads back with equal results, without what was added since.

        What was added becomes part of the built one: it is added to the structure, which is not trained again.

        Raises:
            StorageError: The disk is full or the folder cannot be written.
            CollectionDamaged: The structure of the built part cannot be read again.
        """
        if self._in_order and self.gone_count <= _MOST_GONE * self._built_count:
            self._save_appended(folder)
        else:
            self._save_compacted(folder)

    @classmethod
    def load(cls, folder: Path, dim: int) -> Self:
        """Read the files that `save` or `build` wrote. The rows stay on disk.

        Raises:
            CollectionDamaged: One is missing, is not such a file, or is of another dimension.
        """
        ids, gone = map_ids(folder / IDS), map_ids(folder / GONE)
        details = files.read_details(folder)
        recipe = details.recipe
        rows = MappedRows.open(folder / ROWS, count=len(ids), dim=dim, half=recipe.half)
        structure = None
        if recipe.factory:
            # Of fast-scan codes FAISS maps nothing, and reading is safer: a file that is cut can end its mapped reader.
            mapped = "fs" not in recipe.factory
            path = folder / STRUCTURE
            structure = Structure.load(path, recipe.factory, dim=dim, count=len(ids), mapped=mapped)
        return cls.of(Built(ids, rows, structure, details), folder, gone)

    @property
    def _built_ids(self) -> Ids:
        return self._built.ids if self._built else np.empty(0, dtype=np.int64)

    @property
    def _built_count(self) -> int:
        return len(self._built.ids) if self._built else 0

    @property
    def _in_order(self) -> bool:
        """Whether the tail can be appended: its ids are greater than all before."""
        return not len(self._tail) or not self._built_count or bool(self._tail.ids.min() > self._built_ids[-1])

    def _hide(self, gone: Mask | None) -> None:
        self._gone = gone
        self._scopes = Scopes(self._built_ids, gone)

    def _save_appended(self, folder: Path) -> None:
        order = np.argsort(self._tail.ids)
        late = self._tail.rows[order]
        ids = np.concatenate([self._built_ids, self._tail.ids[order]])
        gone = self._built_ids[:0] if self._gone is None else self._built_ids[self._gone]
        early = self._built.rows.pieces() if self._built else ()
        details = self._details
        files.write_parts(folder, ids=ids, gone=gone, pieces=chain(early, [late]), details=details, dim=self.dim)
        if structure := self._structure_to_change():
            structure.add(late, threads=build_threads())
            structure.save(folder / STRUCTURE)

    def _save_compacted(self, folder: Path) -> None:
        """Write only what is there, in order of id; the structure takes all rows in again."""
        ids = self.ids
        order = np.argsort(ids)
        details, nothing = self._details, ids[:0]
        rows = files.write_parts(
            folder, ids=ids[order], gone=nothing, pieces=self._pieces(order), details=details, dim=self.dim
        )
        if structure := self._structure_to_change():
            structure.empty()
            for piece in rows.pieces():
                structure.add(piece, threads=build_threads())
            structure.save(folder / STRUCTURE)

    def _pieces(self, order: Positions) -> Iterator[Vectors]:
        """Copy out the rows that belong to `ids`, in an order (n,), some at once."""
        kept = np.arange(self._built_count) if self._gone is None else np.flatnonzero(~self._gone)
        for start in range(0, len(order), _PIECE_ROWS):
            piece = order[start : start + _PIECE_ROWS]
            early = piece < len(kept)
            rows = np.empty((len(piece), self.dim), dtype=np.float32)
            if self._built:
                rows[early] = self._built.rows.take(kept[piece[early]])
            rows[~early] = self._tail.rows[piece[~early] - len(kept)]
            yield rows

    def _structure_to_change(self) -> Structure | None:
        """Read the structure of the built part into memory: what is mapped cannot be changed."""
        if self._folder is None or self.structure is None:
            return None
        path = self._folder / STRUCTURE
        factory = self._details.recipe.factory
        return Structure.load(path, factory, dim=self.dim, count=self._built_count, mapped=False)
