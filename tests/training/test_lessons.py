from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_material import World

from mmsearch.adapt.examples import Examples
from mmsearch.training.lessons import NONE, Course, said_of


def with_captions(material, captions, group=None):
    """Say something else of the files; the vectors of the captions do not matter."""
    random = np.random.default_rng(0)
    flat = random.standard_normal((sum(map(len, captions)), material.gallery.vectors.shape[1]))
    examples = Examples.make(material.examples.rows, captions, flat, group)
    return replace(material, examples=examples, words=material.words[:1] * len(examples.texts))


@pytest.fixture(scope="module")
def captioned():
    return Course.of(World(0).material(files=12, others=8, captions=2), 10)


@pytest.fixture(scope="module")
def labelled():
    """Twelve files of four labels, and eight without any."""
    material = World(0).material(files=12, others=8)
    return Course.of(with_captions(material, [[f"label {file % 4}"] for file in range(12)]), 10)


def everything(course):
    return np.ones(course.material.examples.rows.items, dtype=np.bool_)


def negatives(lessons, text):
    return {row for row in lessons.hard_rows[text].tolist() if row != NONE}


def test_a_caption_is_held_against_all_that_a_search_finds(captioned):
    learnt = np.arange(12) < 6
    lessons = captioned.lessons(learnt)
    assert sorted(np.unique(lessons.item)) == list(range(6))
    for text, item in zip(lessons.text.tolist(), lessons.item.tolist(), strict=True):
        found = captioned.lists.files[text].tolist()
        assert negatives(lessons, text) == set(found) - {item}
    assert any(row >= 12 for text in lessons.text for row in negatives(lessons, text))
    assert any(6 <= row < 12 for text in lessons.text for row in negatives(lessons, text))


def test_a_label_is_held_against_files_of_other_known_labels(labelled):
    learnt = np.arange(12) < 8
    lessons = labelled.lessons(learnt)
    for text in range(4):
        wrong = {row for row in range(12) if row % 4 != text}
        assert negatives(lessons, text) == wrong & set(range(8))


def test_a_label_that_finds_its_own_files_first_has_wrong_ones_too():
    material = World(0).material(files=12, others=8)
    course = Course.of(with_captions(material, [["many" if file < 9 else "few"] for file in range(12)]), 3)
    assert negatives(course.lessons(everything(course)), 0) == {9, 10, 11}


def test_copies_of_what_is_right_are_not_wrong():
    material = World(0).material(files=12, others=0)
    group = [0, 0, *range(1, 11)]
    course = Course.of(with_captions(material, [[f"own {file}"] for file in range(12)], group), 12)
    lessons = course.lessons(everything(course))
    assert negatives(lessons, 0) == negatives(lessons, 1) == set(range(2, 12))
    assert negatives(lessons, 2) == set(range(12)) - {2}
    assert said_of(course.material.examples)[:3, :3].tolist() == [
        [True, True, False],
        [True, True, False],
        [False, False, True],
    ]


def test_hard_texts_are_known_ones_of_other_files(captioned):
    lessons = captioned.lessons(np.arange(12) < 6)
    for pair, item in enumerate(lessons.item.tolist()):
        near = [text for text in lessons.hard_texts[pair].tolist() if text != NONE]
        assert near
        assert all(not captioned.said[text, item] and text in lessons.text for text in near)


@given(st.integers(0, 2**32), st.integers(0, 20), st.integers(0, 5), st.booleans())
def test_what_is_drawn_is_right_first_and_wrong_after(captioned, labelled, seed, hard, easy, is_labelled):
    course = labelled if is_labelled else captioned
    lessons = course.lessons(np.arange(12) < 9)
    random = np.random.default_rng(seed)
    pairs = random.integers(len(lessons), size=5)
    texts, rows, valid = lessons.rows_for(pairs, hard, easy, random)
    assert rows.shape == valid.shape
    assert (rows[:, 0] == lessons.row[pairs]).all()
    assert valid[:, 0].all()
    for text, row, counts in zip(texts[:, 0].tolist(), rows.tolist(), valid.tolist(), strict=True):
        mined = slice(1, len(row) - easy)
        drawn = [each for each, counted in zip(row[mined], counts[mined], strict=True) if counted]
        assert len(set(drawn)) == len(drawn)
        assert len(drawn) == min(hard, len(negatives(lessons, text)))
        wrong = [each for each, counted in zip(row[1:], counts[1:], strict=True) if counted and each < 12]
        assert not any(course.said[text, each] for each in wrong)  # a row a file
    texts, rows, valid = lessons.texts_for(pairs, hard, random)
    assert rows.shape == (5, 1)
    for text, row, counts in zip(texts.tolist(), rows[:, 0].tolist(), valid.tolist(), strict=True):
        assert course.said[text[0], row]
        assert counts[0]
        assert not any(course.said[each, row] for each, counted in zip(text[1:], counts[1:], strict=True) if counted)
