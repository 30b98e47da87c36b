import numpy as np
import pytest

from mmsearch.errors import CollectionDamaged, StorageError
from mmsearch.normalise import unit_rows
from mmsearch.vectors.flat import FlatIndex


def rows(count, dim=8, seed=0):
    return unit_rows(np.random.default_rng(seed).standard_normal((count, dim)))


def test_of_wraps_without_copying_and_never_writes_to_what_it_wrapped():
    ids, vectors = np.arange(5), rows(5)
    before = vectors.copy()
    index = FlatIndex.of(ids, vectors)
    assert np.shares_memory(index.rows, vectors)
    assert np.shares_memory(index.ids, ids)

    index.add(np.array([7]), -vectors[:1])
    index.remove(np.array([0]))
    index.add(np.array([8]), vectors[:1])

    assert np.array_equal(vectors, before)
    assert np.array_equal(ids, np.arange(5))
    assert index.search(vectors[:1], 1)[0].ids.tolist() == [8]


@pytest.mark.parametrize("shape", [(4, 8), (5,), (5, 2, 4)])
def test_of_refuses_shapes_that_do_not_fit(shape):
    with pytest.raises(ValueError, match="expected shapes"):
        FlatIndex.of(np.arange(5), np.zeros(shape, dtype=np.float32))


def test_many_small_additions_move_the_rows_only_now_and_then():
    index = FlatIndex(4)
    moves = 0
    for id_, row in enumerate(rows(500, 4)):
        before = index._rows
        index.add(np.array([id_]), row[np.newaxis])
        moves += index._rows is not before
    assert len(index) == 500
    assert moves < 20


def test_a_full_disk_is_said(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array", fail)
    with pytest.raises(StorageError, match="No space left"):
        FlatIndex.of(np.arange(3), rows(3)).save(tmp_path / "index")


def test_loaded_rows_are_mapped_and_never_written_to(tmp_path):
    FlatIndex.of(np.array([7, 2, 5]), rows(3)).save(tmp_path / "index")
    before = {path.name: path.read_bytes() for path in (tmp_path / "index").iterdir()}
    loaded = FlatIndex.load(tmp_path / "index", 8)
    assert loaded.ids.tolist() == [2, 5, 7], "what is stored is in order of id"
    assert not loaded.rows.flags.writeable
    loaded.add(np.array([9]), rows(1, seed=1))
    loaded.remove(np.array([2]))
    assert {path.name: path.read_bytes() for path in (tmp_path / "index").iterdir()} == before


def test_a_count_that_the_file_cannot_hold_is_refused_before_memory_is_asked_for(tmp_path):
    FlatIndex.of(np.arange(3), rows(3)).save(tmp_path)
    data = (tmp_path / "rows.npy").read_bytes()
    (tmp_path / "rows.npy").write_bytes(data.replace(b"(3, 8)", b"(3, 8" + b"0" * 9 + b")"))
    with pytest.raises(CollectionDamaged):
        FlatIndex.load(tmp_path, 8)


def test_forks_of_forks_change_each_by_itself():
    """The room behind the rows goes to one of them only."""
    vectors = rows(40)
    index = FlatIndex(8)
    index.add(np.arange(10), vectors[:10])
    index.add(np.arange(10, 12), vectors[10:12])  # leaves room
    one = index.fork()
    other = index.fork()
    of_one = one.fork()
    forks = (index, one, other, of_one)
    for number, fork in enumerate(forks, start=20):
        fork.add(np.array([number]), vectors[[number]])
    for number, fork in enumerate(forks, start=20):
        assert fork.ids.tolist() == [*range(12), number]
        np.testing.assert_allclose(fork.rows, vectors[fork.ids], atol=1e-6)


def test_additions_to_fork_after_fork_move_the_rows_only_now_and_then():
    index, moves = FlatIndex(4), 0
    for id_, row in enumerate(rows(500, 4)):
        before, index = index.rows, index.fork()
        index.add(np.array([id_]), row[np.newaxis])
        moves += not np.shares_memory(before, index.rows)
    np.testing.assert_allclose(index.rows, rows(500, 4), atol=1e-6)
    assert moves < 20
