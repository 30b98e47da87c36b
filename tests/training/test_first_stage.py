import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.adapt.examples import Rows
from mmsearch.training import first_stage
from mmsearch.training.first_stage import best_files, best_rows, nearest_texts


@st.composite
def galleries(draw):
    """Texts, and files of one row or more. Small whole numbers, so that scores are exact and often equal."""
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=8))
    number = st.integers(-2, 2)
    vectors = draw(st.lists(st.lists(number, min_size=2, max_size=2), min_size=sum(sizes), max_size=sum(sizes)))
    texts = draw(st.lists(st.lists(number, min_size=2, max_size=2), min_size=1, max_size=5))
    rows = np.array(vectors, dtype=np.float32)
    item = np.repeat(np.arange(len(sizes)), sizes)
    return np.array(texts, np.float32), Rows(rows, np.zeros((len(rows), 0), np.float16), item)


def by_hand(text, gallery, depth):
    """(file, row, score), best first: brute force in plain Python."""
    best = {}
    for row, (vector, item) in enumerate(zip(gallery.vectors.tolist(), gallery.item.tolist(), strict=True)):
        score = sum(a * b for a, b in zip(text.tolist(), vector, strict=True))
        if item not in best or score > best[item][1]:
            best[item] = (row, score)
    ranked = sorted(best.items(), key=lambda each: (-each[1][1], each[0]))[:depth]
    return [(item, row, score) for item, (row, score) in ranked]


@given(galleries(), st.integers(1, 10), st.sampled_from([1, 1 << 23]))
def test_lists_are_those_of_brute_force(made, depth, at_once):
    texts, gallery = made
    before, first_stage._SCORES_AT_ONCE = first_stage._SCORES_AT_ONCE, at_once
    try:
        lists = best_files(texts, gallery, depth)
    finally:
        first_stage._SCORES_AT_ONCE = before
    assert lists.files.shape == (len(texts), min(depth, gallery.items))
    for number, text in enumerate(texts):
        found = zip(
            lists.files[number].tolist(), lists.rows[number].tolist(), lists.scores[number].tolist(), strict=True
        )
        expected = by_hand(text, gallery, depth)
        scores = [score for *_, score in expected]
        assert lists.scores[number].tolist() == scores
        for file, row, score in found:  # at the end of a list, equal ones may be others than by hand
            assert (row, score) == next((r, s) for f, r, s in by_hand(text, gallery, 100) if f == file)
        whole = [each for each in expected if scores.count(each[2]) and each[2] > scores[-1]]
        assert lists.files[number].tolist()[: len(whole)] == [file for file, *_ in whole]


@given(galleries())
def test_the_best_row_of_a_pair(made):
    texts, gallery = made
    text, item = (each.ravel() for each in np.meshgrid(np.arange(len(texts)), np.arange(gallery.items)))
    rows = best_rows(texts, gallery, text, item)
    for number, file, row in zip(text.tolist(), item.tolist(), rows.tolist(), strict=True):
        assert (file, row) in [(f, r) for f, r, _ in by_hand(texts[number], gallery, 100)]


def test_nearest_texts():
    texts = np.array([[1, 0], [0, 1], [0.6, 0.8], [-1, 0]], dtype=np.float32)
    assert nearest_texts(np.array([[1, 0], [0, 1]], np.float32), texts, 3).tolist() == [[0, 2, 1], [1, 2, 0]]
    assert nearest_texts(texts[:1], texts, 99).tolist() == [[0, 2, 1, 3]]
