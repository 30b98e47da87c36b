"""Own masking: what is proposed without a mask is never trusted to be inside one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.normalise import unit_rows
from mmsearch.vectors.ann.masking import propose_inside, serves

DIM = 8


class Halves:
    """Compares every row, in float16."""

    takes_masks = False
    rounding = 2.0**-10 + 1e-6

    def __init__(self, rows, max_depth=64):
        self.rows = rows.astype(np.float16).astype(np.float32)
        self.max_depth = max_depth
        self.asked = []

    def propose(self, queries, depth, probes, inside=None):
        assert inside is None
        assert depth <= self.max_depth
        self.asked.append(depth)
        scores = queries.astype(np.float16).astype(np.float32) @ self.rows.T
        places = np.argsort(-scores, axis=1)[:, :depth]
        lacking = ((0, 0), (0, depth - places.shape[1]))
        found = np.take_along_axis(scores, places, axis=1)
        return np.pad(found, lacking, constant_values=-1e38), np.pad(places, lacking, constant_values=-1)


class Guesses(Halves):
    """The same, but it does not say that it compares every row."""

    rounding = None


@st.composite
def cases(draw):
    """Rows with few different ones among them, so that scores tie; and a mask of any selectivity."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(1, 300))
    kinds = unit_rows(random.standard_normal((draw(st.integers(1, count)), DIM)))
    rows = kinds[random.integers(len(kinds), size=count)]
    inside = random.random(count) < draw(st.sampled_from([0.01, 0.1, 0.5, 0.9, 1.0]))
    depth = draw(st.integers(1, 40))
    return rows, inside, unit_rows(random.standard_normal((3, DIM))), depth, draw(st.integers(1, depth))


@settings(deadline=None, max_examples=200)
@given(cases())
def test_what_is_called_complete_is_the_best_that_may_be_found(case):
    rows, inside, queries, depth, wanted = case
    scores, places, complete = propose_inside(Halves(rows), queries, depth, 1, inside, wanted)
    assert scores.shape == places.shape == (3, depth)
    exact = queries @ rows.T
    for query in range(3):
        found = places[query][places[query] >= 0]
        assert inside[found].all()
        assert len(set(found)) == len(found)
        if complete[query]:
            best = np.sort(exact[query][inside])[::-1][:wanted]
            assert np.allclose(np.sort(exact[query][found])[::-1][:wanted], best, atol=1e-6)
            left_out = inside.copy()
            left_out[found] = False
            assert not left_out.any() or exact[query][left_out].max() < best[-1]


@settings(deadline=None, max_examples=100)
@given(cases())
def test_a_guess_is_complete_if_there_is_enough_of_it(case):
    rows, inside, queries, depth, wanted = case
    _, places, complete = propose_inside(Guesses(rows), queries, depth, 1, inside, wanted)
    assert complete.tolist() == ((places >= 0).sum(axis=1) >= wanted).tolist()
    assert inside[places[places >= 0]].all()


def test_best_come_first_and_the_rest_is_marked():
    rows = unit_rows(np.array([[1, 0], [0.9, 0.1], [0.5, 0.5], [0, 1]], dtype=np.float32))
    inside = np.array([False, True, False, True])
    query = np.array([[1, 0]], dtype=np.float32)
    scores, places, complete = propose_inside(Guesses(rows), query, 4, 1, inside, 2)
    assert places.tolist() == [[1, 3, -1, -1]]
    assert scores[0, :2] == pytest.approx([0.9938, 0], abs=1e-3)
    assert complete.tolist() == [True]
    assert np.isneginf(scores[0, 2:]).all()


def test_equal_scores_at_the_end_are_not_trusted():
    """Of 200 equal rows it names 64: the first of them by id may be among the others."""
    rows = np.tile(np.eye(1, DIM, dtype=np.float32), (200, 1))
    _, _, complete = propose_inside(Halves(rows), rows[:1], 40, 1, None, 1)
    assert not complete.any()


def test_equal_scores_that_are_cut_off_are_not_trusted():
    """It names all 50 equal rows, of which only 40 are returned."""
    rows = np.concatenate([np.tile(np.eye(1, DIM, dtype=np.float32), (50, 1)), np.zeros((50, DIM), dtype=np.float32)])
    _, _, complete = propose_inside(Halves(rows), rows[:1], 40, 1, None, 1)
    assert not complete.any()


def test_searches_of_like_filters_ask_to_one_depth():
    rows = unit_rows(np.random.default_rng(0).standard_normal((1000, DIM)))
    proposer = Halves(rows, max_depth=2048)
    for share in (0.4, 0.45, 0.5):
        propose_inside(proposer, rows[:1], 20, 1, np.arange(1000) < share * 1000, 5)
    assert proposer.asked == [128, 128, 128]


@pytest.mark.parametrize(
    ("depth", "allowed", "serving"),
    [(300, 1_000_000, True), (300, 500_000, True), (300, 100_000, False), (300, 0, False), (2040, 1_000_000, False)],
)
def test_what_would_need_too_much_is_not_asked(depth, allowed, serving):
    assert serves(Halves(np.eye(DIM), max_depth=2048), depth, allowed, 1_000_000) is serving


def test_what_cannot_be_asked_yet_serves_nothing():
    assert not serves(Halves(np.eye(DIM), max_depth=0), 1, 8, 8)
