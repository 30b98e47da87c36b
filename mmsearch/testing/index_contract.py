"""What every vector index must hold, as plain functions: run `CHECKS` over yours with any test runner.

    @pytest.mark.parametrize("check", index_contract.CHECKS)
    def test_my_index(check):
        check(MyIndex)

Each check calls the given factory with a dimension for an empty index. Ids and scores are both compared
with brute force, because a similarity bug hides behind the right ids.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mmsearch.errors import CollectionDamaged
from mmsearch.protocols import VectorIndex
from mmsearch.testing.brute_force import assert_exact
from mmsearch.types import Candidates, Ids, Vectors

MakeIndex = Callable[[int], VectorIndex]

DIM = 12
COUNT = 3000


def check_known_example(make: MakeIndex) -> None:
    """Check that five vectors in a plane have the cosines that one can work out by hand."""
    index = make(2)
    vectors = np.array([[-2, 0], [0, 0.1], [5, 5], [30, 0], [3, -4]], dtype=np.float32)
    index.add(np.array([1, 2, 3, 4, 5], dtype=np.int64), vectors)
    (found,) = index.search(np.array([[7, 0]], dtype=np.float32), 5)
    assert found.ids.tolist() == [4, 3, 5, 2, 1], f"ids {found.ids.tolist()}"
    assert np.allclose(found.scores, [1, 0.5**0.5, 0.6, 0, -1], atol=1e-6), f"scores {found.scores}"


def check_kind_and_dim(make: MakeIndex) -> None:
    """Check that the index says what it is, and counts what it holds."""
    index = make(DIM)
    assert index.kind, "kind is empty"
    assert index.dim == DIM, f"dim is {index.dim}"
    assert len(index) == 0, "a new index is not empty"
    ids, vectors = _sample()
    index.add(ids, vectors)
    assert len(index) == COUNT, f"{len(index)} after adding {COUNT}"


def check_brute_force(make: MakeIndex) -> None:
    """Check ids and scores for vectors of any length, and k from one to more than there are."""
    index, ids, vectors = _filled(make)
    queries = _queries(7)
    for k in (1, 2, 10, 500, COUNT, COUNT + 7):
        _assert_all_exact(index.search(queries, k), queries, k, ids, vectors)


def check_many_queries(make: MakeIndex) -> None:
    """Check that each of many queries at once gets the very result that it gets alone."""
    index, ids, vectors = _filled(make)
    queries = _queries(60)
    together = index.search(queries, 10)
    _assert_all_exact(together, queries, 10, ids, vectors)
    for row in range(0, 60, 10):
        _assert_same(index.search(queries[row : row + 1], 10), together[row : row + 1])
    assert index.search(queries[:0], 10) == [], "no query has no result"


def check_ties(make: MakeIndex) -> None:
    """Check that copies of one vector come in order of id, also where k cuts them off."""
    index = make(DIM)
    ids, vectors = _sample()
    vectors[np.random.default_rng(1).choice(COUNT, 400, replace=False)] = vectors[0]
    for part in np.array_split(np.arange(COUNT), 3):
        index.add(ids[part], vectors[part])
    copies = np.sort(ids[(vectors == vectors[0]).all(axis=1)])
    for k in (1, 5, 100, len(copies), len(copies) + 1):
        (found,) = index.search(vectors[:1], k)
        assert found.ids[: len(copies)].tolist() == copies[:k].tolist(), f"copies are not in order of id at k = {k}"
        assert_exact(found, vectors[0], k, ids=ids, vectors=vectors)


def check_zero_vectors(make: MakeIndex) -> None:
    """Check that a vector of zeros scores 0 with everything, as query and as document."""
    index = make(DIM)
    ids, vectors = _sample()
    vectors[::50] = 0
    index.add(ids, vectors)
    queries = np.concatenate([np.zeros((1, DIM), dtype=np.float32), _queries(2)])
    _assert_all_exact(index.search(queries, 20), queries, 20, ids, vectors)
    assert index.search(queries[:1], 20)[0].ids.tolist() == np.sort(ids)[:20].tolist(), "all scores are 0"


def check_extreme_lengths(make: MakeIndex) -> None:
    """Check that lengths near the ends of float32 change no score."""
    index = make(DIM)
    ids, vectors = _sample()
    scales = np.array([1e-30, 1e-12, 1, 1e15, 1e30], dtype=np.float32)
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors *= scales[np.arange(COUNT) % len(scales), np.newaxis]
    index.add(ids, vectors)
    queries = vectors[:5]
    _assert_all_exact(index.search(queries, 10), queries, 10, ids, vectors)


def check_nothing_to_find(make: MakeIndex) -> None:
    """Check that an empty index and a k of 0 give one empty result a query."""
    index, _, _ = _filled(make)
    for found in [*make(DIM).search(_queries(3), 5), *index.search(_queries(3), 0)]:
        assert_exact(found, _queries(1)[0], 0, ids=np.empty(0, np.int64), vectors=np.empty((0, DIM), np.float32))
    assert len(make(DIM).search(_queries(3), 5)) == len(index.search(_queries(3), 0)) == 3


def check_allowed(make: MakeIndex) -> None:
    """Check that a limit to some ids is exact, however few or many, in any order."""
    index, ids, vectors = _filled(make)
    queries = _queries(4)
    for share in (1, 3, 30, 700, 1400, COUNT - 1, COUNT):
        allowed = np.random.default_rng(share).permutation(ids)[:share]
        for k in (1, 10, 100):
            found = index.search(queries, k, allowed=allowed)
            _assert_all_exact(found, queries, k, ids, vectors, allowed)


def check_allowed_strangers(make: MakeIndex) -> None:
    """Check that a limit may name unknown ids, or one twice, or none, which finds nothing."""
    index, ids, vectors = _filled(make)
    queries = _queries(2)
    strangers = np.array([-5, 10**9, 2**62], dtype=np.int64)
    for allowed in (ids[:0], strangers, np.concatenate([strangers, ids[:50], ids[:50]])):
        _assert_all_exact(index.search(queries, 10, allowed=allowed), queries, 10, ids, vectors, allowed)


def check_remove(make: MakeIndex) -> None:
    """Check that removed ids are found no more; unknown ones and repetitions are not counted."""
    index, ids, vectors = _filled(make)
    gone = np.random.default_rng(2).permutation(ids)[: COUNT // 3]
    unknown = np.array([10**9], dtype=np.int64)
    assert index.remove(unknown) == 0, "an unknown id was removed"
    assert index.remove(ids[:0]) == 0, "something was removed by no id"
    assert index.remove(np.concatenate([gone, unknown, gone[:3]])) == len(gone), "wrong count of removed ids"
    assert index.remove(gone) == 0, "ids were removed twice"
    left = ~np.isin(ids, gone)
    assert len(index) == left.sum(), f"{len(index)} left, expected {left.sum()}"
    queries = vectors[np.isin(ids, gone)][:5]
    _assert_all_exact(index.search(queries, 10), queries, 10, ids[left], vectors[left])
    found = index.search(queries, 10, allowed=gone)
    _assert_all_exact(found, queries, 10, ids[left], vectors[left], gone)
    assert index.remove(ids) == left.sum(), "not all could be removed"
    assert [len(found) for found in index.search(queries, 10)] == [0] * 5, "an emptied index finds something"


def check_add_again(make: MakeIndex) -> None:
    """Check that a removed id can come back with another vector."""
    index, ids, vectors = _filled(make)
    index.remove(ids[:100])
    vectors[:100] = -vectors[:100]
    index.add(ids[:100], vectors[:100])
    queries = vectors[:5]
    _assert_all_exact(index.search(queries, 10), queries, 10, ids, vectors)


def check_large_ids(make: MakeIndex) -> None:
    """Check that ids may lie anywhere between 0 and 2**62, in any order."""
    index = make(DIM)
    _, vectors = _sample()
    ids = np.random.default_rng(3).integers(0, 2**62, COUNT)
    ids[7] = 2**62
    index.add(ids, vectors)
    queries = vectors[5:9]
    _assert_all_exact(index.search(queries, 10), queries, 10, ids, vectors)
    half = ids[: COUNT // 2]
    _assert_all_exact(index.search(queries, 10, allowed=half), queries, 10, ids, vectors, half)


def check_refusals(make: MakeIndex) -> None:
    """Check that what does not fit is refused with ValueError, and changes nothing."""
    index = make(2)
    index.add(np.array([1], dtype=np.int64), np.array([[1, 0]], dtype=np.float32))
    fine = np.ones((2, 2), dtype=np.float32)
    for ids, vectors in (
        ([2, 1], fine),
        ([2, 2], fine),
        ([2], fine),
        ([2, 3], fine[:, :1]),
        ([2, 3], fine[0]),
        ([2, 3], fine * np.nan),
        ([2, 3], np.array([[1, 1], [1, np.inf]], dtype=np.float32)),
    ):
        _assert_refused(partial(index.add, np.array(ids, dtype=np.int64), vectors))
    for queries, k in ((fine[:, :1], 1), (fine[0], 1), (fine * np.nan, 1), (fine, -1)):
        _assert_refused(partial(index.search, queries, k))
    assert index.search(fine[:1], 9)[0].ids.tolist() == [1], "a refused vector is in the index"


def check_input_is_left_alone(make: MakeIndex) -> None:
    """Check that arrays may be read-only; what is done to them later does not reach the index."""
    index = make(DIM)
    ids, vectors = _sample()
    given = ids.copy(), vectors.copy()
    for array in given:
        array.flags.writeable = False
    index.add(*given)
    queries = _queries(2)
    queries.flags.writeable = False
    before = index.search(queries, 10, allowed=given[0])
    for array in given:
        array.flags.writeable = True
        array[:] = 0
    _assert_same(index.search(queries, 10), before)
    _assert_all_exact(before, queries, 10, ids, vectors)


def check_save_and_load(make: MakeIndex) -> None:
    """Check that a saved index gives equal results after loading, and can be changed as before."""
    index, ids, vectors = _filled(make)
    index.remove(ids[:10])
    queries = _queries(3)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        index.save(path)
        assert list(Path(folder).iterdir()) == [path], "saving left another file behind"
        loaded = type(index).load(path, DIM)
    assert (len(loaded), loaded.dim, loaded.kind) == (len(index), DIM, index.kind)
    _assert_same(loaded.search(queries, 20), index.search(queries, 20))
    loaded.add(ids[:10], vectors[:10])
    loaded.remove(ids[-5:])
    _assert_all_exact(loaded.search(queries, 20), queries, 20, ids[:-5], vectors[:-5])


def check_save_empty(make: MakeIndex) -> None:
    """Check that an empty index can be saved and loaded."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        make(DIM).save(path)
        loaded = type(make(DIM)).load(path, DIM)
    assert len(loaded) == 0
    assert len(loaded.search(_queries(1), 3)[0]) == 0


def check_load_refuses_damage(make: MakeIndex) -> None:
    """Check that a file that is missing, cut, too long, foreign, or of another dimension is refused."""
    index = make(DIM)
    index.add(np.arange(5), _sample()[1][:5])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        _assert_damaged(index, path, DIM)
        index.save(path)
        _assert_damaged(index, path, DIM + 1)
        for file in sorted(path.iterdir()):
            whole = file.read_bytes()
            for cut in (0, 1, 10, 30, len(whole) // 2, len(whole) - 8, len(whole) - 1):
                file.write_bytes(whole[:cut])
                _assert_damaged(index, path, DIM)
            for foreign in (whole + b"\0", b"\xff" * len(whole), bytes(len(whole)), b"not an index at all"):
                file.write_bytes(foreign)
                _assert_damaged(index, path, DIM)
            file.unlink()
            _assert_damaged(index, path, DIM)
            file.write_bytes(whole)
        assert len(type(index).load(path, DIM)) == 5, "a whole index is refused"


def check_fork(make: MakeIndex) -> None:
    """Check that a fork and what it was forked from change each by itself."""
    index, ids, vectors = _filled(make)
    half = COUNT // 2
    index.remove(ids[:10])
    forked = index.fork()
    forked.remove(ids[half:])
    forked.add(ids[:10], vectors[:10])
    index.remove(ids[10:half])
    queries = _queries(3)
    _assert_all_exact(forked.search(queries, 20), queries, 20, ids[:half], vectors[:half])
    _assert_all_exact(index.search(queries, 20), queries, 20, ids[half:], vectors[half:])
    assert (len(forked), len(index)) == (half, COUNT - half)


def check_threads(make: MakeIndex) -> None:
    """Check that several threads may search one index at once."""
    index, ids, vectors = _filled(make)
    queries = _queries(8)
    with ThreadPoolExecutor(max_workers=4) as pool:
        runs = list(pool.map(lambda _: index.search(queries, 10), range(8)))
    for found in runs:
        _assert_all_exact(found, queries, 10, ids, vectors)


CHECKS: tuple[Callable[[MakeIndex], None], ...] = (
    check_known_example,
    check_kind_and_dim,
    check_brute_force,
    check_many_queries,
    check_ties,
    check_zero_vectors,
    check_extreme_lengths,
    check_nothing_to_find,
    check_allowed,
    check_allowed_strangers,
    check_remove,
    check_add_again,
    check_large_ids,
    check_refusals,
    check_input_is_left_alone,
    check_save_and_load,
    check_save_empty,
    check_load_refuses_damage,
    check_fork,
    check_threads,
)


def _sample() -> tuple[Ids, Vectors]:
    """Make ids in no order, and vectors of lengths from about 0.001 to 1000."""
    random = np.random.default_rng(0)
    ids = random.permutation(3 * COUNT)[:COUNT].astype(np.int64)
    lengths = 10 ** random.uniform(-3, 3, (COUNT, 1))
    return ids, (random.standard_normal((COUNT, DIM)) * lengths).astype(np.float32)


def _queries(count: int) -> Vectors:
    random = np.random.default_rng(count)
    return (random.standard_normal((count, DIM)) * 10 ** random.uniform(-3, 3, (count, 1))).astype(np.float32)


def _filled(make: MakeIndex) -> tuple[VectorIndex, Ids, Vectors]:
    index = make(DIM)
    ids, vectors = _sample()
    for part in (slice(0, 1), slice(1, 40), slice(40, COUNT), slice(0, 0)):
        index.add(ids[part], vectors[part])
    return index, ids, vectors


def _assert_all_exact(
    found: list[Candidates], queries: Vectors, k: int, ids: Ids, vectors: Vectors, allowed: Ids | None = None
) -> None:
    assert len(found) == len(queries), f"{len(found)} results for {len(queries)} queries"
    for its, query in zip(found, queries, strict=True):
        assert_exact(its, query, k, ids=ids, vectors=vectors, allowed=allowed)


def _assert_same(found: list[Candidates], expected: list[Candidates]) -> None:
    for one, other in zip(found, expected, strict=True):
        assert np.array_equal(one.ids, other.ids), "ids differ"
        assert np.array_equal(one.scores, other.scores), "scores differ"


def _assert_refused(call: Callable[[], object]) -> None:
    try:
        call()
    except ValueError:
        return
    raise AssertionError("expected ValueError")


def _assert_damaged(index: VectorIndex, path: Path, dim: int) -> None:
    try:
        type(index).load(path, dim)
    except CollectionDamaged:
        return
    raise AssertionError("expected CollectionDamaged")
