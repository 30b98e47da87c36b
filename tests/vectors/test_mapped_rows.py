import faiss
import numpy as np
import pytest

from mmsearch.errors import CollectionDamaged
from mmsearch.normalise import unit_rows
from mmsearch.vectors.ann import rows as module
from mmsearch.vectors.ann.rows import MappedRows

DIM = 24


def made(count=500, seed=0):
    return unit_rows(np.random.default_rng(seed).standard_normal((count, DIM)))


def opened(path, vectors, *, half):
    pieces = [vectors[:200], vectors[200:]]
    MappedRows.write(path, pieces, count=len(vectors), dim=DIM, half=half)
    return MappedRows.open(path, count=len(vectors), dim=DIM, half=half)


@pytest.mark.parametrize("half", [False, True])
def test_the_file_is_the_one_that_faiss_would_write(tmp_path, half):
    vectors = made()
    opened(tmp_path / "ours", vectors, half=half)
    index = faiss.IndexFlatIP(DIM)
    if half:
        index = faiss.IndexScalarQuantizer(DIM, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    index.train(vectors)
    index.add(vectors)
    faiss.write_index(index, str(tmp_path / "theirs"))
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


@pytest.mark.parametrize("half", [False, True])
def test_rows_come_back_by_place_and_piece_by_piece(tmp_path, half):
    vectors = made()
    rows = opened(tmp_path / "rows", vectors, half=half)
    stored = vectors.astype(np.float16).astype(np.float32) if half else vectors
    assert np.array_equal(rows.take(np.array([499, 0, 7, 7])), stored[[499, 0, 7, 7]])
    assert [len(piece) for piece in rows.pieces(300)] == [300, 200]
    assert np.array_equal(np.concatenate(list(rows.pieces(300))), stored)
    assert rows.take(np.arange(0)).shape == (0, DIM)


def test_every_finite_half_is_converted_exactly():
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)]
    assert np.array_equal(module._from_half(halves.view(np.int16)), halves.astype(np.float32))


@pytest.mark.parametrize("half", [False, True])
def test_a_scan_looks_only_inside(tmp_path, half):
    vectors, queries = made(), made(3, seed=1)
    rows = opened(tmp_path / "rows", vectors, half=half)
    inside = np.arange(500) % 7 == 0
    scores, places = rows.scan(queries, 100, inside)
    assert all(inside[its[its >= 0]].all() for its in places)
    assert (np.count_nonzero(places >= 0, axis=1) == inside.sum()).all(), "what is not there is -1"
    expected = np.sort(queries @ vectors[inside].T, axis=1)[:, ::-1]
    assert np.allclose(scores[:, : inside.sum()], expected, atol=1e-3 if half else 1e-6)


@pytest.mark.parametrize("change", [lambda d: d[:-1], lambda d: d + b"\0", lambda d: b"x" + d[1:], lambda d: b""])
def test_any_other_file_is_refused(tmp_path, change):
    path = tmp_path / "rows"
    opened(path, made(), half=True)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(CollectionDamaged, match="500 rows of dimension 24"):
        MappedRows.open(path, count=500, dim=DIM, half=True)


def test_a_file_of_other_numbers_is_refused(tmp_path):
    path = tmp_path / "rows"
    opened(path, made(), half=True)
    for other in ({"count": 499, "dim": DIM, "half": True}, {"count": 500, "dim": DIM, "half": False}):
        with pytest.raises(CollectionDamaged):
            MappedRows.open(path, **other)


def test_too_few_pieces_are_an_error(tmp_path):
    with pytest.raises(ValueError, match="expected 600 rows, got 500"):
        MappedRows.write(tmp_path / "rows", [made()], count=600, dim=DIM, half=False)
