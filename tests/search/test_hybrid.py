import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.search.hybrid import EVIDENCE, hybrid

SCORES = st.floats(0, 1, width=32)


def fused(vector, words):
    return float(hybrid(np.array([vector], np.float32), np.array([words], np.float32))[0])


@given(st.lists(SCORES, max_size=20))
def test_without_words_nothing_changes(scores):
    vector = np.array(scores, np.float32)
    assert hybrid(vector, np.zeros_like(vector)).tolist() == vector.tolist()


@given(SCORES, SCORES, SCORES, SCORES)
def test_it_rises_with_both_and_stays_between_0_and_1(vector, words, more_vector, more_words):
    low, high = fused(vector, words), fused(max(vector, more_vector), max(words, more_words))
    assert 0 <= vector <= low + 1e-6
    assert low <= high + 1e-6
    assert high <= 1


@given(st.lists(st.tuples(SCORES, SCORES), min_size=1, max_size=20))
def test_each_depends_on_its_own_scores_alone(pairs):
    vector, words = np.array(pairs, np.float32).T
    together = hybrid(vector, words)
    assert together.tolist() == [fused(*pair) for pair in np.array(pairs, np.float32)]
    assert together.dtype == np.float32


def test_words_multiply_the_odds():
    assert fused(0.5, 0.5) == pytest.approx(1 / (1 + np.exp(-EVIDENCE / 2)))
    assert fused(0.1, 0.8) > 0.85
    assert fused(0.5, 0.05) < 0.6


def test_a_name_that_means_nothing_to_the_model_is_found_all_the_same():
    assert fused(0.0, 1.0) > 0.7
    assert fused(0.0, 0.1) < 0.01
