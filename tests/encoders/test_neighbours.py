from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.encoders.neighbours import MOST_TOKENS, at_most, average, cell_weights, equal_spans, query_words


@given(st.integers(1, 500), st.integers(1, 100))
def test_equal_spans_leave_nothing_out_and_differ_by_one_part(count, most):
    spans = equal_spans(count, most)
    assert [part for span in spans for part in range(*span)] == list(range(count))
    assert len(spans) == min(count, most)
    lengths = {end - start for start, end in spans}
    assert max(lengths) - min(lengths) <= 1


@st.composite
def apart(draw):
    """Spans in order, some with rows between them."""
    edges = sorted(draw(st.lists(st.integers(0, 40), min_size=2, max_size=12, unique=True)))
    pairs = list(pairwise(edges))
    return [pair for pair in pairs if draw(st.booleans())] or pairs[:1]


@given(apart(), st.integers(0, 3))
def test_an_average_is_the_mean_of_the_rows_in_the_span(spans, behind):
    rows = np.random.default_rng(0).standard_normal((spans[-1][1] + behind, 5)).astype(np.float32)
    expected = [rows[start:end].mean(axis=0) for start, end in spans]
    found = average(rows, spans)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_many_rows_become_few_by_their_neighbours():
    rows = np.arange(130, dtype=np.float32)[:, None]
    np.testing.assert_array_equal(at_most(rows[:MOST_TOKENS]), rows[:MOST_TOKENS])
    few = at_most(rows)
    assert few.shape == (64, 1)
    assert few[:2, 0].tolist() == [0.5, 2.5]
    assert at_most(rows, 2)[:, 0].tolist() == [32.0, 97.0]


def test_the_words_of_a_long_query_are_put_together_as_their_tokens_are():
    words = [f"word{i}" for i in range(128)]
    asked = query_words(words, np.arange(128, dtype=np.float32)[:, None])
    assert asked.words[:2] == ("word0 word1", "word2 word3")
    assert asked.tokens[:2, 0].tolist() == [0.5, 2.5]
    assert (len(asked.words), len(asked.tokens)) == (64, 64)


@pytest.mark.parametrize(
    ("places", "cells", "expected"),
    [
        ((1, 2), (1, 2), [[1, 0], [0, 1]]),
        ((1, 3), (1, 2), [[2 / 3, 1 / 3, 0], [0, 1 / 3, 2 / 3]]),  # the middle lies in both
        ((2, 2), (1, 2), [[0.5, 0, 0.5, 0], [0, 0.5, 0, 0.5]]),
        ((1, 1), (2, 2), [[1], [1], [1], [1]]),
    ],
)
def test_a_place_counts_for_the_cells_that_it_lies_in(places, cells, expected):
    np.testing.assert_allclose(cell_weights(places, cells), expected, atol=1e-6)


@given(*[st.tuples(st.integers(1, 12), st.integers(1, 12))] * 2)
def test_the_mean_of_the_cells_is_the_mean_of_the_places(places, cells):
    weights = cell_weights(places, cells)
    assert weights.shape == (cells[0] * cells[1], places[0] * places[1])
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(weights.mean(axis=0), 1 / weights.shape[1], atol=1e-6)
