"""The reference index: numpy alone, every row compared, nothing to build."""

from copy import copy
from pathlib import Path
from typing import Self

import numpy as np

from mmsearch.files import storage_errors
from mmsearch.types import Candidates, Ids, Vectors
from mmsearch.vectors.array_files import map_array, map_ids, write_array
from mmsearch.vectors.index_files import FLAT_ROWS, IDS
from mmsearch.vectors.inputs import check_additions, check_queries
from mmsearch.vectors.ranking import Positions, Scores, contenders, products, rank, rounding_slack

_SCORE_BYTES = 64 << 20  # what the scores of one batch of queries may take
_GATHER_ROWS = 8192


class FlatIndex:
    """Exact nearest neighbours by brute force; implements `mmsearch.protocols.VectorIndex`.

    Searches may run in several threads at once, but not while another thread adds or removes. One thread forks.
    """

    kind = "flat"

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self._count = 0
        self._ids: Ids = np.empty(0, dtype=np.int64)
        self._rows: Vectors = np.empty((0, dim), dtype=np.float32)

    @classmethod
    def of(cls, ids: Ids, vectors: Vectors) -> Self:
        """Wrap distinct ids (n,) and unit rows (n, d), float32, without copying or changing them.

        Raises:
            ValueError: The shapes do not fit.
        """
        if vectors.ndim != 2 or ids.shape != (len(vectors),):
            raise ValueError(f"expected shapes (n,) and (n, d), got {ids.shape} and {vectors.shape}")
        index = cls(vectors.shape[1])
        index._count, index._ids, index._rows = len(ids), ids, vectors
        return index

    def __len__(self) -> int:
        return self._count

    @property
    def ids(self) -> Ids:
        """The ids (n,), in the order in which they were added."""
        return self._ids[: self._count]

    @property
    def rows(self) -> Vectors:
        """The unit rows (n, d), in the same order."""
        return self._rows[: self._count]

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add vectors (n, d) under new ids (n,); all of them or, on an error, none.

        Raises:
            ValueError: An id is there already, the shapes do not fit, or a value is not finite.
        """
        ids, rows = check_additions(ids, vectors, dim=self.dim, known=self.ids)
        end = self._count + len(ids)
        self._reserve(end)
        self._ids[self._count : end] = ids
        self._rows[self._count : end] = rows
        self._count = end

    def remove(self, ids: Ids) -> int:
        """Forget ids; those that are not there are ignored. Returns how many were removed."""
        keep = ~np.isin(self.ids, ids)
        removed = self._count - int(np.count_nonzero(keep))
        if removed:
            self._ids, self._rows = self.ids[keep], self.rows[keep]
            self._count -= removed
        return removed

    def search(self, queries: Vectors, k: int, *, allowed: Ids | None = None) -> list[Candidates]:
        """Return the best k for each query (m, d), among `allowed` ids only if given.

        Raises:
            ValueError: The shape does not fit, a value is not finite, or `k` is negative.
            IndexDamaged: A row is no unit vector, as it may be in a file that was changed.
        """
        queries = check_queries(queries, k, dim=self.dim)
        inside = np.isin(self.ids, allowed) if allowed is not None else np.ones(self._count, dtype=bool)
        positions = np.flatnonzero(inside)
        slack = rounding_slack(self.dim)
        batch = max(1, _SCORE_BYTES // (4 * max(self._count, 1)))
        found = []
        for start in range(0, len(queries), batch):
            some = queries[start : start + batch]
            for query, scores in zip(some, self._scores(some, positions), strict=True):
                near = positions[contenders(scores, k, slack)]
                found.append(rank(query, self._ids, self._rows.__getitem__, near, k))
        return found

    def fork(self) -> Self:
        """Return a copy that changes by itself; rows are shared until some are removed.

        Additions to the copy cost no more than they do to the index itself: the copy gets the room behind its rows.
        """
        forked = copy(self)
        self._ids, self._rows = self.ids, self.rows
        return forked

    def save(self, folder: Path) -> None:
        """Write the files of an index that `load` reads back with equal results: ids.npy and rows.npy.

        Raises:
            StorageError: The disk is full or the folder cannot be written.
        """
        order = np.argsort(self.ids)
        with storage_errors(f"write {folder}"):
            folder.mkdir(parents=True, exist_ok=True)
            write_array(folder / IDS, self.ids[order].astype("<i8", copy=False))
            write_array(folder / FLAT_ROWS, self.rows[order].astype("<f4", copy=False))

    @classmethod
    def load(cls, folder: Path, dim: int) -> Self:
        """Map the files that `save` wrote; rows are read when they are first searched.

        Raises:
            CollectionDamaged: One is missing, is not such a file, or is of another dimension.
        """
        ids = map_ids(folder / IDS)
        return cls.of(ids, map_array(folder / FLAT_ROWS, dtype="<f4", shape=(len(ids), dim)))

    def _reserve(self, count: int) -> None:
        """Make room for so many rows, in ever larger steps, so that many small additions stay cheap.

        Always moves to new arrays: those that `of` wrapped are never written to.
        """
        if count <= len(self._ids):
            return
        capacity = max(count, len(self._ids) * 3 // 2)
        ids = np.empty(capacity, dtype=np.int64)
        rows = np.empty((capacity, self.dim), dtype=np.float32)
        ids[: self._count], rows[: self._count] = self.ids, self.rows
        self._ids, self._rows = ids, rows

    def _scores(self, queries: Vectors, positions: Positions) -> Scores:
        """Rough scores (m, len(positions)): in one product, or from few rows gathered in blocks."""
        if len(positions) == self._count:
            return products(queries, self.rows)
        if len(positions) > self._count // 4:
            return products(queries, self.rows)[:, positions]
        scores = np.empty((len(queries), len(positions)), dtype=np.float32)
        for start in range(0, len(positions), _GATHER_ROWS):
            part = slice(start, start + _GATHER_ROWS)
            scores[:, part] = products(queries, self.rows[positions[part]])
        return scores
