import numpy as np
import pytest

from mmsearch import files
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


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "index"
    FlatIndex.of(np.arange(3), rows(3)).save(path)
    before = path.read_bytes()

    def fail(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises(StorageError, match="No space left"):
        FlatIndex.of(np.arange(4), rows(4)).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_count_that_the_file_cannot_hold_is_refused_before_memory_is_asked_for(tmp_path):
    path = tmp_path / "index"
    FlatIndex.of(np.arange(3), rows(3)).save(path)
    data = bytearray(path.read_bytes())
    data[16:24] = (2**60).to_bytes(8, "little")
    path.write_bytes(data)
    with pytest.raises(CollectionDamaged, match="has not the size"):
        FlatIndex.load(path, 8)
