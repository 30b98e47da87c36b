"""The closed-form fit of the image head, on pictures made of numbers."""

from dataclasses import replace

import numpy as np
import pytest

from mmsearch.normalise import unit_rows
from tools.train_builtin.pictures.examples import Examples
from tools.train_builtin.pictures.fit import choose_strength, fit_head, folds
from tools.train_builtin.pictures.measure import corrected, galleries, held_out, joined, ranks, scores

POOLED, DIM = 300, 384


def planted(random, kind, weight, count, offset):
    """Pictures whose captions lie at a linear function of their features, each with its own subject."""
    pooled = (random.normal(size=(count, POOLED)) + offset).astype(np.float32)
    texts = unit_rows((pooled - offset) @ weight + 0.1 * random.normal(size=(count, DIM)))
    return Examples(
        source=np.full(count, kind),
        subject=np.array([f"{kind} {row}" for row in range(count)]),
        base=unit_rows(random.normal(size=(count, DIM))),
        pooled=pooled,
        texts=texts,
        owner=np.arange(count),
    )


@pytest.fixture(scope="module")
def world():
    """Photos and drawings with different rules, to fit on and to measure on."""
    random = np.random.default_rng(0)
    rules = {
        kind: np.outer(*map(random.normal, (0, 0), (1, 1), (POOLED, DIM)))
        + random.normal(size=(POOLED, 12)) @ random.normal(size=(12, DIM))
        for kind in ("photo", "drawing")
    }
    return {
        (kind, part): planted(random, kind, rules[kind], count, offset)
        for kind, offset in (("photo", 0.0), ("drawing", 1.0))
        for part, count in (("known", 600), ("new", 200))
    }


@pytest.fixture(scope="module")
def fit(world):
    return fit_head(world["photo", "known"], world["drawing", "known"], seed=0)


@pytest.mark.parametrize("kind", ["photo", "drawing"])
def test_the_head_finds_new_pictures_of_both_kinds(world, fit, kind):
    new = world[kind, "new"]
    before, after = scores(new.base, new), scores(corrected(new, fit.head), new)
    assert before["R@10"] < 15
    assert after["R@10"] > 60


def test_the_gate_tells_new_photos_from_new_drawings(world, fit):
    head = fit.head
    gates = {
        kind: head.features(world[kind, "new"].pooled).astype(np.float32) @ head.gate + head.gate_bias
        for kind in ("photo", "drawing")
    }
    assert np.median(gates["photo"]) < 0
    assert np.median(gates["drawing"]) > 1


def test_the_same_seed_fits_the_same_head(world, fit):
    again = fit_head(world["photo", "known"], world["drawing", "known"], seed=0)
    np.testing.assert_array_equal(again.head.drawings, fit.head.drawings)
    assert again.strengths == fit.strengths


def test_noise_is_trusted_less_than_what_predicts(world):
    known = world["photo", "known"]
    random = np.random.default_rng(1)
    guess = replace(known, base=unit_rows(known.texts + 0.05 * random.normal(size=known.texts.shape)))
    noise = random.normal(size=(len(known.base), 20))
    assert choose_strength(known.pooled.astype(np.float64), known, seed=0) < choose_strength(noise, guess, seed=0)


def test_folds_hold_each_picture_out_once_and_keep_subjects_together():
    subjects = np.array([f"s{row % 40}" for row in range(100)])
    masks = list(folds(subjects, seed=3))
    np.testing.assert_array_equal(np.sum(masks, axis=0), np.ones(100))
    for mask in masks:
        assert not set(subjects[mask]) & set(subjects[~mask])


def test_ranks_count_the_pictures_that_are_nearer():
    pictures = np.eye(3, dtype=np.float32)
    texts = np.array([[1, 0, 0], [0.9, 0.1, 0.2], [0.5, 0.3, 0.4]], dtype=np.float32)
    np.testing.assert_array_equal(ranks(pictures, texts, np.array([0, 1, 2])), [1, 3, 2])


def labelled(rows):
    """Examples with sources and subjects only."""
    count = len(rows)
    return Examples(
        source=np.array([source for source, _ in rows]),
        subject=np.array([subject for _, subject in rows]),
        base=np.eye(count, dtype=np.float32),
        pooled=np.zeros((count, 2), np.float32),
        texts=np.eye(count, dtype=np.float32),
        owner=np.arange(count),
    )


def test_an_emoji_is_held_out_in_all_styles_and_a_photo_never():
    styles = ("emoji-datasource-google", "emoji-datasource-twitter", "@lobehub/fluent-emoji-3d")
    rows = [(style, f"e{number}") for style in styles for number in range(400)]
    rows += [("openclipart-png", f"c{number}") for number in range(1000)] + [("photos", f"p{n}") for n in range(300)]
    held = labelled(rows).of(held_out(labelled(rows), seed=0))
    counts = {source: int((held.source == source).sum()) for source in np.unique(held.source)}
    assert counts == dict.fromkeys(styles, 184) | {"openclipart-png": 428}
    assert len({*held.subject[held.source != "openclipart-png"]}) == 184


def test_a_gallery_has_one_picture_a_subject_and_joins_with_others():
    parts = galleries(labelled([("a", "x"), ("b", "x"), ("a", "x"), ("a", "y")]))
    assert {source: part.subject.tolist() for source, part in parts.items()} == {"a": ["x", "y"], "b": ["x"]}
    together = joined(list(parts.values()))
    np.testing.assert_array_equal(together.owner, [0, 1, 2])
    np.testing.assert_array_equal(together.base @ together.texts.T, np.eye(3))
    assert scores(together.base, together) == {"R@1": 100, "R@5": 100, "R@10": 100, "pictures": 3}
