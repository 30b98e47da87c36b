import json
from dataclasses import replace

import numpy as np
import pytest

from mmsearch.adapt import fit as fit_module
from mmsearch.adapt.examples import Examples, Rows
from mmsearch.adapt.fit import fit
from mmsearch.adapt.folds import folds
from mmsearch.adapt.head import Head
from mmsearch.errors import UsageError
from mmsearch.normalise import unit_rows

DIM, FEATURES = 24, 12
NO_OTHERS = Rows(np.empty((0, DIM), np.float32), np.empty((0, FEATURES), np.float16), np.empty(0, np.int64))


class World:
    """Files whose features tell linearly what is said of them, while their vectors tell little."""

    def __init__(self, seed, related=1.0):
        self.random = np.random.default_rng(seed)
        self.meaning = self.random.standard_normal((FEATURES, DIM)) / np.sqrt(FEATURES)
        self.related = related

    def rows(self, items, windows=1):
        features = self.random.standard_normal((items, FEATURES)).astype(np.float16)
        told = self.related * features @ self.meaning
        vectors = 0.3 * told + self.random.standard_normal((items, DIM))
        item = np.repeat(np.arange(items), windows)
        return Rows(unit_rows(vectors)[item], features[item], item), told

    def examples(self, items, windows=1, captions=2):
        rows, told = self.rows(items, windows)
        said = np.repeat(told, captions, axis=0) + 0.5 * self.random.standard_normal((items * captions, DIM))
        return Examples.make(rows, [[f"{n}/{c}" for c in range(captions)] for n in range(items)], said)


def test_a_linear_relation_is_found_and_helps():
    world = World(0)
    fitted = fit("image", world.examples(80), world.rows(40)[0])
    report = fitted.report
    assert (report.modality, report.items, report.queries, report.others, report.folds) == ("image", 80, 160, 40, 5)
    assert report.helps
    assert report.difference["mAP"].low > 0.1
    assert report.after["mAP"] > 2 * report.before["mAP"]
    for metric, gain in report.difference.items():
        assert gain.value == pytest.approx(report.after[metric] - report.before[metric])
        assert gain.low <= gain.value <= gain.high
    # The head serves files that came later: their vectors move towards what is said of them.
    later, told = world.rows(200)
    adapted = fitted.head.apply(later.vectors, later.features)
    assert (adapted * unit_rows(told)).sum(axis=1).mean() > 0.6 > (later.vectors * unit_rows(told)).sum(axis=1).mean()


def test_the_head_is_as_it_will_be_stored():
    head = fit("audio", World(1).examples(30), NO_OTHERS).head
    back = Head.from_bytes(head.to_bytes(), dim=DIM, feature_dim=FEATURES)
    assert (back.modality, back.weight.tolist(), back.offset.tolist()) == (
        "audio",
        head.weight.tolist(),
        head.offset.tolist(),
    )


def test_the_report_is_json():
    report = fit("image", World(1).examples(30), NO_OTHERS).report.to_dict()
    assert json.loads(json.dumps(report)) == report
    assert set(report["difference"]["mAP"]) == {"value", "low", "high"}
    assert list(report["before"]) == list(report["after"]) == ["R@1", "R@5", "R@10", "mAP"]


def test_noise_is_refused():
    helped = [fit("image", World(seed, related=0.0).examples(30), NO_OTHERS).report.helps for seed in range(20)]
    assert sum(helped) <= 2


def test_equal_labels_teach_nothing_and_change_nothing():
    rows, _ = World(2).rows(20)
    examples = Examples.make(rows, [["dog"]] * 20, np.ones((20, DIM), np.float32))
    fitted = fit("image", examples, NO_OTHERS)
    assert not fitted.report.helps
    assert fitted.head.apply(rows.vectors, rows.features) == pytest.approx(rows.vectors, abs=1e-5)


def test_labels_shared_by_several_files():
    world = World(3)
    centres, label = world.random.standard_normal((6, FEATURES)), np.arange(60) % 6
    features = (centres[label] + 0.3 * world.random.standard_normal((60, FEATURES))).astype(np.float16)
    rows = Rows(unit_rows(world.random.standard_normal((60, DIM))), features, np.arange(60))
    texts = world.random.standard_normal((6, DIM))
    report = fit("audio", Examples.make(rows, [[f"label {n}"] for n in label], texts[label]), NO_OTHERS).report
    assert (report.items, report.queries) == (60, 6)
    assert report.helps
    assert report.after["mAP"] > 0.9


def test_windows_of_a_sound_count_as_one_file():
    once = fit("audio", World(4).examples(40), NO_OTHERS)
    often = fit("audio", World(4).examples(40, windows=3), NO_OTHERS)
    assert often.head.weight == pytest.approx(once.head.weight, abs=1e-2)
    assert often.report.after == pytest.approx(once.report.after, abs=0.02)
    assert often.report.items == 40


def test_one_long_sound_does_not_outweigh_the_others():
    examples = World(4).examples(40)
    copies = np.concatenate([np.zeros(500, np.int64), np.arange(40)])
    rows = Rows(examples.rows.vectors[copies], examples.rows.features[copies], copies)
    head, expected = (fit("audio", each, NO_OTHERS).head for each in (replace(examples, rows=rows), examples))
    assert head.weight == pytest.approx(expected.weight, abs=1e-2)


def test_the_same_input_gives_the_same_result():
    first, second = (fit("image", World(5).examples(30), World(6).rows(10)[0]) for _ in range(2))
    assert (first.head.weight == second.head.weight).all()
    assert replace(first.report, seconds=0) == replace(second.report, seconds=0)


def test_files_of_equal_content_are_never_parted():
    examples = replace(World(7).examples(40), group=np.arange(40) // 2)
    for known, held in folds(examples, labelled=False):
        assert sorted([*known, *held]) == list(range(40))
        assert not set(known // 2) & set(held // 2)
        assert len(held) == 8


def test_copies_of_a_file_tell_nothing_about_new_ones():
    # Each file is there twice. Parted by a fold, noise would be learnt by heart and found again.
    noise = World(8, related=0.0).examples(40, captions=1)
    twice = np.repeat(np.arange(40), 2)
    rows = Rows(noise.rows.vectors[twice], noise.rows.features[twice], np.arange(80))
    captions, vectors = [[str(n)] for n in twice], noise.texts[twice]
    assert not fit("image", Examples.make(rows, captions, vectors, group=twice), NO_OTHERS).report.helps
    assert fit("image", Examples.make(rows, captions, vectors), NO_OTHERS).report.helps


@pytest.mark.parametrize("kept", [9, 0])
def test_too_few_files_with_features(kept):
    examples = World(9).examples(30)
    examples.rows.features[kept:] = 0
    with pytest.raises(UsageError, match=f"at least 10 different files with captions; there are {kept}"):
        fit("image", examples, NO_OTHERS)


def test_copies_do_not_make_up_for_too_few_files():
    with pytest.raises(UsageError, match="there are 9"):
        fit("image", replace(World(9).examples(18), group=np.arange(18) // 2), NO_OTHERS)


def test_ten_files_are_enough():
    assert fit("image", World(10).examples(10), NO_OTHERS).report.items == 10


def test_large_collections_are_sampled_in_whole_files():
    rows, _ = World(11).rows(100, windows=3)
    some = fit_module._some(rows, 60)
    assert some.items == 20
    assert (np.bincount(some.item) == 3).all()
    assert fit_module._some(rows, 1_000).items == 100
    assert fit_module._some(NO_OTHERS, 10).items == 0
