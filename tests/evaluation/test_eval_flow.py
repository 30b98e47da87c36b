import json

import pytest

from mmsearch.errors import CollectionDamaged, GateFailed, UsageError
from mmsearch.evaluation.flow import Subject, evaluate
from mmsearch.evaluation.saved import SavedRuns, load_runs
from mmsearch.evaluation.settings import Settings

FILES = [f"/photos/{n}.jpg" for n in range(20)]


def subject(paths=FILES):
    return Subject("photos", "builtin", 7, dict.fromkeys(paths, "image"), "/photos")


@pytest.fixture
def queries(query):
    """Query n is for file n."""
    return [query(f"q{n}", {FILES[n]: 1}) for n in range(10)]


def found_at(ranks):
    """What a search finds that has file n at rank ranks[n], 0 for not at all."""
    found = {}
    for n, rank in enumerate(ranks):
        others = [path for path in FILES if path != FILES[n]]
        found[f"q{n}"] = [*others[: rank - 1], FILES[n], *others[rank - 1 :]] if rank else others
    return found


def test_what_is_reported(queries, fake_search):
    done = []
    search = fake_search(found_at([1, 1, 1, 1, 1, 2, 2, 5, 12, 0]))
    report = evaluate(
        queries, search, subject(), Settings(depth=15), on_progress=lambda *each: done.append(each)
    ).report
    assert (report.queries, report.relevant, report.dropped, report.unknown) == (10, 10, 0, 0)
    (run,) = report.runs
    got = {name: interval.value for name, interval in run.overall.metrics.items()}
    assert got["hit@1"] == got["recall@1"] == 0.5
    assert got["hit@5"] == pytest.approx(0.8)
    assert got["recall@15"] == pytest.approx(0.9)
    assert got["MRR"] == got["mAP"] == pytest.approx((5 + 2 / 2 + 1 / 5 + 1 / 12) / 10)
    assert got["median_rank"] == 1.5
    assert done == [(n, 10) for n in range(11)]


def test_a_median_beyond_the_depth_has_no_number_in_json(queries, fake_search):
    search = fake_search(found_at([1, 1, 12, 12, 12, 12, 12, 12, 12, 12]))
    report = evaluate(queries, search, subject(), Settings(depth=10)).report
    assert report.runs[0].overall.metrics["median_rank"].value == float("inf")
    written = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert written["runs"][0]["groups"][0]["metrics"]["median_rank"]["value"] is None
    assert written["depth"] == 10


def test_files_that_are_not_there_are_named_and_queries_without_any_dropped(query, fake_search):
    some = [query("a", {FILES[0]: 1, "/gone.jpg": 1}), query("b", {"/gone.jpg": 1}), query("c", {})]
    report = evaluate(some, fake_search({"a": FILES}), subject(), Settings()).report
    assert (report.queries, report.dropped, report.unknown, report.unknown_paths) == (1, 2, 1, ("/gone.jpg",))
    assert report.runs[0].overall.metrics["recall@10"].value == 1
    with pytest.raises(UsageError, match="No query has a relevant file"):
        evaluate(some[1:], fake_search({}), subject(), Settings())


def test_some_queries_are_drawn_always_the_same(queries, fake_search):
    search = fake_search(found_at([1] * 10))
    drawn = [evaluate(queries, search, subject(), Settings(limit=4)) for _ in range(2)]
    ids = [[each.id for each in done.queries] for done in drawn]
    assert ids[0] == ids[1] == sorted(ids[0])
    assert len(ids[0]) == 4
    assert ids[0] != ["q0", "q1", "q2", "q3"]
    assert (drawn[0].report.queries, drawn[0].report.left_out) == (4, 6)


def test_modes_are_compared_with_the_first(queries, fake_search):
    vector, hybrid = found_at([1, 1, 1, 1, 4, 4, 4, 4, 4, 4]), found_at([1, 1, 1, 2, 1, 1, 1, 1, 1, 0])
    search = fake_search({id: {"vector": vector[id], "hybrid": hybrid[id]} for id in vector})
    report = evaluate(queries, search, subject(), Settings(modes=("vector", "hybrid"))).report
    assert [run.name for run in report.runs] == ["vector", "hybrid"]
    (comparison,) = report.comparisons
    assert (comparison.before, comparison.after, comparison.queries) == ("vector", "hybrid", 10)
    change = comparison.metrics["hit@1"]
    assert (change.difference.value, change.better, change.worse) == (pytest.approx(0.4), 5, 1)
    assert change.difference.low < 0.4 < change.difference.high
    worst, second = comparison.changed[:2]
    assert (worst.id, worst.rank_before, worst.rank_after) == ("q3", 1, 2)
    assert (second.id, second.rank_after, second.after) == ("q9", None, 0)
    assert [each.id for each in comparison.changed[2:]] == ["q4", "q5", "q6", "q7", "q8"]


def test_nothing_changed_is_no_change(queries, fake_search):
    search = fake_search({f"q{n}": {"vector": FILES, "text": FILES} for n in range(10)})
    (comparison,) = evaluate(queries, search, subject(), Settings(modes=("vector", "text"))).report.comparisons
    assert comparison.changed == ()
    gain = comparison.metrics["mAP"].difference
    assert (gain.value, gain.low, gain.high) == (0, 0, 0)


def test_a_saved_run_is_a_baseline(queries, fake_search, tmp_path):
    before = evaluate(queries, fake_search(found_at([1] * 10)), subject(), Settings())
    before.save(tmp_path / "run.json")
    saved = load_runs(tmp_path / "run.json", "/photos")
    assert saved == SavedRuns(before.queries, tuple(type(run)(run.name, run.rankings) for run in before.runs))
    now = fake_search(found_at([2] * 10))
    after = evaluate(queries, now, subject(), Settings(modes=()), baseline=saved)
    (comparison,) = after.report.comparisons
    assert (comparison.before, comparison.queries, comparison.left_out) == ("default (baseline)", 10, 0)
    assert comparison.metrics["MRR"].difference.value == pytest.approx(-0.5)
    after.check("change:MRR>=-0.5", "MRR<=0.5", "image:hit@5>99%", "median_rank<=2")
    with pytest.raises(GateFailed, match=r"change:MRR>=-0.4: it is -0.5 from default \(baseline\) to default"):
        after.check("change:MRR>=-0.4", "MRR>0.1")


def test_a_baseline_of_another_folder_and_other_queries(query, fake_search, tmp_path):
    there = [query("a", {"/there/a.jpg": 1}), query("b", {"/there/b.jpg": 1})]
    done = evaluate(
        there,
        fake_search({"a": ["/there/a.jpg"], "b": ["/there/b.jpg"]}),
        Subject("p", "m", 1, {"/there/a.jpg": "image", "/there/b.jpg": "image"}, "/there"),
        Settings(),
    )
    done.save(tmp_path / "run.json")
    saved = load_runs(tmp_path / "run.json", "/photos")
    here = [query("a", {"/photos/a.jpg": 1}), query("b", {"/photos/b.jpg": 1, "/photos/c.jpg": 1})]
    known = subject(["/photos/a.jpg", "/photos/b.jpg", "/photos/c.jpg"])
    search = fake_search({"a": [], "b": []})
    (comparison,) = evaluate(here, search, known, Settings(), baseline=saved).report.comparisons
    assert (comparison.queries, comparison.left_out) == (1, 1)
    assert comparison.metrics["hit@1"].difference.value == -1
    with pytest.raises(UsageError, match="none of these queries"):
        evaluate(here[1:], search, known, Settings(), baseline=saved)


def test_a_baseline_of_several_runs_needs_the_same_names(queries, fake_search, tmp_path):
    found = {f"q{n}": {mode: FILES for mode in ("vector", "text", "hybrid")} for n in range(10)}
    search = fake_search(found)
    evaluate(queries, search, subject(), Settings(modes=("vector", "text"))).save(tmp_path / "run.json")
    saved = load_runs(tmp_path / "run.json", "/photos")
    with pytest.raises(UsageError, match="no run 'hybrid', but vector, text"):
        evaluate(queries, search, subject(), Settings(modes=("hybrid",)), baseline=saved)
    report = evaluate(queries, search, subject(), Settings(modes=("text",)), baseline=saved).report
    assert report.comparisons[0].before == "text (baseline)"


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[]",
        "{}",
        '{"format": "mmsearch evaluation", "version": 2, "queries": [], "runs": []}',
        '{"format": "mmsearch evaluation", "version": 1, "queries": [], "runs": []}',
        '{"format": "mmsearch evaluation", "version": 1, "queries": [{"id": 1}], "runs": []}',
        '{"format": "mmsearch evaluation", "version": 1, "queries": [{"id": "a", "request": {"parts": []}, '
        '"relevant": {"a": 1}}], "runs": [{"name": "x", "rankings": []}]}',
        '{"format": "mmsearch evaluation", "version": 1, "queries": [{"id": "a", "request": {"parts": []}, '
        '"relevant": {"a": 1}}], "runs": [{"name": "x", "rankings": [[["a", NaN]]]}]}',
        "[" * 50_000,
    ],
)
def test_other_files_are_no_baseline(document, tmp_path):
    (tmp_path / "run.json").write_text(document)
    with pytest.raises(UsageError, match="no evaluation that is known here"):
        load_runs(tmp_path / "run.json", "/photos")


@pytest.mark.parametrize(
    "settings",
    [{"depth": 9}, {"depth": 10_001}, {"modes": ("psychic",)}, {"modes": ("text", "text")}, {"limit": 0}],
)
def test_settings_that_make_no_sense(settings):
    with pytest.raises(UsageError):
        Settings(**settings)


def test_what_is_no_fault_of_a_query_is_raised(queries, fake_search):
    with pytest.raises(CollectionDamaged):
        evaluate(queries, fake_search({"q0": CollectionDamaged("Gone.")}), subject(), Settings())
