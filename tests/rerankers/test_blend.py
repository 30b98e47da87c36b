"""How two stages become one order."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mmsearch.rerankers.blend import blended, order, standardised
from mmsearch.search.calibrate import margins
from mmsearch.search.compose import _LEAST
from mmsearch.search.rerank_order import LEAST

scores = st.lists(st.floats(0, 1, width=32), min_size=1, max_size=30).map(
    lambda values: np.array(sorted(values, reverse=True), dtype=np.float32)
)
raw = st.floats(-100, 100, width=32)
weights = st.floats(0, 10)


def evidence(values):
    return margins(values, LEAST)


def drawn(data, first, values=raw):
    return np.array(data.draw(st.lists(values, min_size=len(first), max_size=len(first))), dtype=np.float32)


@given(scores)
def test_evidence_rises_with_the_score(first):
    found = evidence(first)
    assert np.isfinite(found).all()
    assert (np.diff(found) <= 0).all()


def test_evidence_is_what_calibration_began_with():
    """0.5 stands for nothing, 0.9 for 4/3, and what lies between is linear in the cosine."""
    known = np.linspace(-3, 3, 13)
    calibrated = np.float32(0.5 + 0.5 * known / np.hypot(1, known))
    assert evidence(calibrated) == pytest.approx(known, abs=1e-4)
    assert evidence(np.float32([0.5, 0.9])) == pytest.approx([0, 4 / 3], abs=1e-5)
    assert evidence(calibrated) == pytest.approx(margins(calibrated, _LEAST), abs=1e-4)  # what `fuse` adds up too


@given(scores, weights, raw)
def test_a_second_stage_with_nothing_to_say_changes_nothing(first, weight, value):
    unchanged = list(range(len(first)))
    assert order(evidence(first), np.full(len(first), value, dtype=np.float32), weight).tolist() == unchanged
    assert order(evidence(first), np.full(len(first), np.nan, dtype=np.float32), weight).tolist() == unchanged


@given(st.data(), scores)
def test_with_no_weight_the_first_stage_decides(data, first):
    assert order(evidence(first), drawn(data, first), 0.0).tolist() == list(range(len(first)))


@given(st.data(), scores, weights)
def test_the_order_is_a_permutation_by_the_sum(data, first, weight):
    second = drawn(data, first, raw | st.just(float("nan")))
    found = order(evidence(first), second, weight)
    assert sorted(found.tolist()) == list(range(len(first)))
    assert (np.diff(blended(evidence(first), second, weight)[found]) <= 0).all()


@given(st.data(), scores, weights, st.floats(0.5, 8), raw)
def test_scale_and_origin_of_the_second_stage_do_not_matter(data, first, weight, factor, shift):
    second = drawn(data, first, st.integers(-50, 50).map(float))
    moved = (second.astype(np.float64) * factor + shift).astype(np.float32)
    assert blended(evidence(first), moved, weight) == pytest.approx(blended(evidence(first), second, weight), abs=1e-2)


@given(st.data(), scores)
def test_a_large_weight_lets_the_second_stage_decide(data, first):
    second = drawn(data, first, st.integers(-50, 50).map(float))
    assume(len(set(second.tolist())) == len(second))
    assert order(evidence(first), second, 1e6).tolist() == np.argsort(-second).tolist()


def test_one_that_is_not_judged_counts_as_an_average_one():
    first = evidence(np.float32([0.6, 0.6, 0.6]))
    assert order(first, np.float32([-1, np.nan, 1]), 1.0).tolist() == [2, 1, 0]
    assert blended(first, np.float32([-1, np.nan, 1]), 0.5).tolist() == pytest.approx([-0.5, 0, 0.5])


def test_one_that_is_not_judged_does_not_pass_others_because_of_an_outlier():
    """The mean is that of the usual ones: 500 among them must not put them all below what was not judged."""
    second = np.float32([0.1, 0, 0.05, -0.05, 0.02, np.nan, np.nan, 500])
    assert order(evidence(np.full(8, 0.6, dtype=np.float32)), second, 1.0).tolist() == [7, 0, 5, 6, 2, 4, 1, 3]
    z = standardised(second[np.isfinite(second)])
    assert z[:5].mean() == pytest.approx(-0.396, abs=0.01)  # 500 is drawn in to 0.257, so the mean is 0.063
    assert z[-1] > 1000


def test_standardised():
    assert standardised(np.float32([1, 2, 3])) == pytest.approx([-(1.5**0.5), 0, 1.5**0.5])
    assert standardised(np.float32([7, 7])).tolist() == [0, 0]
    assert standardised(np.empty(0, np.float32)).tolist() == []


def test_one_near_certain_hit_does_not_silence_the_first_stage_about_the_others():
    others = np.linspace(0.7, 0.2, 99, dtype=np.float32)
    spreads = []
    for best in (0.75, 0.97, 0.9999):
        found = standardised(evidence(np.concatenate([[np.float32(best)], others])))
        spreads.append(found[1:].std())
    assert min(spreads) > 0.9 * max(spreads)
