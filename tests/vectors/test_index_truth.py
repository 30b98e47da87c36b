"""The true nearest are those that a product of all with all shows, whatever the pieces, the filter and the dtype."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.normalise import unit_rows
from mmsearch.vectors.ann import truth
from mmsearch.vectors.ann.rows import MappedRows
from mmsearch.vectors.ann.truth import nearest

DIM = 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("rows")


def opened(folder, vectors, *, half=False):
    path = folder / "rows"
    path.unlink(missing_ok=True)  # it may be mapped still
    MappedRows.write(path, [vectors], count=len(vectors), dim=DIM, half=half)
    return MappedRows.open(path, count=len(vectors), dim=DIM, half=half)


def unit(count, seed):
    return unit_rows(np.random.default_rng(seed).standard_normal((count, DIM)))


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(1, 300),
    queries=st.integers(1, 7),
    k=st.integers(1, 40),
    piece=st.integers(1, 400),
    half=st.booleans(),
    share=st.sampled_from([None, 0.0, 0.1, 0.9]),
)
def test_it_is_what_a_product_of_all_shows(folder, count, queries, k, piece, half, share):
    rows = opened(folder, unit(count, seed=count), half=half)
    asked = unit(queries, seed=1000)
    inside = None if share is None else np.random.default_rng(k).random(count) < share
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(truth, "_PIECE_ROWS", piece)
        scores, places = nearest(rows, asked, k, inside=inside, threads=2)
    every = asked @ rows.take(np.arange(count)).T
    if inside is not None:
        every[:, ~inside] = -np.inf
    order = np.argsort(-every, axis=1, kind="stable")[:, :k]
    expected = np.take_along_axis(every, order, axis=1)
    found = expected > -np.inf
    width = expected.shape[1]
    assert places.shape == scores.shape == (queries, k)
    assert (places[:, width:] == -1).all()
    assert np.array_equal(places[:, :width], np.where(found, order, -1))
    assert scores[:, :width][found] == pytest.approx(expected[found], abs=1e-5)


def test_equal_rows_come_in_order_of_place(folder, monkeypatch):
    monkeypatch.setattr(truth, "_PIECE_ROWS", 1)
    rows = opened(folder, np.repeat(unit(1, seed=3), 5, axis=0))
    assert nearest(rows, unit(1, seed=3), 3)[1].tolist() == [[0, 1, 2]]


def test_nothing_is_asked(folder):
    rows = opened(folder, unit(3, seed=0))
    assert nearest(rows, np.empty((0, DIM), np.float32), 5)[1].shape == (0, 5)
    assert nearest(rows, unit(2, seed=0), 0)[1].shape == (2, 0)
