"""Fitting the sound head, on made-up features whose captions they decide."""

from types import SimpleNamespace

import numpy as np
import pytest

from mmsearch.normalise import unit_rows
from tools.train_builtin import audio
from tools.train_builtin.hearing import fit, recordings
from tools.train_builtin.hearing.examples import Examples
from tools.train_builtin.hearing.measure import corrected, scores
from tools.train_builtin.synth.clips import Clip

SUBJECTS = 12


def examples(each=12, seed=0, source="scratch"):
    """Sounds of a few subjects: the base says nothing, the features tell the subject."""
    random = np.random.default_rng(seed)
    subject = np.repeat(np.arange(SUBJECTS), each)
    features, targets = np.random.default_rng(99).standard_normal((2, SUBJECTS, 1024))
    return Examples(
        source=np.full(len(subject), source),
        group=np.array([f"{name} {number % 3}" for number, name in enumerate(subject)]),
        label=subject.astype(str),
        base=unit_rows(random.standard_normal((len(subject), 384)).astype(np.float32)),
        pooled=(features[subject] + 0.3 * random.standard_normal((len(subject), 1024))).astype(np.float32),
        targets=unit_rows(targets[subject, :384].astype(np.float32)),
    )


@pytest.fixture(scope="module")
def fitted():
    return fit.fit_head(examples(), seed=0)


def test_the_head_finds_what_the_base_does_not(fitted):
    new = examples(seed=1)
    before, after = scores(new.base, new), scores(corrected(new, fitted.head), new)
    assert before["top-1"] < 30
    assert after["top-1"] > 90
    assert after["mAP"] > 90
    assert fitted.strength in fit.STRENGTHS


def test_the_mean_of_recordings_is_taken_off(fitted):
    known = examples()
    vectors = fitted.head.correct(known.base, fitted.head.features(known.pooled))
    assert np.abs(np.average(vectors, axis=0, weights=fit.weights(known))).max() < 1e-3


def test_procedural_sounds_count_less_and_large_groups_do_too():
    some = audio.joined([examples(each=3), examples(each=12, source="procedural")])
    weight = fit.weights(some)
    assert weight.mean() == pytest.approx(1)
    assert weight[0] / weight[-1] == pytest.approx(1 / 0.15)
    uneven = examples(each=4).of(np.arange(SUBJECTS * 4) % 4 != 1)
    weight = fit.weights(uneven)
    sizes = {group: (uneven.group == group).sum() for group in uneven.group}
    for group, size in sizes.items():
        assert weight[uneven.group == group][0] / weight.max() == pytest.approx(size**-0.5 * min(sizes.values()) ** 0.5)


def test_no_group_is_on_both_sides_of_a_fold():
    groups = examples().group
    masks = list(fit.folds(groups, seed=0))
    assert np.sum(masks, axis=0).tolist() == [1] * len(groups)
    for held in masks:
        assert not set(groups[held]) & set(groups[~held])


def test_mean_average_precision_by_hand():
    vectors = unit_rows(np.array([[1, 0], [0.9, 0.1], [0, 1], [0.5, 0.5]], np.float32))
    targets = np.array([[1, 0], [0, 1], [0, 1], [1, 0]], np.float32)
    # "a" ranks rows 0, 1, 3, 2 (1/1 and 2/3), "b" ranks 2, 3, 1, 0 (1/1 and 2/3).
    assert fit.mean_average_precision(vectors, np.array(list("abba")), targets) == pytest.approx(5 / 6)


def test_each_sound_is_heard_twice_the_same_way_every_time():
    clips = [Clip(np.sin(np.arange(16_000) / 9).astype(np.float32), ("a tone",), "x", "x")] * 2
    first, second = list(audio.twice(clips, 1)), list(audio.twice(clips, 1))
    assert len(first) == 4
    assert first[0] is clips[0]
    assert not np.array_equal(first[1].wave, first[3].wave)
    assert all(np.array_equal(one.wave, other.wave) for one, other in zip(first, second, strict=True))


def test_copies_of_a_recording_are_used_once(monkeypatch, tmp_path):
    from mmsearch.testing.sounds import tone, write_sound

    sounds = {
        name: write_sound(tmp_path / f"{name}.wav", tone(0.5, pitch)).read_bytes()
        for name, pitch in (("a", 300), ("b", 500))
    }
    rows = [recordings.Row(name, (f"tone {name}",), "CC0", "me") for name in ("a", "copy", "b")]
    monkeypatch.setattr(recordings, "read_packages", lambda: {"p": SimpleNamespace(name="p", file="p.deb")})
    monkeypatch.setattr(recordings, "fetch", lambda *_: None)
    monkeypatch.setattr(recordings, "read_rows", lambda _: rows)
    members = [("a", sounds["a"]), ("copy", sounds["a"]), ("b", sounds["b"])]
    monkeypatch.setattr(recordings, "read_members", lambda *_: iter(members))
    clips = list(recordings.recorded(tmp_path))
    assert [(clip.captions, clip.group) for clip in clips] == [(("tone a",), "p: tone a"), (("tone b",), "p: tone b")]
    assert all(len(clip.wave) == 8_000 for clip in clips)
