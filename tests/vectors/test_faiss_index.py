import struct
import threading

import faiss
import numpy as np
import pytest

from mmsearch.errors import CollectionDamaged, StorageError
from mmsearch.normalise import unit_rows
from mmsearch.vectors import faiss_index
from mmsearch.vectors.faiss_index import FaissIndex
from mmsearch.vectors.flat import FlatIndex


def rows(count, dim=8, seed=0):
    return unit_rows(np.random.default_rng(seed).standard_normal((count, dim)))


def filled(count, dim=8):
    index = FaissIndex(dim)
    index.add(np.arange(count), rows(count, dim))
    return index


@pytest.mark.parametrize("share", [1.0, 0.6, 0.01])
def test_results_are_those_of_the_reference_to_the_last_bit(share):
    vectors, queries = rows(5000, 48), rows(12, 48, seed=1)
    ids = np.random.default_rng(2).permutation(5000)
    vectors[100:300] = vectors[0]
    queries[0] = vectors[0]
    ours = FaissIndex(48)
    ours.add(ids, vectors)
    allowed = None if share == 1 else ids[: int(share * len(ids))]
    expected = FlatIndex.of(ids, vectors).search(queries, 50, allowed=allowed)
    for found, reference in zip(ours.search(queries, 50, allowed=allowed), expected, strict=True):
        assert np.array_equal(found.ids, reference.ids)
        assert np.array_equal(found.scores, reference.scores)


def test_a_search_in_any_thread_uses_one_thread_of_faiss():
    index, seen = filled(2000), []

    def search():
        faiss.omp_set_num_threads(3)
        index.search(rows(1), 1)
        seen.append(faiss.omp_get_max_threads())

    thread = threading.Thread(target=search)
    thread.start()
    thread.join()
    assert seen == [1]


@pytest.mark.skipif(not faiss_index._BLAS_STARTS_TOO_LATE, reason="this FAISS has another default")
def test_batches_of_three_queries_use_blas_whatever_the_dimension():
    for dim in (8, 16, 8):
        filled(2000, dim).search(rows(1, dim), 1)
        assert faiss.cvar.distance_compute_blas_threshold == 3 * dim


def test_results_are_copies_that_outlive_the_index():
    index = filled(2000)
    (found,) = index.search(rows(1), 5)
    ids, scores = found.ids.copy(), found.scores.copy()
    index.remove(np.arange(1990))
    index.add(np.arange(5000, 9000), rows(4000, seed=3))
    del index
    assert np.array_equal(found.ids, ids)
    assert np.array_equal(found.scores, scores)


def test_a_full_disk_is_noticed_and_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "index"
    filled(3).save(path)
    before = path.read_bytes()

    def fail(data):
        raise OSError(28, "No space left on device")

    writer = faiss.PyCallbackIOWriter
    monkeypatch.setattr(faiss, "PyCallbackIOWriter", lambda write: writer(fail))
    with pytest.raises(StorageError, match="No space left"):
        filled(4).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_any_path_can_be_saved_to(tmp_path):
    path = tmp_path / "not utf-8 \udcff"
    filled(3).save(path)
    assert len(FaissIndex.load(path, 8)) == 3


@pytest.mark.parametrize(
    ("offset", "field", "value"),
    [
        (0, "<4s", b"IxM2"),
        (4, "<i", 9),
        (8, "<q", 2**40),
        (8, "<q", -1),
        (32, "<B", 0),
        (33, "<i", 1),
        (37, "<4s", b"IxF2"),
        (41, "<i", 2**30),
        (45, "<q", 2**40),
        (69, "<B", 0),
        (70, "<i", 1),
        (74, "<Q", 2**61),
        (82 + 3 * 8 * 4, "<Q", 2**39),
    ],
)
def test_a_header_that_lies_never_reaches_faiss(tmp_path, monkeypatch, offset, field, value):
    path = tmp_path / "index"
    filled(3).save(path)
    data = bytearray(path.read_bytes())
    struct.pack_into(field, data, offset, value)
    path.write_bytes(data)
    monkeypatch.setattr(faiss, "read_index", lambda *_: pytest.fail("FAISS was asked to read it"))
    with pytest.raises(CollectionDamaged, match="not a whole FAISS index"):
        FaissIndex.load(path, 8)


def test_what_faiss_itself_refuses_is_damage_too(tmp_path, monkeypatch):
    path = tmp_path / "index"
    filled(3).save(path)

    def fail(reader):
        raise RuntimeError("read error")

    monkeypatch.setattr(faiss, "read_index", fail)
    with pytest.raises(CollectionDamaged, match="read error"):
        FaissIndex.load(path, 8)


def test_an_index_of_another_metric_is_refused(tmp_path):
    path = tmp_path / "index"
    other = faiss.IndexIDMap(faiss.IndexFlatL2(8))
    other.add_with_ids(rows(3), np.arange(3))
    faiss.write_index(other, str(path))
    with pytest.raises(CollectionDamaged, match="not a whole FAISS index"):
        FaissIndex.load(path, 8)
