"""An exact index on FAISS. The only file that imports it."""

import struct
from pathlib import Path
from typing import Any, BinaryIO, Self

import faiss
import numpy as np

from mmsearch.errors import CollectionDamaged
from mmsearch.files import replacing
from mmsearch.types import Candidates, Ids, Vectors
from mmsearch.vectors.inputs import check_additions, check_queries
from mmsearch.vectors.ranking import Positions, Scores, contenders, rank, rounding_slack
from mmsearch.vectors.reading import open_stored, size_of

# FAISS, numpy and torch each bring a thread pool; with two threads each on two cores they spend most of
# the time waiting for one another. FAISS does not split a single query anyway.
_THREADS = 1

# FAISS 1.15 uses BLAS only where queries x dim reach this default, though it is faster from three queries
# on. Earlier versions count queries, later ones have a better default: both are left alone.
_BLAS_STARTS_TOO_LATE = faiss.cvar.distance_compute_blas_threshold == 128_000
_BLAS_FROM_QUERIES = 3

_MARGIN = 32  # results fetched beyond k, to see whether the k-th one ties with others
_SCANS_KEPT = 8  # a handful of lists of ids, one a modality
_RANK_DIRECTLY = 1024  # so few allowed rows are ranked without asking FAISS

_INDEX_HEADER = "4siqqqBi"  # type, dim, count, two constants, trained, metric
_HEADERS = struct.Struct(f"<{_INDEX_HEADER}{_INDEX_HEADER}Q")  # id map, flat index, number of floats
_COUNT = struct.Struct("<Q")


class FaissIndex:
    """Exact nearest neighbours by inner product; implements `mmsearch.protocols.VectorIndex`.

    FAISS does the scan; the order of the results is decided by `ranking`, so that they equal those of
    `FlatIndex`. Searches may run in several threads at once, but not while another adds or removes.
    """

    kind = "faiss-flat"

    def __init__(self, dim: int) -> None:
        self.dim = dim
        # IDMap2 would hold a second table, id -> place, that nothing here needs.
        self._hold(faiss.IndexIDMap(faiss.IndexFlatIP(dim)))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def ids(self) -> Ids:
        """The ids (n,): a view that the next `add` or `remove` makes invalid."""
        if not len(self):
            return np.empty(0, dtype=np.int64)  # FAISS has no memory then to look at
        ids: Ids = faiss.rev_swig_ptr(self._index.id_map.data(), len(self))
        return ids

    @property
    def rows(self) -> Vectors:
        """The unit rows (n, d): a view that the next `add` or `remove` makes invalid."""
        rows: Vectors = faiss.rev_swig_ptr(self._flat.get_xb(), len(self) * self.dim)
        return rows.reshape(len(self), self.dim)

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add vectors (n, d) under new ids (n,); all of them or, on an error, none.

        Raises:
            ValueError: An id is there already, the shapes do not fit, or a value is not finite.
        """
        ids, rows = check_additions(ids, vectors, dim=self.dim, known=self.ids)
        self._index.add_with_ids(rows, ids)
        self._scans.clear()

    def remove(self, ids: Ids) -> int:
        """Forget ids; those that are not there are ignored. Returns how many were removed.

        Cost: all rows are moved together, whatever the number of ids; so remove many at once.
        """
        present = self.ids[np.isin(self.ids, ids)]
        if len(present):
            self._index.remove_ids(faiss.IDSelectorBatch(present))
            self._scans.clear()
        return len(present)

    def search(self, queries: Vectors, k: int, *, allowed: Ids | None = None) -> list[Candidates]:
        """Return the best k for each query (m, d), among `allowed` ids only if given.

        Cost: ids that are given again and again, such as all pictures, are best given as the same array made
        read-only; what follows from them is then kept.

        Raises:
            ValueError: The shape does not fit, a value is not finite, or `k` is negative.
        """
        queries = check_queries(queries, k, dim=self.dim)
        scan = self._scan(allowed)
        ids, rows = self.ids, self.rows
        if len(scan.positions) <= _RANK_DIRECTLY or k == 0:
            return [rank(query, ids, rows, scan.positions, k) for query in queries]
        scores, nearest = scan.nearest(queries, k + _MARGIN)
        found = []
        for query, its_scores, its_nearest in zip(queries, scores, nearest, strict=True):
            near = scan.settle(query, k, its_scores, its_nearest)
            found.append(rank(query, ids, rows, near, k))
        return found

    def save(self, path: Path) -> None:
        """Write to a file that `load` reads back with equal results; it appears whole or not at all.

        Raises:
            StorageError: The disk is full or the folder cannot be written.
        """
        # Through Python's file object: FAISS's own writer misses a disk that is full when it closes the file.
        with replacing(path) as temporary, temporary.open("wb") as file:
            faiss.write_index(self._index, faiss.PyCallbackIOWriter(file.write))

    @classmethod
    def load(cls, path: Path, dim: int) -> Self:
        """Read a file that `save` wrote.

        Raises:
            CollectionDamaged: It is missing, is not such a file, or is of another dimension.
        """
        with open_stored(path) as file:
            if not _is_flat_index(file, dim):
                raise CollectionDamaged(f"{path} is not a whole FAISS index of dimension {dim}.")
            file.seek(0)
            try:
                stored = faiss.read_index(faiss.PyCallbackIOReader(file.read))
            except RuntimeError as error:
                raise CollectionDamaged(f"FAISS cannot read {path}: {error}.") from error
        index = cls(dim)
        index._hold(stored)
        return index

    def _scan(self, allowed: Ids | None) -> "_Scan":
        """Prepare a search among some ids, or take what was prepared for the same array before."""
        if allowed is None or allowed.flags.writeable:
            return self._new_scan(allowed)
        known, scan = self._scans.get(id(allowed), (None, None))
        if scan is None or known is not allowed:
            scan = self._new_scan(allowed)
            if len(self._scans) >= _SCANS_KEPT:
                self._scans.clear()
            self._scans[id(allowed)] = allowed, scan
        return scan

    def _new_scan(self, allowed: Ids | None) -> "_Scan":
        inside = np.isin(self.ids, allowed) if allowed is not None else np.ones(len(self), dtype=bool)
        return _Scan(self._flat, inside)

    def _hold(self, index: Any) -> None:  # noqa: ANN401 - FAISS has no types
        self._index = index
        self._flat = faiss.downcast_index(index.index)
        self._scans: dict[int, tuple[Ids, _Scan]] = {}


class _Scan:
    """FAISS's search over the rows that `inside` (n,) marks.

    Attributes:
        positions: Of these rows.
    """

    def __init__(self, flat: Any, inside: np.ndarray[Any, np.dtype[np.bool_]]) -> None:  # noqa: ANN401
        self._flat = flat
        self.positions: Positions = np.flatnonzero(inside)
        self._available = available = len(self.positions)
        self._slack = rounding_slack(flat.d)
        self._parameters = None
        if available < len(inside):
            # Over places, not ids: those may be anything, and a bitmap is as long as its largest entry.
            bitmap = np.packbits(inside, bitorder="little")
            self._parameters = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bitmap))

    def nearest(self, queries: Vectors, depth: int) -> tuple[Scores, Positions]:
        """Rough scores and places (m, depth), best first; depth is cut to what is there."""
        _set_up_faiss(self._flat.d)
        scores, positions = self._flat.search(queries, min(depth, self._available), params=self._parameters)
        return scores, positions

    def settle(self, query: Scores, k: int, scores: Scores, positions: Positions) -> Positions:
        """Fetch more until the k-th score stands clear of what was left out; return the contenders."""
        while len(scores) < self._available and scores[k - 1] - scores[-1] <= self._slack:
            (scores,), (positions,) = self.nearest(query[np.newaxis], 4 * len(scores))
        return positions[contenders(scores, k, self._slack)]


def _set_up_faiss(dim: int) -> None:
    """Set FAISS's globals; before each search, because every thread has its own number of threads."""
    faiss.omp_set_num_threads(_THREADS)
    if _BLAS_STARTS_TOO_LATE:
        faiss.cvar.distance_compute_blas_threshold = _BLAS_FROM_QUERIES * dim


def _is_flat_index(file: BinaryIO, dim: int) -> bool:
    """Check every length in the file against its size, because FAISS allocates what the file says."""
    headers = file.read(_HEADERS.size)
    if len(headers) < _HEADERS.size:
        return False
    fields = _HEADERS.unpack(headers)
    outer, inner, floats = fields[:7], fields[7:14], fields[14]
    _, stored_dim, count, _, _, trained, metric = outer
    if (outer[0], inner[0]) != (b"IxMp", b"IxFI") or outer[1:] != inner[1:]:
        return False
    if (stored_dim, trained, metric) != (dim, 1, faiss.METRIC_INNER_PRODUCT):
        return False
    ids_at = _HEADERS.size + 4 * count * dim
    if count < 0 or floats != count * dim or size_of(file) != ids_at + _COUNT.size + 8 * count:
        return False
    file.seek(ids_at)
    return bool(_COUNT.unpack(file.read(_COUNT.size)) == (count,))
