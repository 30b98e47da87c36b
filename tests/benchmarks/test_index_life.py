"""The made-up collection that the life of an index is timed on, and the counting of what a change costs."""

import numpy as np
import pytest

import mmsearch
from benchmarks.index_life_set import FILTERS, commit, path_of, vectors
from benchmarks.index_life_steps import NAME, SEARCH, add, filtered, reader, remove, sizes
from mmsearch.normalise import unit_rows

ITEMS = 300


@pytest.fixture(scope="module")
def meant():
    return unit_rows(np.random.default_rng(0).standard_normal((20, 256), dtype=np.float32))


@pytest.fixture
def home(tmp_path, meant):
    with mmsearch.open(NAME, home=tmp_path, model="hashing") as collection:
        collection._storage.make()
        commit(collection, vectors(meant, ITEMS, seed=1), 0)
    return tmp_path


def test_vectors_are_the_same_each_time_and_lie_around_what_is_meant(meant):
    rows = vectors(meant, 500, seed=1)
    assert np.array_equal(rows, vectors(meant, 500, seed=1))
    assert not np.array_equal(rows, vectors(meant, 500, seed=2))
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    best = (rows @ meant.T).max(axis=1)
    assert 0.6 < best.mean() < 0.8


def test_photos_are_found_by_their_vectors_and_filters(home, meant):
    row = vectors(meant, ITEMS, seed=1)[42]
    with mmsearch.open(NAME, home=home) as collection:
        assert collection.status().assets == ITEMS
        assert collection.search(vector=row, k=1, **SEARCH)[0].path == path_of(42)
        passing = [len(collection.search(where=where, k=ITEMS)) for where in FILTERS.values()]
    assert passing == [150, 20, 3, 1, 1]


def test_a_search_is_timed_with_a_filter(home, meant):
    first, again, found = filtered(home, meant[:1], FILTERS["1 %"])
    assert found == 3
    assert first > 0
    assert again > 0


def test_what_a_change_costs_is_counted(home, meant):
    before = sizes(home)
    rows = vectors(meant, 50, seed=2)
    cost = add(home, rows, ITEMS)
    assert cost.bytes_written > rows.nbytes
    assert cost.seconds > 0
    assert sizes(home)["vectors"] == pytest.approx(before["vectors"] * (ITEMS + 50) / ITEMS, rel=0.001)
    with mmsearch.open(NAME, home=home) as collection:
        assert collection.search(vector=rows[7], k=1, **SEARCH)[0].path == path_of(ITEMS + 7)
    remove(home, ITEMS, 50)
    with mmsearch.open(NAME, home=home) as collection:
        assert collection.status().assets == ITEMS


def test_a_reader_sees_what_was_added_meanwhile(home, meant):
    rows = vectors(meant, 5, seed=3)
    with reader(home) as ask:
        assert ask(rows[:1])[1] != path_of(ITEMS)
        add(home, rows, ITEMS)
        milliseconds, path = ask(rows[:1])
    assert path == path_of(ITEMS)
    assert milliseconds > 0
