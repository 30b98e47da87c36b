import numpy as np
import pytest

from mmsearch.adapt import metrics
from mmsearch.adapt.compare import Trial, compare
from mmsearch.adapt.examples import Examples, Rows
from mmsearch.adapt.metrics import judge


def plane(degrees):
    angles = np.radians(np.asarray(degrees, float))
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def rows(degrees, item=None):
    item = np.arange(len(degrees)) if item is None else np.asarray(item)
    return Rows(plane(degrees), np.ones((len(degrees), 1), np.float16), item)


def test_one_right_file_a_text_gives_its_reciprocal_rank():
    asked = Examples.make(rows([10, 40, 50]), [["east"], ["west"], ["north"]], plane([0, 180, 90]))
    assert judge(asked, asked.rows) == pytest.approx(np.array([[1, 1, 1, 1], [0, 1, 1, 1 / 2], [1, 1, 1, 1]]))


def test_other_files_in_the_gallery_come_between():
    asked = Examples.make(rows([10]), [["east"]], plane([0]))
    others = rows([1, 2, 3, 4, 5])
    assert judge(asked, asked.rows.followed_by(others)) == pytest.approx(np.array([[0, 0, 1, 1 / 6]]))


def test_known_files_are_in_the_way_of_new_texts_only():
    files = Examples.make(rows([10, 1, 2, 3]), [["a", "new"], ["a"], ["b"], ["b"]], plane([0] * 5))
    first_alone = np.array([True, False, False, False])
    assert judge(files, files.rows, first_alone)[:, -1] == pytest.approx([1, 1 / 4])
    others = files.rows.followed_by(rows([5]))
    assert judge(files, others, first_alone)[:, -1] == pytest.approx([1 / 2, 1 / 5])


def test_copies_of_a_file_that_has_the_text_count_neither_way():
    vectors, captions = rows([10, 1, 2]), [["a"], ["b"], ["b", "c"]]
    for group, rank in (([0, 1, 2], 3), ([0, 0, 1], 2), ([0, 0, 0], 1)):
        files = Examples.make(vectors, captions, plane([0, 0, 0, 0]), group)
        assert judge(files, files.rows)[0, -1] == pytest.approx(1 / rank)


def test_a_label_of_several_files_gives_average_precision():
    asked = Examples.make(rows([1, 2, 3, 4]), [["a"], ["b"], ["a"], ["a"]], plane([0, 0, 0, 0]))
    found = judge(asked, asked.rows)
    assert found[0] == pytest.approx([1, 1, 1, (1 + 2 / 3 + 3 / 4) / 3])
    assert found[1] == pytest.approx([0, 1, 1, 1 / 2])


def test_the_best_window_counts():
    asked = Examples.make(rows([80, 1, 50, 60, 90], item=[0, 0, 1, 1, 1]), [["a"], ["b"]], plane([0, 89]))
    assert judge(asked, asked.rows)[:, 0] == pytest.approx([1, 1])
    first_only = Examples.make(rows([80, 50]), [["a"], ["b"]], plane([0, 89]))
    assert judge(first_only, first_only.rows)[:, 0] == pytest.approx([0, 0])


def test_equal_scores_count_against():
    asked = Examples.make(rows([10, 10, 10]), [["a"], ["a"], ["b"]], plane([0, 0, 0]))
    assert judge(asked, asked.rows)[:, -1] == pytest.approx([(1 / 2 + 2 / 3) / 2, 1 / 3])


def test_pieces_give_what_the_whole_gives(monkeypatch):
    random = np.random.default_rng(0)
    captions = [[f"own {n}", f"shared {n % 4}"] for n in range(20)]
    asked = Examples.make(rows(random.uniform(0, 360, 20)), captions, plane(random.uniform(0, 360, 40)))
    whole = judge(asked, asked.rows)
    assert len(whole) == 24
    monkeypatch.setattr(metrics, "_SCORES_AT_ONCE", 50)
    assert (judge(asked, asked.rows) == whole).all()
    even = np.arange(20) % 2 == 0
    pieces = judge(asked, asked.rows, even)
    monkeypatch.undo()
    assert (judge(asked, asked.rows, even) == pieces).all()


def test_captions_that_differ_by_case_and_space_are_one():
    asked = Examples.make(rows([1, 2, 3]), [["A  dog"], ["a dog ", "a dog"], ["cat"]], plane([0, 5, 5, 90]))
    assert (asked.text.tolist(), asked.item.tolist()) == ([0, 0, 1], [0, 1, 2])
    assert asked.targets == pytest.approx(plane([0, 0, 90]), abs=1e-6)


def test_parts_of_examples_are_numbered_anew():
    examples = Examples.make(
        rows([0, 1, 2, 3, 4], item=[0, 0, 1, 2, 2]), [["a"], ["b"], ["a", "c"]], plane([0, 30, 0, 90]), group=[7, 8, 7]
    )
    part = examples.of(np.array([0, 2]))
    assert part.rows.item.tolist() == [0, 0, 1, 1]
    assert part.rows.vectors == pytest.approx(plane([0, 1, 3, 4]))
    assert (part.text.tolist(), part.item.tolist(), part.group.tolist()) == ([0, 0, 2], [0, 1, 1], [7, 7])
    assert part.targets == pytest.approx(plane([0, 45]), abs=1e-6)


@pytest.mark.parametrize("captions", [[["a"]], [["a"], []], [["a"], ["b", "c"]]])
def test_examples_that_do_not_fit_together(captions):
    with pytest.raises(ValueError, match="every file needs a caption"):
        Examples.make(rows([0, 1]), captions, plane([0, 1]))


@pytest.mark.parametrize("item", [[1, 1], [0, 2], [1, 0]])
def test_rows_must_count_their_files(item):
    with pytest.raises(ValueError, match="count up from 0"):
        rows([0, 1], item=item)


def trial(asked, before, after):
    """Give each search the same value in every metric."""
    return Trial(asked, *(np.repeat(np.array(each, float)[:, None], 4, axis=1) for each in (before, after)))


def saying(captions):
    return Examples.make(rows(range(len(captions))), captions, plane(range(sum(map(len, captions)))))


def test_each_different_text_counts_alike():
    files = saying([["a"], ["b"], ["a"]])
    first, second = files.of(np.array([0, 1])), files.of(np.array([2]))
    found = compare([trial(first, [0.2, 0.9], [0.3, 1.0]), trial(second, [0.4], [0.6])], seed=0)
    assert found.before["mAP"] == pytest.approx(((0.2 + 0.4) / 2 + 0.9) / 2)
    assert found.after["R@5"] == pytest.approx(((0.3 + 0.6) / 2 + 1.0) / 2)
    assert found.difference["mAP"].value == pytest.approx(((0.1 + 0.2) / 2 + 0.1) / 2)


def test_the_interval_is_that_of_the_mean_over_files():
    gains = np.random.default_rng(3).normal(0.1, 0.2, 400)
    captions = [[f"{n} one", f"{n} two"] for n in range(400)]
    pairs = np.repeat(gains, 2)  # both captions of a file stand or fall together
    found = compare([trial(saying(captions), np.zeros(800), pairs)], seed=0).difference["R@1"]
    half = 1.96 * gains.std() / np.sqrt(400)
    assert found.value == pytest.approx(gains.mean())
    assert (found.low, found.high) == pytest.approx((gains.mean() - half, gains.mean() + half), abs=0.1 * half)


def test_files_that_share_labels_are_not_taken_for_independent():
    labels = trial(saying([[f"label {n % 4}"] for n in range(400)]), np.zeros(4), [0.4, 0.4, -0.2, 0.2])
    found = compare([labels], seed=0).difference["mAP"]
    assert found.value == pytest.approx(0.2)
    assert found.low < 0  # four searches prove nothing, however many files they find
    assert compare([labels], seed=0).difference["mAP"] == found
