"""What a cosine is worth: per pair of modalities where it was measured, against the collection elsewhere."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.encoders.builtin.encoder import LEVELS
from mmsearch.search.background import Background
from mmsearch.search.calibrate import GOOD, calibrated
from mmsearch.types import EmbeddingSpace, EncoderSpec, Levels

PAIRS = {("text", "image"): Levels(0.2, 0.4), ("text", "audio"): Levels(0.3, 0.6)}


def spec_of(dim=400, levels=PAIRS):
    return EncoderSpec(EmbeddingSpace("m", "1", "p", dim), frozenset({"text", "image", "audio"}), levels=levels)


def score(cosine, asked="text", target="image", background=None, spec=None):
    return float(calibrated(np.float32([cosine]), asked, target, spec or spec_of(), background)[0])


backgrounds = st.none() | st.builds(
    Background, mean=st.floats(-1, 1), sd=st.floats(0, 1), size=st.integers(min_value=1, max_value=512)
)
kinds = st.sampled_from(["text", "image", "audio"])
cosines = st.lists(st.floats(-1, 1, width=32), max_size=50)


def test_the_levels_that_were_measured_score_one_half_and_nine_tenths():
    assert score(0.2) == pytest.approx(GOOD)
    assert score(0.4) == pytest.approx(0.9)
    assert score(0.3, target="audio") == pytest.approx(GOOD)
    assert score(0.6, target="audio") == pytest.approx(0.9)


def test_below_one_half_scores_mirror_those_above():
    assert score(0.0) == pytest.approx(0.1)
    assert score(0.1) + score(0.3) == pytest.approx(1)


def test_what_was_measured_does_not_depend_on_the_collection():
    assert score(0.33, background=Background(0.3, 0.01, 512)) == score(0.33)


def test_elsewhere_a_hit_scores_by_how_far_it_stands_out():
    """Deviations between 0.05 and 0.1 count as they are at d = 400: 3 of them score 0.5, and 5 score 0.9."""
    background = Background(0.2, 0.06, 512)
    for asked in (None, "image"):
        assert score(0.2 + 3 * 0.06, asked, background=background) == pytest.approx(GOOD)
        assert score(0.2 + 5 * 0.06, asked, background=background) == pytest.approx(0.9)


@pytest.mark.parametrize(("sd", "counted"), [(0.0, 0.05), (0.01, 0.05), (0.07, 0.07), (0.1, 0.1), (0.4, 0.1)])
def test_deviations_are_held_within_bounds(sd, counted):
    assert score(0.1 + 5 * counted, None, background=Background(0.1, sd, 64)) == pytest.approx(0.9)


def test_without_a_background_unrelated_vectors_are_at_right_angles():
    assert score(0.3, None) == pytest.approx(GOOD)  # 3 times 2 / sqrt(400)
    assert score(0.5, None) == pytest.approx(0.9)
    assert score(0.0, None) < 0.06


@settings(derandomize=True, deadline=None)
@given(cosines, st.none() | kinds, kinds, backgrounds, st.sampled_from([8, 64, 384, 4096]))
def test_scores_are_in_range_and_rise_with_the_cosine(values, asked, target, background, dim):
    given_ = np.float32(values)
    scores = calibrated(given_, asked, target, spec_of(dim), background)
    assert scores.dtype == np.float32
    assert scores.shape == given_.shape
    assert ((scores >= 0) & (scores <= 1)).all()  # and so not NaN
    order = np.argsort(given_, kind="stable")
    rises, steps = np.diff(given_[order]), np.diff(scores[order])
    assert (steps >= 0).all()
    assert (steps[rises >= 1e-3] > 0).all()
    assert (steps[rises == 0] == 0).all()


@pytest.mark.parametrize("pair", LEVELS, ids=" to ".join)
def test_good_hits_of_the_builtin_model_stay_apart(pair):
    near = np.linspace(0.5, 1, 5001, dtype=np.float32)  # steps of 0.0001
    scores = calibrated(near, *pair, spec_of(384, LEVELS), None)
    assert (np.diff(scores) > 0).all()
    assert scores[-1] < 1


def test_the_same_again_comes_before_what_is_like_it():
    """Good matches of sounds by sounds are near 1, where the tail of the curve is still far from it."""
    spec = EncoderSpec(EmbeddingSpace("m", "1", "p", 384), frozenset({"audio"}), levels=LEVELS)
    near, same = calibrated(np.float32([0.95, 1.0]), "audio", "audio", spec, None)
    other = calibrated(np.float32([0.9]), "audio", "image", spec, None)[0]
    assert same > 0.999 > near
    assert same > other
