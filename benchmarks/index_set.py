"""Vectors and queries on disk that all indexes of one run are built from and asked."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.lib.format import open_memmap

from benchmarks.index_data import Clusters, world
from benchmarks.index_measures import nearest
from mmsearch.types import Ids, Vectors

Queries = Literal["texts", "pictures"]
QUERIES: tuple[Queries, ...] = ("texts", "pictures")
K = 10
_PICTURES_SEED, _TEXTS_SEED, _QUERIES_SEED, _TUNING_SEED = 1, 2, 3, 4
_TUNING_TEXTS = 1000


@dataclass(frozen=True)
class VectorSet:
    """Files in a folder, made by `make_set`. Places of rows are the ids of vectors."""

    folder: Path

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def dim(self) -> int:
        """Of the vectors."""
        return int(self.rows.shape[1])

    @cached_property
    def rows(self) -> Vectors:
        """Unit rows (n, d), mapped."""
        rows: Vectors = self._read("rows", mapped=True)
        return rows

    @cached_property
    def clusters(self) -> Clusters:
        """In which cluster each row lies (n,)."""
        clusters: Clusters = self._read("clusters")
        return clusters

    @cached_property
    def tuning(self) -> Vectors:
        """Texts (m, d) to tune with; none is among those that are measured."""
        texts: Vectors = self._read("tuning")
        return texts

    def queries(self, kind: Queries) -> Vectors:
        """Read queries (q, d)."""
        queries: Vectors = self._read(kind)
        return queries

    def truth(self, kind: Queries) -> Ids:
        """Read what they should find (q, K)."""
        truth: Ids = self._read(f"{kind}-truth")
        return truth

    def _read(self, name: str, *, mapped: bool = False) -> Any:  # noqa: ANN401 - the file says
        return np.load(self.folder / f"{name}.npy", mmap_mode="r" if mapped else None)


def make_set(folder: Path, count: int, dim: int, queries: int) -> VectorSet:
    """Draw rows, queries of both kinds and their true neighbours; nothing is done for a folder that has them."""
    made = VectorSet(folder)
    if (folder / "pictures-truth.npy").exists():
        return made
    folder.mkdir(parents=True, exist_ok=True)
    here = world(dim)
    rows = open_memmap(folder / "rows.npy", mode="w+", dtype=np.float32, shape=(count, dim))
    clusters, done = np.empty(count, dtype=np.int16), 0
    for piece, its_clusters in here.clustered_pictures(count, _PICTURES_SEED):
        rows[done : done + len(piece)], clusters[done : done + len(piece)] = piece, its_clusters
        done += len(piece)
    rows.flush()
    np.save(folder / "clusters.npy", clusters)
    np.save(folder / "tuning.npy", here.texts(_TUNING_TEXTS, _TUNING_SEED))
    asked = {"texts": here.texts(queries, _TEXTS_SEED), "pictures": here.picture_queries(queries, _QUERIES_SEED)}
    for kind, vectors in asked.items():
        np.save(folder / f"{kind}.npy", vectors)
        np.save(folder / f"{kind}-truth.npy", nearest(rows, vectors, K))
    return made
