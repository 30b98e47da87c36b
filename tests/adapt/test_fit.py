import json
from dataclasses import replace

import numpy as np
import pytest

from mmsearch.adapt.examples import Examples, Rows
from mmsearch.adapt.fit import fit
from mmsearch.adapt.folds import folds
from mmsearch.adapt.head import Head
from mmsearch.adapt.metrics import judge
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


def test_searches_are_judged_among_known_and_other_files_too():
    """Without a head, it does not matter which files are held out: all are searched among."""
    world = World(12)
    examples, others = world.examples(60), world.rows(40)[0]
    among_all = judge(examples, examples.rows.followed_by(others)).mean(axis=0)
    assert list(fit("image", examples, others).report.before.values()) == pytest.approx(among_all.tolist())


def test_of_equally_good_strengths_the_greatest_is_taken():
    files = World(2).rows(20)[0]
    same = replace(files, features=np.ones_like(files.features))
    captions = World(2).random.standard_normal((20, DIM))
    assert fit("image", Examples.make(same, [[str(n)] for n in range(20)], captions), NO_OTHERS).report.strength == 1000


@pytest.mark.parametrize("labels", [1, 4])
def test_too_few_labels(labels):
    with pytest.raises(UsageError, match=f"by labels needs at least 5 that several files share; there are {labels}"):
        fit("image", noise(seed=0, files=40, labels=labels), NO_OTHERS)


def noise(seed, files, labels):
    """Files whose labels have nothing to do with them."""
    world = World(seed, related=0.0)
    label = world.random.permutation(files) % labels
    texts = world.random.standard_normal((labels, DIM))
    return Examples.make(world.rows(files)[0], [[f"label {n}"] for n in label], texts[label])


@pytest.mark.slow
@pytest.mark.parametrize("labels", [5, 10, 25])
def test_noise_passes_for_help_rarely(labels):
    """One in 40 is what the interval promises, and few searches keep only roughly."""
    helped = [fit("audio", noise(seed, files=100, labels=labels), NO_OTHERS).report.helps for seed in range(100)]
    assert sum(helped) <= 10


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
