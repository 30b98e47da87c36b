"""What several parts come to: the vector of `add` and the score of `fuse`."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmsearch.normalise import unit_rows
from mmsearch.search.compose import fused, portions

ITEMS = 5
WEIGHT = st.floats(0.1, 10)


@st.composite
def compositions(draw, *, least_unwanted=0):
    """Scores (p, n) and weights (p,), the positive ones first."""
    signs = [1] * draw(st.integers(1, 4)) + [-1] * draw(st.integers(least_unwanted, 3))
    weights = np.array([sign * draw(WEIGHT) for sign in signs])
    scores = draw(hnp.arrays(np.float32, (len(signs), ITEMS), elements=st.floats(0, 1, width=32)))
    return scores, weights


def score_of(margin):
    """0.5 at a margin of 0 and 0.9 at 4/3, as calibration has it."""
    return 0.5 + 0.5 * margin / np.sqrt(1 + margin**2)


def unit(*rows):
    return unit_rows(np.array(rows, dtype=np.float32))


@given(compositions())
def test_fused_scores_are_float32_in_the_unit_interval(composition):
    found = fused(*composition)
    assert found.dtype == np.float32
    assert found.shape == (ITEMS,)
    assert (found >= 0).all()
    assert (found <= 1).all()


@given(compositions(), st.data())
def test_more_of_a_wanted_part_never_lowers_a_score(composition, data):
    scores, weights = composition
    part = data.draw(st.sampled_from(np.flatnonzero(weights > 0)))
    raised = scores.copy()
    raised[part] = np.maximum(raised[part], data.draw(st.floats(0, 1, width=32)))
    assert (fused(raised, weights) >= fused(scores, weights) - 1e-6).all()


@given(compositions(least_unwanted=1), st.data())
def test_more_of_an_unwanted_part_never_raises_a_score(composition, data):
    scores, weights = composition
    part = data.draw(st.sampled_from(np.flatnonzero(weights < 0)))
    raised = scores.copy()
    raised[part] = np.maximum(raised[part], data.draw(st.floats(0, 1, width=32)))
    assert (fused(raised, weights) <= fused(scores, weights) + 1e-6).all()


@given(compositions(), st.randoms(use_true_random=False))
def test_the_order_of_parts_does_not_matter(composition, random):
    scores, weights = composition
    order = list(range(len(weights)))
    random.shuffle(order)
    np.testing.assert_allclose(fused(scores[order], weights[order]), fused(scores, weights), atol=1e-6)


@given(compositions(), WEIGHT)
def test_a_common_factor_of_the_weights_does_not_matter(composition, factor):
    scores, weights = composition
    np.testing.assert_allclose(fused(scores, factor * weights), fused(scores, weights), atol=1e-6)


@given(compositions(), st.sampled_from([1e-9, 0.0, -1e-9]))
def test_a_part_whose_weight_goes_to_zero_counts_for_nothing(composition, weight):
    scores, weights = composition
    more = np.vstack([scores, np.linspace(0, 1, ITEMS, dtype=np.float32)])
    # One part alone keeps scores that several would clip, at 1e-6 from the ends.
    np.testing.assert_allclose(fused(more, np.append(weights, weight)), fused(scores, weights), atol=1e-5)


@given(hnp.arrays(np.float32, (1, ITEMS), elements=st.floats(0, 1, width=32)), WEIGHT)
def test_one_part_keeps_its_scores(scores, weight):
    np.testing.assert_array_equal(fused(scores, np.array([weight])), scores[0])


def test_margins_are_averaged_by_weight():
    scores = np.array([[0.9], [0.5]], dtype=np.float32)  # margins 4/3 and 0
    assert fused(scores, np.array([1.0, 1.0]))[0] == pytest.approx(score_of(2 / 3))
    assert fused(scores, np.array([3.0, 1.0]))[0] == pytest.approx(score_of(1))


def test_an_unwanted_part_takes_off_what_is_likely_of_it():
    scores = np.array([[0.5, 0.5, 0.5], [0.0, 0.5, 1.0]], dtype=np.float32)
    np.testing.assert_allclose(fused(scores, np.array([1.0, -1.0])), [0.5, score_of(-np.log(2)), 0], atol=1e-5)
    np.testing.assert_allclose(fused(scores, np.array([1.0, -2.0])), [0.5, score_of(-2 * np.log(2)), 0], atol=1e-5)


def test_weights_may_differ_by_any_factor():
    scores = np.array([[0.9, 0.9], [1.0, 0.0]], dtype=np.float32)
    np.testing.assert_allclose(fused(scores, np.array([1.0, -999_999.0])), [0, 0.9], atol=1e-6)
    np.testing.assert_allclose(fused(scores, np.array([999_999.0, 1e-6])), [0.9, 0.9], atol=1e-6)


def test_an_item_that_meets_both_parts_a_little_beats_one_that_meets_only_one():
    both, one = np.array([0.7, 0.7]), np.array([0.95, 0.05])
    first, second = fused(np.stack([both, one], axis=1).astype(np.float32), np.ones(2))
    assert first > second


def test_wanted_parts_alone_are_added_by_weight():
    weights = np.array([2.0, 0.5])
    np.testing.assert_array_equal(portions(unit([1, 0], [0, 1]), weights), weights)


def test_an_unwanted_part_takes_out_what_points_its_way():
    rows = unit([3, 4], [1, 0])  # cosine 0.6
    np.testing.assert_allclose(portions(rows, np.array([1.0, -1.0])), [1, -0.6], atol=1e-6)
    np.testing.assert_allclose(portions(rows, np.array([1.0, -0.5])), [1, -0.3], atol=1e-6)
    np.testing.assert_allclose(portions(rows, np.array([2.0, -1.0])), [2, -0.6], atol=1e-6)


def test_an_unwanted_part_that_points_elsewhere_takes_nothing():
    for away in ([0, 1], [-1, 1]):
        np.testing.assert_array_equal(portions(unit([1, 0], away), np.array([1.0, -1.0])), [1, 0])


def test_two_unwanted_parts_of_one_meaning_take_out_no_more_than_one():
    rows = unit([3, 4, 0], [1, 0, 0], [1, 0, 1e-4])
    vector = portions(rows, np.array([1.0, -1.0, -1.0])) @ rows
    np.testing.assert_allclose(vector, [0, 0.8, 0], atol=1e-3)


@given(
    hnp.arrays(np.float32, (5, 8), elements=st.floats(-1, 1, width=32)),
    st.integers(1, 4),
    st.lists(WEIGHT, min_size=4, max_size=4),
)
def test_nothing_of_the_unwanted_is_left_and_the_factor_does_not_matter(rows, wanted, sizes):
    rows = unit_rows(rows + np.eye(5, 8, dtype=np.float32) * 3)  # clearly different from each other
    weights = np.array([*sizes[:wanted], *[-max(sizes[:wanted])] * (5 - wanted)])
    vector = portions(rows, weights) @ rows
    assert (rows[wanted:] @ vector <= 1e-4 * np.abs(weights).sum()).all()
    np.testing.assert_allclose(portions(rows, 3 * weights), 3 * portions(rows, weights), rtol=1e-4, atol=1e-5)


def test_the_order_of_unwanted_parts_does_not_matter():
    rows = unit([3, 4, 1], [1, 0.5, 0], [0.5, 1, 0])
    weights, order = np.array([1.0, -1.0, -0.5]), [0, 2, 1]
    np.testing.assert_allclose(portions(rows[order], weights[order]), portions(rows, weights)[order], atol=1e-5)
