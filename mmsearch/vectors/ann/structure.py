"""What proposes where to look, instead of a scan of all rows: cells (IVF) or a graph (HNSW) of FAISS."""

import struct
from pathlib import Path
from typing import Any, BinaryIO, Self

import faiss

from mmsearch.errors import CollectionDamaged
from mmsearch.files import storage_errors
from mmsearch.threads import building, searching
from mmsearch.types import Vectors
from mmsearch.vectors.ann.likeness import difference
from mmsearch.vectors.ann.rows import Mask, read_index, selector
from mmsearch.vectors.ranking import IndexDamaged, Positions, Scores
from mmsearch.vectors.reading import open_stored

_HEADER = struct.Struct("<4siqqqBi")  # of every index: type, dim, count, two constants, trained, metric
_TRAINING_ROUNDS = 10  # of k-means; more than that moves no recall by a percent
_GRAPH_BREADTH = 200  # efConstruction


class Structure:
    """A trained FAISS index whose ids are the places of rows. Its own scores are rough.

    Searches may run in several threads at once, but not while another thread adds.

    Attributes:
        cells: How many cells there are; 0 for a graph or a plain list of codes.
        takes_masks: It looks only at rows that a mask marks.
        max_depth: How many places it can propose.
        rounding: None, since it does not compare each query with every row.
    """

    takes_masks = True
    max_depth = 1 << 31
    rounding: float | None = None

    def __init__(self, index: Any, *, mapped: bool = False) -> None:  # noqa: ANN401 - FAISS has no types
        self._index = index
        self._mapped = mapped
        self._inner = _inner(index)
        self.cells = int(self._inner.nlist) if isinstance(self._inner, faiss.IndexIVF) else 0

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def index(self) -> Any:  # noqa: ANN401 - FAISS has no types
        """The FAISS index, for copies of it on other devices; not to be changed."""
        return self._index

    @classmethod
    def train(cls, factory: str, sample: Vectors, *, threads: int = 1) -> Self:
        """Make an empty structure for vectors like those of a sample (m, d), unit rows.

        Raises:
            RuntimeError: FAISS does not know the factory string, or cannot train it on so few.
        """
        index = faiss.index_factory(sample.shape[1], factory, faiss.METRIC_INNER_PRODUCT)
        inner = _inner(index)
        if isinstance(inner, faiss.IndexIVF):
            inner.cp.niter = _TRAINING_ROUNDS
            inner.cp.min_points_per_centroid = 1  # the caller has seen to a sample of fair size
        if isinstance(inner, faiss.IndexHNSW):
            inner.hnsw.efConstruction = _GRAPH_BREADTH
        with building(faiss, threads):
            index.train(sample)
        return cls(index)

    def add(self, rows: Vectors, *, threads: int = 1) -> None:
        """Add unit rows (m, d); their places follow on those that are there.

        Raises:
            RuntimeError: The structure is mapped: FAISS would end the process.
        """
        self._require_changeable()
        with building(faiss, threads):
            self._index.add(rows)

    def empty(self) -> None:
        """Forget all rows, but not what was learned from them."""
        self._require_changeable()
        self._index.reset()

    def save(self, path: Path) -> None:
        """Write a file that `load` takes.

        Raises:
            StorageError: The disk is full or cannot be written.
        """
        # Through Python's file object: FAISS's own writer misses a disk that is full when it closes the file.
        with storage_errors(f"write {path}"), path.open("wb") as file:
            faiss.write_index(self._index, faiss.PyCallbackIOWriter(file.write))

    @classmethod
    def load(cls, path: Path, factory: str, *, dim: int, count: int, mapped: bool = True) -> Self:
        """Read a file that `save` wrote.

        Args:
            path: Of a file whose checksum is right.
            factory: What it was trained as.
            dim: What it must have.
            count: What it must have.
            mapped: Leave in the file what can be; then nothing can be added.

        Raises:
            CollectionDamaged: It is missing, or is something else.
        """
        with open_stored(path) as file:
            _check_header(file, path, dim, count)
        index = read_index(path, mapped=mapped)
        if reason := difference(index, factory, dim=dim, count=count):
            raise CollectionDamaged(f"{path} is not a structure of {count} rows of dimension {dim}: {reason}.")
        return cls(index, mapped=mapped)

    def propose(
        self, queries: Vectors, depth: int, probes: int, inside: Mask | None = None
    ) -> tuple[Scores, Positions]:
        """Propose rows for each query (m, d), among those that `inside` (n,) marks if given.

        Args:
            queries: Unit rows.
            depth: How many to propose.
            probes: How many cells to look into, or how broadly to search a graph.
            inside: Only these.

        Returns:
            Rough scores and places (m, depth), best first; -1 where it found no more.

        Raises:
            IndexDamaged: It proposes rows that there are not, or cannot be searched.
        """
        parameters = self._parameters(depth, probes, inside)
        try:
            with searching(faiss, self._index.d):
                scores, places = self._index.search(queries, depth, params=parameters)
        except RuntimeError as error:  # such as a centre of a cell that is no number
            raise IndexDamaged("FAISS cannot search the index.") from error
        if places.size and not -1 <= places.min() <= places.max() < len(self):
            raise IndexDamaged("The index names rows that it does not have.")
        return scores, places

    def _require_changeable(self) -> None:
        if self._mapped:
            raise RuntimeError("a structure that is mapped from a file cannot be changed")

    def _parameters(self, depth: int, probes: int, inside: Mask | None) -> Any:  # noqa: ANN401
        chosen: dict[str, Any] = {} if inside is None else {"sel": selector(inside)}
        if self.cells:
            inner = faiss.SearchParametersIVF(nprobe=min(probes, self.cells), **chosen)
        elif isinstance(self._inner, faiss.IndexHNSW):
            inner = faiss.SearchParametersHNSW(efSearch=max(probes, depth), **chosen)
        else:
            inner = faiss.SearchParameters(**chosen)
        if self._inner is self._index:
            return inner
        return faiss.SearchParametersPreTransform(index_params=inner, **chosen)


def _inner(index: Any) -> Any:  # noqa: ANN401 - FAISS has no types
    """Return the index behind a rotation, if there is one."""
    return faiss.downcast_index(index.index) if isinstance(index, faiss.IndexPreTransform) else index


def _check_header(file: BinaryIO, path: Path, dim: int, count: int) -> None:
    data = file.read(_HEADER.size)
    if len(data) == _HEADER.size:
        _, stored_dim, stored_count, _, _, trained, metric = _HEADER.unpack(data)
        if (stored_dim, stored_count, trained, metric) == (dim, count, 1, faiss.METRIC_INNER_PRODUCT):
            return
    raise CollectionDamaged(f"{path} is not a structure of {count} rows of dimension {dim}.")
