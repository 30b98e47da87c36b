import numpy as np
import pytest
import torch
from made_material import World

from mmsearch.adapt.metrics import ALL_METRICS, judge
from mmsearch.rerankers.fusion_model import FusionConfig, FusionModel
from mmsearch.training.judging import WEIGHTS, Exam, best_weight, logits_of, precisions
from mmsearch.training.lessons import Course


@pytest.fixture(scope="module")
def course():
    return Course.of(World(0).material(files=20, others=10, captions=2), 12)


def flags(*items):
    return np.isin(np.arange(20), items)


def right(exam):
    """Logits of one who knows."""
    files = exam.course.lists.files[exam.texts]
    answer = {text: item for text, item in zip(exam.examples.text.tolist(), exam.examples.item.tolist(), strict=True)}
    return np.array([files[number] == answer[text] for number, text in enumerate(exam.texts.tolist())], np.float32)


def test_without_weight_it_is_what_adapt_measures(course):
    held = np.arange(20) < 8
    exam = Exam.of(course, held, ~held, 1_000)
    assert len(exam.texts) == 16
    expected = judge(course.material.examples, course.material.gallery, held)
    assert exam.before()[:, :4] == pytest.approx(expected)
    random = np.random.default_rng(0).standard_normal((16, 12)).astype(np.float32)
    assert (exam.after(random, 0.0) == exam.before()).all()
    assert (exam.after(np.zeros((16, 12), np.float32), 2.0) == exam.before()).all()


def test_mean_reciprocal_rank_is_average_precision_where_one_file_is_right(course):
    values = Exam.of(course, np.ones(20, np.bool_), np.ones(20, np.bool_), 1_000).before()
    assert values.shape == (40, len(ALL_METRICS))
    assert values[:, 4] == pytest.approx(values[:, 3])


def test_one_who_knows_puts_all_that_was_found_first(course):
    held = np.arange(20) < 8
    exam = Exam.of(course, held, ~held, 1_000)
    logits = right(exam)
    after = exam.after(logits, 100.0)
    found = logits.any(axis=1)
    assert 0 < found.sum() < len(found)
    assert (after[found] == 1).all()
    assert (after[~found] == exam.before()[~found]).all()  # what was not found stays behind


def test_files_that_are_absent_are_in_nobodys_way(course):
    held, absent = flags(*range(8)), flags(*range(10, 20))
    exam = Exam.of(course, held, ~held & ~absent, 1_000)
    whole = Exam.of(course, held, ~held, 1_000)
    assert (exam.before()[:, 3] >= whole.before()[:, 3]).all()
    assert (exam.before()[:, 3] > whole.before()[:, 3]).any()
    assert set(exam.examples.item.tolist()) == set(range(10))
    assert exam.of_held().rows.items == 8


def test_an_even_selection_of_texts(course):
    exam = Exam.of(course, np.ones(20, np.bool_), np.ones(20, np.bool_), 10)
    assert exam.texts.tolist() == list(range(0, 40, 4))


def test_an_untrained_model_is_the_first_stage(course):
    held = np.arange(20) < 8
    exam = Exam.of(course, held, ~held, 1_000)
    model = FusionModel(FusionConfig(course.material.gallery.vectors.shape[1])).eval()
    logits = logits_of(model, exam, torch.device("cpu"))
    lists = course.lists.scores[exam.texts]
    assert logits == pytest.approx(model.log_scale.exp().item() * lists, abs=1e-4)
    measured = precisions(exam, logits)
    assert measured.shape == (16, len(WEIGHTS))
    assert (measured == measured[:, :1]).all()
    assert best_weight([measured]) == 0
    measured[3, 2] += 0.1
    assert best_weight([measured, measured]) == WEIGHTS[2]
