"""Both indexes hold the contract: as they are, and with limits so small that every branch is taken."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.testing import index_contract
from mmsearch.testing.brute_force import assert_exact
from mmsearch.testing.index_contract import MakeIndex
from mmsearch.vectors import faiss_index, flat
from mmsearch.vectors.ann import built
from mmsearch.vectors.faiss_index import FaissIndex
from mmsearch.vectors.flat import FlatIndex


class SavedIndex(FaissIndex):
    """Keeps all that it is given in files: each change goes to disk and is read back."""

    def add(self, ids, vectors):
        super().add(ids, vectors)
        self._save_and_load()

    def remove(self, ids):
        removed = super().remove(ids)
        self._save_and_load()
        return removed

    def _save_and_load(self):
        with TemporaryDirectory() as folder:
            self.save(Path(folder))
            self.__dict__ = FaissIndex.load(Path(folder), self.dim).__dict__


LIMITS: dict[str, tuple[MakeIndex, object, dict[str, float]]] = {
    "flat": (FlatIndex, flat, {}),
    "flat-small-blocks": (FlatIndex, flat, {"_SCORE_BYTES": 3 * 4 * 3000, "_GATHER_ROWS": 100}),
    "faiss": (FaissIndex, faiss_index, {}),
    "faiss-in-files": (SavedIndex, built, {"_BLOCK_ROWS": 100}),
    "faiss-scan-always": (SavedIndex, built, {"_MOST_GATHERED": -1, "_MARGIN": 1}),
}


@contextmanager
def made_with_limits(name: str) -> Iterator[MakeIndex]:
    make, module, limits = LIMITS[name]
    with pytest.MonkeyPatch.context() as patch:
        for limit, value in limits.items():
            patch.setattr(module, limit, value)
        yield make


@pytest.mark.parametrize("check", index_contract.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", LIMITS)
def test_holds_the_contract(name: str, check: Callable[[MakeIndex], None]):
    with made_with_limits(name) as make:
        check(make)


@st.composite
def small_collections(draw):
    """Whole numbers of few values in few dimensions: full of ties, copies and zeros."""
    dim = draw(st.integers(1, 4))
    ids = draw(st.lists(st.integers(0, 60), unique=True, max_size=40))
    row = st.lists(st.integers(-2, 2), min_size=dim, max_size=dim)
    vectors = draw(st.lists(row, min_size=len(ids), max_size=len(ids)))
    queries = draw(st.lists(row, min_size=1, max_size=3))
    return (
        np.array(ids, dtype=np.int64),
        np.array(vectors, dtype=np.float32).reshape(len(ids), dim),
        np.array(queries, dtype=np.float32),
    )


some_ids = st.lists(st.integers(0, 60), max_size=40).map(lambda ids: np.array(ids, dtype=np.int64))


@pytest.mark.parametrize("name", ["flat-small-blocks", "faiss-scan-always"])
@given(small_collections(), some_ids, st.none() | some_ids, st.integers(0, 45))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_any_small_collection_is_searched_exactly(name, collection, removed, allowed, k):
    ids, vectors, queries = collection
    with made_with_limits(name) as make:
        index = make(vectors.shape[1])
        index.add(ids, vectors)
        assert index.remove(removed) == np.isin(ids, removed).sum()
        left = ~np.isin(ids, removed)
        for query, found in zip(queries, index.search(queries, k, allowed=allowed), strict=True):
            assert_exact(found, query, k, ids=ids[left], vectors=vectors[left], allowed=allowed)


def test_the_contract_notices_wrong_indexes():
    def returns_distances(index, queries, k, *, allowed=None):
        found = FlatIndex.search(index, queries, k, allowed=allowed)
        return [type(its)(its.ids, 1 - its.scores) for its in found]

    def filters_afterwards(index, queries, k, *, allowed=None):
        found = FlatIndex.search(index, queries, k)
        kept = [its.ids if allowed is None else its.ids[np.isin(its.ids, allowed)] for its in found]
        return [type(its)(ids, its.scores[: len(ids)]) for its, ids in zip(found, kept, strict=True)]

    def ties_backwards(index, queries, k, *, allowed=None):
        found = FlatIndex.search(index, queries, len(index), allowed=allowed)
        order = [np.lexsort((-its.ids, -its.scores))[:k] for its in found]
        return [type(its)(its.ids[o], its.scores[o]) for its, o in zip(found, order, strict=True)]

    for wrong, check in (
        (returns_distances, index_contract.check_brute_force),
        (filters_afterwards, index_contract.check_allowed),
        (ties_backwards, index_contract.check_ties),
    ):
        broken = type("Broken", (FlatIndex,), {"search": wrong})
        with pytest.raises(AssertionError):
            check(broken)
