"""The parts of the index benchmark that compute: made-up vectors, true neighbours, recall, filters, the front."""

import time

import numpy as np
import pytest

from benchmarks.index import from_json, keep
from benchmarks.index_data import world
from benchmarks.index_engines import Ours, padded
from benchmarks.index_measures import allowed_ids, nearest, on_front, recall, time_beside
from benchmarks.index_report import best_at, print_tables
from benchmarks.index_run import Filtered, Made, Measurement, Opening, Point, ask_filtered, effort_for, make
from benchmarks.index_set import K, make_set

DIM = 64  # the least that a world can have


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_set(tmp_path_factory.mktemp("set"), 2_000, DIM, 20)


def a_point(effort, texts, faster):
    return Point(effort, {"texts": texts, "pictures": 1.0}, 1.0, 2.0, 10.0, faster, 100.0, 0.5)


def a_measurement(*points):
    row = Filtered(0.1, "clusters", "64", 0.9, 1.0, 0, 1.0, 2.0, 0.5, 3.0)
    made = Made("HNSW32", 2.0, 3.0, 0.0, 1808.0)
    return Measurement("hnswlib", made, Opening(1.0, 2.0, 3.0), tuple(points), (row,))


def test_the_vectors_are_the_same_each_time_and_lie_on_two_cones():
    pictures = np.concatenate(list(world(DIM).pictures(500, seed=1)))
    again, clusters = (np.concatenate(each) for each in zip(*world(DIM).clustered_pictures(500, seed=1), strict=True))
    texts = world(DIM).texts(500, seed=2)
    assert np.array_equal(pictures, again)
    assert np.allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-5)
    assert (pictures @ pictures.T).mean() > (pictures @ texts.T).mean() + 0.3
    same = clusters[:, np.newaxis] == clusters
    assert (pictures @ pictures.T)[same].mean() > (pictures @ pictures.T)[~same].mean() + 0.1


def test_nearest_is_a_full_sort(data):
    queries = data.queries("texts")
    assert np.array_equal(data.truth("texts"), np.argsort(-(queries @ data.rows.T), axis=1)[:, :K])


def test_nearest_among_some(data):
    among = np.arange(0, 2_000, 7)
    queries = data.queries("pictures")
    expected = among[np.argsort(-(queries @ data.rows[among].T), axis=1)[:, :5]]
    assert np.array_equal(nearest(data.rows, queries, 5, among), expected)
    assert nearest(data.rows, queries, 5, among[:3]).shape == (20, 3)


def test_nearest_over_several_blocks():
    rows = np.random.default_rng(0).standard_normal((40_000, 4), dtype=np.float32)
    query = rows[[39_999]] / np.linalg.norm(rows[39_999])
    assert np.array_equal(nearest(rows, query, 20)[0], np.argsort(-(rows @ query[0]))[:20])


def test_recall():
    truth = np.array([[1, 2], [3, 4]])
    assert recall(np.array([[2, 1, 9], [3, -1, -1]]), truth) == 0.75
    assert recall(np.array([[-1, -1], [-1, -1]]), truth) == 0
    assert recall(np.full((2, 2), -1), truth[:, :0]) == 1


@pytest.mark.parametrize("spread", ["random", "clusters"])
def test_allowed_ids_are_as_many_as_asked_for(data, spread):
    for share in (0.5, 0.01, 0.0001):
        allowed = allowed_ids(data.clusters, share, spread, seed=1)
        assert len(allowed) == max(1, round(2_000 * share))
        assert (np.diff(allowed) > 0).all()


def test_allowed_clusters_are_whole_but_for_the_last(data):
    allowed = allowed_ids(data.clusters, 0.1, "clusters", seed=1)
    outside = np.setdiff1d(np.arange(2_000), allowed)
    assert len(np.intersect1d(data.clusters[allowed], data.clusters[outside])) <= 1


def test_the_front():
    assert on_front([(0.9, 10), (0.95, 5), (0.93, 4), (0.9, 9), (0.9, 10)]) == [True, True, False, False, True]


def test_times_are_compared_with_scans_in_between(monkeypatch):
    spent = [0.0]
    monkeypatch.setattr(time, "process_time", lambda: spent[0])

    def busy(seconds):
        def spend(_):
            spent[0] += seconds

        return spend

    timed = time_beside(busy(0.001), busy(0.004), np.zeros((10, 2), dtype=np.float32), limit_s=1)
    assert len(timed.each) == 10
    assert timed.faster == pytest.approx(4)
    assert timed.scan == pytest.approx(4)
    slow = time_beside(busy(0.01), busy(0), np.zeros((50, 2), dtype=np.float32), limit_s=0.1)
    assert len(slow.each) <= 15


def test_lists_are_padded():
    assert padded([np.array([3, 1]), np.array([], dtype=np.int64)], 3).tolist() == [[3, 1, -1], [-1, -1, -1]]


def test_the_effort_for_filters_is_what_was_tuned_for_the_recall_or_first_reached_it():
    assert effort_for([a_point("0.9 (1)", 0.99, 9), a_point("0.98 (2)", 0.97, 5)], 0.98) == "0.98 (2)"
    assert effort_for([a_point("16", 0.9, 9), a_point("32", 0.99, 5), a_point("64", 1.0, 2)], 0.98) == "32"
    assert effort_for([a_point("16", 0.9, 9), a_point("32", 0.95, 5)], 0.98) == "32"


def test_the_best_at_a_recall_is_the_fastest_that_reaches_it():
    points = [a_point("16", 0.9, 9), a_point("32", 0.98, 5), a_point("64", 0.99, 6)]
    assert best_at(points, 0.95) == points[2]
    assert best_at(points, 0.995) is None


def test_what_was_measured_is_kept(tmp_path):
    measured = [a_measurement(a_point("16", 0.9, 9)), a_measurement(a_point("64", 0.99, 6))]
    keep(measured, tmp_path / "kept.json")
    assert from_json((tmp_path / "kept.json").read_text(encoding="utf-8")) == measured


def test_tables_say_where_a_recall_is_not_reached(capsys):
    print_tables([a_measurement(a_point("16", 0.9, 9))], 0.98)
    shown = capsys.readouterr().out
    assert "| hnswlib | HNSW32 | 1808 | 3.0 | 2.0 | 0.0 | 1 | 2 | 3.0 | not reached |  |" in shown
    assert "| hnswlib | 64 | 10 % | in some clusters | 0.900 | 100 % | 0 | 1.00 | 2.00 | 0.50 | 3.0 |" in shown


def test_our_own_scan_finds_all_and_nothing_that_is_forbidden(data, tmp_path):
    engine = Ours("flat", (0.98,))
    made = make(engine, data, tmp_path, threads=1)
    assert made.what == "flat"
    assert made.bytes_a_vector == pytest.approx(4 * DIM + 8, abs=1)
    opened = engine.open(tmp_path, DIM)
    assert opened.efforts == [""]
    assert np.array_equal(opened.search("")(data.queries("texts"), K), data.truth("texts"))
    rows = ask_filtered(engine, data, tmp_path, "")
    assert [(row.share, row.spread) for row in rows][:2] == [(0.5, "random"), (0.1, "random")]
    assert {(row.recall, row.complete, row.leaks) for row in rows} == {(1.0, 1.0, 0)}
