"""Tuning: the effort finds what is wished on queries that did not choose it, and what cannot be reached is said."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from mmsearch.normalise import unit_rows
from mmsearch.vectors.ann import timing, tune
from mmsearch.vectors.ann.build import build
from mmsearch.vectors.ann.choose import recipe_for
from mmsearch.vectors.ann.looks import Known, least_depth
from mmsearch.vectors.ann.tune import meets
from mmsearch.vectors.plan import Costs, Effort, IndexDetails, IndexWishes, Measured, Recipe

DIM, COUNT = 32, 6000
GIB = 1 << 30


def clustered(count, seed):
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(0).standard_normal((60, DIM))
    return unit_rows(centres[random.integers(60, size=count)] + 0.7 * random.standard_normal((count, DIM)))


def texts(count, seed=9):
    """Make queries that lie off the rows, as texts do."""
    return unit_rows(clustered(count, seed) + 0.5 * np.eye(DIM)[0])


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """A busy machine must not end a sweep early."""
    monkeypatch.setattr(tune, "_PATIENCE_MS", 1e9)


@pytest.fixture(scope="module")
def indexes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("indexes")
    rows = clustered(COUNT, 1)

    @cache
    def make(kind):
        recipe = recipe_for(kind, COUNT, DIM)
        return build(folder / kind.replace(",", "_"), np.arange(COUNT) + 5, [rows], recipe, dim=DIM)

    return make


def exact(rows, queries, k):
    return np.argsort(-(queries @ rows.T), axis=1, kind="stable")[:, :k] + 5


def found_of(index, queries, k):
    rows = index.built_rows.take(np.arange(COUNT))
    pairs = zip(index.search(queries, k), exact(rows, queries, k), strict=True)
    return np.mean([len(np.intersect1d(candidates.ids, best)) / k for candidates, best in pairs])


def always_asking(details):
    """Such small indexes would rather be scanned."""
    return replace(details, costs=timing._ALWAYS_ASK)


@pytest.mark.parametrize("kind", ["ivf-pq", "ivf-sq8", "ivf-flat", "ivf-rabitq", "hnsw", "RR32,IVF64,PQ16x4fsr"])
@pytest.mark.parametrize("wanted", [0.9, 0.98])
def test_other_queries_find_what_is_wished(indexes, kind, wanted):
    index = indexes(kind)
    details = tune.tune(index, texts(200), "made up", IndexWishes(min_recall=wanted))
    assert meets(details, IndexWishes(min_recall=wanted))
    assert details.note == ""
    tuned = index.with_details(always_asking(details))
    others = texts(300, seed=77)
    assert found_of(tuned, others, 10) >= wanted - 0.01
    assert found_of(tuned, others, 100) >= wanted - 0.01
    assert (details.recipe, details.trained_on) == (index.details.recipe, COUNT)


def test_what_is_shown_is_what_the_other_half_finds(indexes):
    index, queries = indexes("ivf-pq"), texts(101)
    details = tune.tune(index, queries, "log", IndexWishes(min_recall=0.9))
    judges = tune._drawn(queries)[50:]
    measured, tuned = details.measured, index.with_details(always_asking(details))
    assert (measured.queries, measured.source) == (51, "log")
    assert measured.recall == pytest.approx(found_of(tuned, judges, 10), abs=1e-6)
    assert measured.recall_100 == pytest.approx(found_of(tuned, judges, 100), abs=1e-6)
    assert measured.latency_ms > 0
    assert measured.flat_ms > 0


def test_a_higher_wish_takes_more_effort(indexes):
    efforts = [tune.tune(indexes("ivf-pq"), texts(200), "", IndexWishes(min_recall=r)).effort for r in (0.6, 0.99)]
    assert efforts[0].depth(200) < efforts[1].depth(200), "of a few at least so many are compared, whatever is wished"
    assert efforts[0].probes <= efforts[1].probes


def test_what_cannot_be_reached_comes_with_a_note(indexes, monkeypatch):
    monkeypatch.setattr("mmsearch.vectors.ann.looks.MOST_CANDIDATES", 12)
    monkeypatch.setattr(tune, "_FEWEST_CANDIDATES", 10)
    wishes = IndexWishes(min_recall=0.99, max_latency_ms=1e-6, max_memory_bytes=1000)
    details = tune.tune(indexes("ivf-rabitq"), texts(100), "", wishes)
    assert details.measured.recall < 0.9
    assert details.effort.candidates <= 12
    assert not meets(details, wishes)
    assert "less than the 0.99 that are wished" in details.note
    assert "more than the 1e-06 ms wished" in details.note
    assert "MiB of memory" in details.note


def test_the_nearest_100_are_not_insisted_on_where_no_effort_finds_them(indexes, monkeypatch):
    monkeypatch.setattr("mmsearch.vectors.ann.looks.MOST_CANDIDATES", 60)
    details = tune.tune(indexes("ivf-pq"), texts(100), "", IndexWishes(min_recall=0.9))
    assert details.measured.recall >= 0.88
    assert details.effort.factor == 1
    assert details.note == ""


def test_copies_of_a_near_row_are_as_good(tmp_path):
    rows = np.repeat(clustered(40, 3), 50, axis=0)
    index = build(tmp_path, np.arange(len(rows)), [rows], recipe_for("ivf-flat", len(rows), DIM), dim=DIM)
    details = tune.tune(index, texts(60), "", IndexWishes(min_recall=0.98))
    assert details.measured.recall >= 0.98
    assert details.effort.candidates == tune._FEWEST_CANDIDATES


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_queries_do(indexes, count):
    details = tune.tune(indexes("ivf-sq8"), texts(count), "", IndexWishes())
    assert details.measured.recall > 0.8


def test_an_index_of_very_few_rows_is_tuned(tmp_path):
    rows = clustered(60, 3)
    for kind in ("ivf-flat", "hnsw"):
        index = build(tmp_path / kind, np.arange(60), [rows], recipe_for(kind, 60, DIM), dim=DIM)
        assert tune.tune(index, texts(30), "", IndexWishes()).measured.recall == 1


def test_no_queries_are_refused_and_scans_are_left_alone(indexes, tmp_path):
    with pytest.raises(ValueError, match="at least one query"):
        tune.tune(indexes("ivf-sq8"), texts(1)[:0], "", IndexWishes())
    scan = build(tmp_path, np.arange(10), [clustered(10, 1)], Recipe("faiss-flat"), dim=DIM)
    assert tune.tune(scan, texts(5), "", IndexWishes()) == scan.details


def test_the_fastest_of_those_that_find_enough_is_taken(indexes, monkeypatch):
    asked = []

    def slower_with_fewer_probes(index, queries, effort):
        asked.append(effort)
        return -effort.probes

    monkeypatch.setattr(timing, "asking_ms", slower_with_fewer_probes)
    details = tune.tune(indexes("ivf-pq"), texts(100), "", IndexWishes(min_recall=0.8))
    assert len(asked) == 4
    assert [effort.probes for effort in asked] == sorted(effort.probes for effort in asked)
    assert details.effort == asked[-1]


def test_the_sweep_gives_up_where_a_search_takes_too_long(indexes, monkeypatch):
    looks = []
    look = Known._look

    def slow(self, probes):
        looks.append(probes)
        return replace(look(self, probes), ms=1e12)

    monkeypatch.setattr(Known, "_look", slow)
    monkeypatch.setattr("mmsearch.vectors.ann.looks.MOST_CANDIDATES", 12)
    tune.tune(indexes("ivf-rabitq"), texts(50), "", IndexWishes(min_recall=0.99))
    assert looks == [1, 2]


def test_costs_are_of_this_machine(indexes):
    costs = tune.tune(indexes("ivf-pq"), texts(100), "", IndexWishes(min_recall=0.9)).costs
    assert costs != Costs()
    assert 1 < costs.gather_ns < 1e5
    assert 0.1 < costs.scan_ns < 1e4
    assert 0.01 <= costs.structure_ns < 1e5
    assert 1 <= costs.structure_start_us < 1e5


def test_details_can_be_kept(indexes):
    details = tune.tune(indexes("hnsw"), texts(60), "log", IndexWishes(min_recall=0.9))
    assert IndexDetails.from_json(details.to_json(), "here") == details
    assert details.effort.probes >= 10


def test_the_least_depth():
    shares = np.array([[0, 0.5, 1, 1], [0, 0.5, 0.5, 1]], dtype=np.float32)
    assert least_depth(shares, 0.5, sure=False) == 2
    assert least_depth(shares, 0.7, sure=False) == 3
    assert least_depth(shares, 0.7, sure=True) == 4
    assert least_depth(shares[1:, :3], 0.9, sure=False) is None


def test_half_a_percent_is_forgiven():
    measured = Measured(recall=0.976, recall_100=0.9, latency_ms=50, flat_ms=9, queries=150, source="")
    details = IndexDetails(Recipe("ivf-pq", "IVF4,PQ2x4fsr"), Effort(), measured=measured)
    assert meets(details, IndexWishes(min_recall=0.98))
    assert not meets(details, IndexWishes(min_recall=0.985))
    assert meets(replace(details, measured=None), IndexWishes())
