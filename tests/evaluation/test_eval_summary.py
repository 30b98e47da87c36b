import numpy as np
import pytest

from mmsearch.bootstrap import draws, mean_ends, sums_by
from mmsearch.evaluation.ranking import Run
from mmsearch.evaluation.summary import mean_intervals, median_interval, summarise, units

INF = np.inf


def run_of(*rankings):
    return Run("default", tuple(tuple((path, 1.0) for path in ranking) for ranking in rankings))


def test_the_bootstrap_draws_as_many_as_there_are_and_always_the_same():
    some = list(draws(7, seed=1))
    assert len(some) == 2_000
    assert {each.sum() for each in some} == {7}
    assert np.array_equal(some, list(draws(7, seed=1)))
    assert not np.array_equal(some, list(draws(7, seed=2)))


def test_an_interval_has_the_width_that_theory_says():
    values = np.random.default_rng(0).random((400, 1))
    low, high = mean_ends(values, np.ones(400), seed=0)
    expected = 1.96 * values.std() / np.sqrt(400)
    assert (high - low)[0] / 2 == pytest.approx(expected, rel=0.1)
    assert low[0] < values.mean() < high[0]


def test_sums_by_unit():
    assert sums_by(np.array([1, 0, 1]), np.array([[1.0, 2], [3, 4], [5, 6]])).tolist() == [[3, 4], [6, 8]]


def test_captions_of_one_photo_are_one_witness():
    values = np.repeat(np.random.default_rng(0).integers(0, 2, 50), 5).astype(float)[:, None]
    alone = mean_intervals(values, np.arange(250))[0]
    together = mean_intervals(values, np.repeat(np.arange(50), 5))[0]
    assert alone.value == together.value
    assert together.high - together.low > 1.8 * (alone.high - alone.low)
    assert units([{"a": 1, "b": 1}, {"c": 1}, {"b": 2, "a": 1}]).tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("ranks", "median"), [([3, 1, 2], 2), ([1, 2, 3, 10], 2.5), ([1, INF, INF], INF), ([1, 2, INF], 2), ([1, INF], INF)]
)
def test_median_rank(ranks, median):
    found = median_interval(np.array(ranks, dtype=float), np.arange(len(ranks)))
    assert found.value == median
    assert found.low <= found.value <= found.high


def test_median_interval_by_units_weighs_all_their_queries():
    found = median_interval(np.array([1.0, 1, 1, 9]), np.array([0, 0, 0, 1]))
    assert (found.value, found.low, found.high) == (1, 1, 9)


def test_groups_by_modality_and_kind(query):
    queries = [
        query("both", {"/dog.jpg": 1, "/dog.wav": 1}),
        query("sound", {"/bark.wav": 1}),
    ]
    run = run_of(["/dog.wav", "/dog.jpg"], ["/x.jpg", "/bark.wav"])
    modalities = {"/dog.jpg": "image", "/dog.wav": "audio", "/bark.wav": "audio"}
    groups = {(each.by, each.name): each for each in summarise(queries, run, modalities, ["hit@1", "recall@10"])}
    assert list(groups) == [("all", "all"), ("target", "image"), ("target", "audio"), ("query", "text")]
    assert [each.queries for each in groups.values()] == [2, 1, 2, 2]
    # The sound of the dog is no mistake when its picture is looked for.
    assert groups["target", "image"].metrics["hit@1"].value == 1
    assert groups["target", "audio"].metrics["hit@1"].value == 0.5
    assert groups["all", "all"].metrics["recall@10"].value == 1
    assert groups["all", "all"].metrics["median_rank"].value == 1.5


def test_the_same_input_gives_the_same_report(query):
    queries = [query(f"q{n}", {f"/{n}": 1}) for n in range(20)]
    run = run_of(*([f"/{n}"] if n % 3 else ["/x"] for n in range(20)))
    modalities = {f"/{n}": "image" for n in range(20)}
    assert summarise(queries, run, modalities, ["mAP"]) == summarise(queries, run, modalities, ["mAP"])
