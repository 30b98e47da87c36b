"""What is held out together: captions at random, labels so that each is known when it is asked for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.adapt.examples import Examples, Rows, draw
from mmsearch.adapt.folds import FOLDS, are_labelled, folds, shared_labels


def examples(captions, group=None):
    """Files with these captions; their vectors do not matter here."""
    count = len(captions)
    flat = [caption for each in captions for caption in each]
    rows = Rows(np.eye(count, 8, dtype=np.float32), np.ones((count, 2), np.float16), np.arange(count))
    return Examples.make(rows, captions, np.random.default_rng(0).standard_normal((len(flat), 8)), group)


def labelled(*labels):
    return examples([[label] for label in labels])


def test_captions_are_told_from_labels():
    assert not are_labelled(examples([[f"caption {n}", f"another {n}"] for n in range(20)]))
    assert are_labelled(labelled(*"aabbccdde"))
    assert not are_labelled(labelled(*"aabcdefgh"))


def test_two_files_of_one_content_are_no_shared_label():
    assert not are_labelled(examples([["a"], ["a"], ["b"], ["b"]], group=[0, 0, 1, 1]))


def test_each_label_is_known_when_it_is_asked_for_and_single_ones_are_never_held():
    some = labelled(*"aabbccddeef")
    parts = list(folds(some, labelled=True))
    assert len(parts) == 2
    labels = np.array(list("aabbccddeef"))
    for known, held in parts:
        assert sorted([*known, *held]) == list(range(11))
        assert set(labels[held]) <= set(labels[known])
        assert "f" in labels[known]
    assert sorted(np.concatenate([held for _, held in parts])) == list(range(10))


def test_there_are_as_many_parts_as_a_label_has_files_but_five_at_most():
    assert len(list(folds(labelled(*"aaabbb"), labelled=True))) == 3
    assert len(list(folds(labelled(*"aaaaaaaabbbbbbbb"), labelled=True))) == FOLDS


def test_without_a_shared_label_nothing_is_held_out():
    assert list(folds(labelled(*"abcdef"), labelled=True)) == []


def test_labels_count_once_two_contents_share_them():
    assert shared_labels(labelled(*"aaabbcd")) == 2
    assert shared_labels(examples([["a"], ["a"], ["b"], ["b"], ["b"]], group=[0, 0, 1, 1, 2])) == 1
    assert shared_labels(labelled(*"abc")) == 0


def test_files_are_drawn_up_to_a_limit_of_rows():
    assert draw(np.full(100, 3), 1_000).tolist() == list(range(100))
    some = draw(np.full(100, 3), 60)
    assert len(some) == 20
    assert (np.diff(some) > 0).all()
    assert (draw(np.full(100, 3), 60) == some).all()
    assert draw(np.empty(0, np.int64), 10).tolist() == []


@pytest.mark.parametrize("place", range(0, 50, 7))
def test_a_long_recording_cuts_off_no_other_file(place):
    sizes = np.ones(50, np.int64)
    sizes[place] = 5_000
    assert draw(sizes, 100).tolist() == [each for each in range(50) if each != place]
    assert len(draw(sizes, 40)) == 40


@pytest.mark.parametrize("with_labels", [True, False])
@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 12)), min_size=5, max_size=40))
def test_equal_content_is_never_parted(with_labels, files):
    some = examples([[label] for label, _ in files], group=[content for _, content in files])
    for known, held in folds(some, labelled=with_labels):
        assert not set(some.group[known]) & set(some.group[held])
        assert len(held) + len(known) == len(files)
