"""The peers: hnswlib, usearch, and FAISS as autofaiss would have it built."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.index_engines import Engine, Opened, Search, padded
from benchmarks.index_set import VectorSet
from mmsearch.types import Ids, Vectors

BREADTHS = tuple(str(16 << doubled) for doubled in range(7))  # of the search of a graph: 16 to 1024
_LINKS, _BUILD_BREADTH = 16, 200
_PIECE_ROWS = 65_536
_MOST_FETCHED = 10_000  # by a filter that is applied to results


@dataclass(frozen=True)
class Hnswlib(Engine):
    """hnswlib with M 16 and ef_construction 200."""

    name = "hnswlib"

    def build(self, data: VectorSet, folder: Path, threads: int) -> str:
        """Add all rows."""
        import hnswlib

        index = hnswlib.Index(space="ip", dim=data.dim)
        index.init_index(len(data), ef_construction=_BUILD_BREADTH, M=_LINKS)
        for start in range(0, len(data), _PIECE_ROWS):
            rows = np.array(data.rows[start : start + _PIECE_ROWS])
            index.add_items(rows, np.arange(start, start + len(rows)), num_threads=threads)
        index.save_index(str(folder / "index.hnsw"))
        return f"M {_LINKS}, ef_construction {_BUILD_BREADTH}, float32"

    def open(self, folder: Path, dim: int) -> Opened:
        """Load it into memory."""
        import hnswlib

        index = hnswlib.Index(space="ip", dim=dim)
        index.load_index(str(folder / "index.hnsw"))
        return OpenedHnswlib(index)


@dataclass(frozen=True)
class OpenedHnswlib(Opened):
    """An hnswlib.Index."""

    index: Any
    efforts: Sequence[str] = BREADTHS

    def search(self, effort: str) -> Search:
        """Search with an ef."""
        return lambda queries, k: self._asked(queries, k, effort)

    def search_among(self, effort: str, allowed: Ids, *, again: bool) -> Search:
        """Let it call a filter for each place; the table is made beforehand, as if by another."""
        inside = np.zeros(self.index.get_current_count(), dtype=np.bool_)
        inside[allowed] = True
        table = inside.tolist()
        return lambda queries, k: self._asked(queries, k, effort, filter=table.__getitem__)

    def _asked(self, queries: Vectors, k: int, effort: str, **options: Any) -> Ids:  # noqa: ANN401
        self.index.set_ef(max(int(effort), k))
        try:
            places, _ = self.index.knn_query(queries, k, num_threads=1, **options)
        except RuntimeError:  # it gives nothing at all if it has found fewer than k
            return np.full((len(queries), k), -1, dtype=np.int64)
        return np.asarray(places, dtype=np.int64)


@dataclass(frozen=True)
class Usearch(Engine):
    """usearch with float16 and connectivity 16."""

    name = "usearch"

    def build(self, data: VectorSet, folder: Path, threads: int) -> str:
        """Add all rows."""
        from usearch.index import Index

        index = Index(ndim=data.dim, metric="ip", dtype="f16", connectivity=_LINKS)
        for start in range(0, len(data), _PIECE_ROWS):
            rows = np.array(data.rows[start : start + _PIECE_ROWS])
            index.add(np.arange(start, start + len(rows)), rows, threads=threads)
        index.save(folder / "index.usearch")
        return f"connectivity {_LINKS}, expansion_add {index.expansion_add}, float16"

    def open(self, folder: Path, dim: int) -> Opened:
        """Map the file."""
        from usearch.index import Index

        return OpenedUsearch(Index.restore(folder / "index.usearch", view=True))


@dataclass(frozen=True)
class OpenedUsearch(Opened):
    """A usearch Index."""

    index: Any
    efforts: Sequence[str] = BREADTHS

    def search(self, effort: str) -> Search:
        """Search with an expansion."""
        return lambda queries, k: self._asked(queries, k, effort)

    def search_among(self, effort: str, allowed: Ids, *, again: bool) -> Search:
        """Ask for more and keep what is allowed, since it knows no filters."""
        inside = np.zeros(len(self.index), dtype=np.bool_)
        inside[allowed] = True

        def search(queries: Vectors, k: int) -> Ids:
            fetched = min(_MOST_FETCHED, len(inside), 2 * k * len(inside) // len(allowed))
            found = self._asked(queries, fetched, effort)
            return padded([places[(places >= 0) & inside[places]][:k] for places in found], k)

        return search

    def _asked(self, queries: Vectors, k: int, effort: str) -> Ids:
        self.index.expansion_search = int(effort)
        found = self.index.search(queries, k, threads=1)
        keys = np.asarray(found.keys, dtype=np.int64).reshape(len(queries), -1)
        return padded(list(keys), k)


@dataclass(frozen=True)
class Autofaiss(Engine):
    """FAISS's index of the key that autofaiss chooses, in memory.

    Attributes:
        key: A factory string.
    """

    key: str

    @property
    def name(self) -> str:
        """In tables."""
        return f"autofaiss ({self.key})"

    def build(self, data: VectorSet, folder: Path, threads: int) -> str:
        """Train on as many rows as FAISS would use, and add all."""
        import faiss

        faiss.omp_set_num_threads(threads)
        index = faiss.index_factory(data.dim, self.key, faiss.METRIC_INNER_PRODUCT)
        if not index.is_trained:
            index.train(np.array(data.rows[:: max(1, len(data) // self._training_rows)]))
        for start in range(0, len(data), _PIECE_ROWS):
            index.add(np.array(data.rows[start : start + _PIECE_ROWS]))
        faiss.write_index(index, str(folder / "index.faiss"))
        return self.key

    def open(self, folder: Path, dim: int) -> Opened:
        """Load it into memory."""
        import faiss

        return OpenedFaiss(faiss.read_index(str(folder / "index.faiss")))

    @property
    def _training_rows(self) -> int:
        cells = re.search(r"IVF(\d+)", self.key)
        return 39 * int(cells[1]) if cells else 65_536


class OpenedFaiss(Opened):
    """A FAISS index of any kind."""

    def __init__(self, index: Any) -> None:  # noqa: ANN401 - FAISS has no types
        import faiss

        faiss.omp_set_num_threads(1)
        self.index = index
        inner = faiss.downcast_index(index.index) if isinstance(index, faiss.IndexPreTransform) else index
        self._cells, self._graph = isinstance(inner, faiss.IndexIVF), isinstance(inner, faiss.IndexHNSW)
        self._rotated = inner is not index

    @property
    def efforts(self) -> Sequence[str]:
        """Breadths of a graph, or numbers of cells."""
        return BREADTHS if self._cells or self._graph else [""]

    def search(self, effort: str) -> Search:
        """Search with an efSearch or nprobe."""
        parameters = self._parameters(effort)
        return lambda queries, k: self._asked(queries, k, parameters)

    def search_among(self, effort: str, allowed: Ids, *, again: bool) -> Search:
        """Give FAISS a bitmap, made anew unless the filter was asked before."""
        made = self._parameters(effort, allowed)
        return lambda queries, k: self._asked(queries, k, made if again else self._parameters(effort, allowed))

    def _parameters(self, effort: str, allowed: Ids | None = None) -> Any:  # noqa: ANN401
        import faiss

        chosen: dict[str, Any] = {}
        if allowed is not None:
            inside = np.zeros(self.index.ntotal, dtype=np.bool_)
            inside[allowed] = True
            chosen = {"sel": faiss.IDSelectorBitmap(np.packbits(inside, bitorder="little"))}
        if self._cells:
            made = faiss.SearchParametersIVF(nprobe=int(effort), **chosen)
        elif self._graph:
            made = faiss.SearchParametersHNSW(efSearch=int(effort), **chosen)
        else:
            made = faiss.SearchParameters(**chosen)
        return faiss.SearchParametersPreTransform(index_params=made, **chosen) if self._rotated else made

    def _asked(self, queries: Vectors, k: int, parameters: Any) -> Ids:  # noqa: ANN401
        places: Ids = self.index.search(queries, k, params=parameters)[1]
        return places


def autofaiss_key(python: Path, count: int, dim: int, memory: str) -> str:
    """Ask autofaiss, which wants an environment of its own, for the key of its first choice.

    Args:
        python: Of that environment.
        count: Of vectors.
        dim: Of vectors.
        memory: What the index may take, such as "2G".
    """
    code = (
        "import sys; from autofaiss.external.optimize import get_optimal_index_keys_v2 as keys; "
        "print(keys(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])[0])"
    )
    asked = [str(python), "-c", code, str(count), str(dim), memory]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()


def remembered_autofaiss_key(count: int) -> str:
    """Say what autofaiss 2.18.0 chose at 384 dimensions and 2 GB for up to a million vectors."""
    if count < 1_000:
        return "Flat"
    return "HNSW15" if count < 10_000 else "HNSW32"
