import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mmsearch.attention.explanation import Explanation, Frame, Region, Span, WordPart
from mmsearch.attention.maps import best_spans, in_passage, in_picture, in_sound, parted, regions, whole_map, word_maps

WHOLE = Frame(400, 200, (0, 0, 400, 200))


def boxes(cells, frame=WHOLE):
    return [(each.left, each.top, each.right, each.bottom) for each in regions(np.array(cells, dtype=float), frame)]


def test_strength_is_the_share_of_all_that_was_found_and_the_most_of_each_word_is_1():
    found = np.array([[6.0, 0, 0, 0], [0, 1, 1, 0]])
    first, second = word_maps(("red", "the"), found, in_picture((2, 2), WHOLE))
    assert (first.word, first.strength, first.minor) == ("red", 0.75, False)
    assert (second.word, second.strength, second.minor) == ("the", 0.25, True)
    assert first.cells == ((1, 0), (0, 0))
    assert second.cells == ((0, 1), (1, 0))
    whole = whole_map("red the", found, in_picture((2, 2), WHOLE))
    assert whole.strength == 1
    assert whole.cells[0] == pytest.approx((1, 1 / 6), abs=1e-4)


def test_nothing_found_is_nowhere():
    (word,) = word_maps(("red",), np.zeros((1, 4)), in_picture((2, 2), WHOLE))
    assert (word.strength, word.cells, word.regions) == (0, ((0, 0), (0, 0)), ())
    (word,) = word_maps(("red",), np.zeros((1, 2)), in_sound(np.array([[0.0, 1], [1, 2]])))
    assert (word.strength, word.best) == (0, ())
    assert whole_map("red", np.zeros((1, 4)), in_picture((2, 2), WHOLE)).strength == 0


@given(arrays(float, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.floats(0, 1e6)))
def test_values_and_shares_stay_between_0_and_1(found):
    grid = (1, found.shape[1])
    words = word_maps(["x"] * len(found), found, in_picture(grid, WHOLE))
    assert sum(word.strength for word in words) <= 1.001
    for word in words:
        assert all(0 <= value <= 1 for row in word.cells for value in row)
        assert sum(region.share for region in word.regions) <= 1.001
        assert bool(word.regions) == any(value > 0 for value in word.cells[0]) or word.strength < 1e-3


def test_json_has_only_what_the_kind_of_item_has():
    nothing = whole_map("red", np.zeros((1, 4)), in_picture((2, 2), WHOLE))
    explanation = Explanation("red", "/a.png", 1, "image", "maxsim", 0.5, None, (nothing,), nothing, frame=WHOLE)
    found = json.loads(json.dumps(explanation.to_dict()))
    empty = {"word": "red", "strength": 0, "minor": False, "cells": [[0, 0], [0, 0]], "regions": []}
    assert found["words"] == [empty]
    assert found["together"] == empty
    assert found["score"] is None
    assert not {"start_s", "end_s", "text", "content_hash"} & found.keys()


def test_regions_are_what_touches_by_its_sides_and_the_heaviest_comes_first():
    cells = [[1.0, 0, 0, 0], [0, 0, 0.9, 0.9], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert boxes(cells) == [(200, 50, 400, 100), (0, 0, 100, 50)]
    assert boxes([[1, 0], [0, 1]]) == [(0, 0, 200, 100), (200, 100, 400, 200)]


def test_what_is_the_same_all_over_is_one_region():
    assert regions(np.ones((3, 3)), WHOLE) == [Region(0, 0, 400, 200, 1.0)]


def test_regions_lie_in_the_middle_if_the_model_sees_only_that():
    assert boxes([[1, 0], [0, 0]], Frame(400, 200, (100, 0, 300, 200))) == [(100, 0, 200, 100)]


def test_regions_are_cut_off_at_the_margins_that_a_model_puts_round_a_picture():
    frame = Frame(400, 200, (0, -100, 400, 300))
    cells = np.zeros((4, 4))
    cells[0, 0] = cells[0, 1] = 1  # all in the margin
    cells[1:3, 3] = 0.95
    assert boxes(cells, frame) == [(300, 0, 400, 200)]


def test_best_spans_join_neighbours_and_part_where_time_is_missing():
    times = np.array([[0, 1], [1, 2], [2, 3], [7, 8], [8, 9]], dtype=float)
    assert best_spans(np.array([0, 0.8, 1, 0, 0]), times) == [Span(1, 3, 1.0)]
    assert [(each.start_s, each.end_s) for each in best_spans(np.array([0, 0, 1, 0.9, 1]), times)] == [(7, 9), (2, 3)]


def test_windows_that_overlap_share_their_overlap():
    times = parted([(0, 10), (9, 19)], [10, 10])
    assert times[9].tolist() == [9, 9.5]
    assert times[10].tolist() == [9.5, 10]
    assert (times[1:, 0] >= times[:-1, 1]).all()
    assert parted([(0, 4), (2, 6)], [4, 4])[3:5].tolist() == [[3, 3], [3, 3]]  # behind the middle: no time


def test_windows_apart_stay_apart():
    assert parted([(0, 2), (6, 8)], [1, 2]).tolist() == [[0, 2], [6, 7], [7, 8]]


def test_words_of_a_passage_are_placed_one_after_the_other():
    place = in_passage("a cat, a dog", ("a", "cat", "a", "Dog"))
    assert place(np.array([0, 1, 0, 0.5]))["parts"] == (
        WordPart("a", 0, 0),
        WordPart("cat", 2, 1),
        WordPart("a", 7, 0),
        WordPart("Dog", None, 0.5),  # the model writes it differently
    )
