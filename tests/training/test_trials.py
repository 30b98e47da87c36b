"""Whole trainings on made-up files, from lessons to the verdict."""

from time import monotonic

import numpy as np
import pytest
import torch
from made_material import DIM, World

from mmsearch.rerankers.fusion import FusionReranker
from mmsearch.rerankers.fusion_model import from_reranker, to_bytes
from mmsearch.training import early_stop
from mmsearch.training import trials as trials_module
from mmsearch.training.judging import Exam, logits_of
from mmsearch.training.learner import Recipe
from mmsearch.training.lessons import Course
from mmsearch.training.repeatable import repeatable
from mmsearch.training.team import Team
from mmsearch.training.trials import Trials

ALONE = Team(0, 1, torch.device("cpu"))
DEPTH = 20
QUICK = Recipe(pairs=8, hard=8, easy=2, texts=3, alone=5, average=0.8)


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(early_stop, "ROUND", 10)
    for module in (early_stop, trials_module):
        monkeypatch.setattr(module, "ROUNDS", 2)


def trials(*materials, seconds=1_000.0, told=None, current=None):
    courses = [Course.of(material, DEPTH) for material in materials]
    on_progress = (lambda done, total: None) if told is None else lambda *now: told.append(now)
    return Trials(courses, QUICK, 1, ALONE, monotonic() + seconds, on_progress, current)


def reranker_of(material, weights):
    """Train one on all files of a material."""
    with repeatable(1):
        model = trials(material).train_on_all(20)
    return FusionReranker.from_bytes(to_bytes(model, weights), name="before", dim=DIM)


def precision_with(model, weight, kind):
    """Return the mean average precision over the parts held out, each searched for as `Trials` does."""
    exams = [Exam.of(kind.course, part.held, part.taught | part.choosing, 500) for part in kind.parts]
    found = [exam.after(logits_of(model, exam, ALONE.device), weight)[:, 3] for exam in exams]
    return np.concatenate(found).mean()


def test_one_model_learns_of_two_kinds_what_tokens_tell():
    world = World(0)
    told = []
    with repeatable(1):
        made = trials(world.material(), world.material("audio", files=30), told=told)
        steps = made.run()
        model = made.train_on_all(steps)
    for kind in made.kinds:
        gain = kind.compared(1).difference["mAP"]
        assert gain.low > 0.05
        assert kind.weight() > 0
        assert len(kind.trials) == 5
        course = kind.course
        everything = np.ones(course.material.examples.rows.items, dtype=np.bool_)
        exam = Exam.of(course, everything, everything, 100)
        after = exam.after(logits_of(model, exam, ALONE.device), kind.weight())
        assert after[:, 3].mean() > exam.before()[:, 3].mean() + 0.05
    assert steps in (10, 20)
    assert told[:-1] == sorted(told[:-1])
    assert told[-1] == (1, 1)


def test_captions_that_have_nothing_to_do_with_the_files_bring_nothing():
    with repeatable(1):
        made = trials(World(1, related=False).material())
        made.run()
    (kind,) = made.kinds
    assert kind.compared(1).difference["mAP"].low <= 0


def test_a_model_begins_as_the_one_in_use_of_the_first_kind_that_has_one():
    """But for its centres, which are of what this collection holds."""
    world = World(4)
    pictures, sounds = world.material(files=20), world.material("audio", files=20)
    used = reranker_of(sounds, {"audio": 0.5})
    begun = trials(pictures, sounds, current={"audio": used}).train_on_all(0).state_dict()
    was = from_reranker(used).state_dict()
    same = {name for name in was if torch.equal(was[name], begun[name])}
    assert same == set(was) - {"word_centre", "token_centre"}
    other = reranker_of(pictures, {"image": 0.5})
    begun = trials(pictures, sounds, current={"audio": used, "image": other}).train_on_all(0)
    assert torch.equal(begun.gate, from_reranker(other).gate)
    assert not torch.equal(begun.gate, from_reranker(used).gate)


def test_each_kind_is_held_against_the_one_that_is_in_use_for_it():
    world = World(5)
    pictures, sounds = world.material(), world.material("audio", files=30)
    used = reranker_of(sounds, {"image": 1.0, "audio": 2.0})
    with repeatable(1):
        made = trials(pictures, sounds, current={"audio": used})
        made.run()
    image, audio = made.kinds
    model = from_reranker(used).eval()
    assert image.compared(1).before["mAP"] == pytest.approx(precision_with(model, 0.0, image))
    assert audio.compared(1).before["mAP"] == pytest.approx(precision_with(model, 2.0, audio))
    assert precision_with(model, 2.0, audio) > precision_with(model, 0.0, audio) + 0.05
    assert image.compared(1).difference["mAP"].low > 0  # sounds have taught it what pictures profit from


def test_the_same_seed_gives_the_same_model():
    models = []
    for _ in range(2):
        with repeatable(5):
            made = trials(World(2).material(files=20, others=0))
            models.append((made.train_on_all(20).state_dict(), made.kinds))
    first, second = (model for model, _ in models)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_when_time_is_up_each_training_ends_after_a_round():
    with repeatable(1):
        made = trials(World(3).material(files=20), seconds=0.0)
        told = []
        made._on_progress = lambda *now: told.append(now)
        made.run()
        before = monotonic()
        made.train_on_all(10_000)
    assert monotonic() - before < 1
    assert told == [(number * 2 + 1, 12) for number in range(5)] + [(1, 1)]
