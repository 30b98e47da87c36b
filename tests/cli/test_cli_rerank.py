"""Re-ranking from the command line: `search` and `evaluate`."""

import json
import os

import pytest

import mmsearch
from mmsearch.rerankers.maxsim import MaxSimReranker


@pytest.fixture
def reversing(monkeypatch):
    """Let maxsim put the worst first, so that it can be seen to be at work."""
    usual = MaxSimReranker.score
    monkeypatch.setattr(MaxSimReranker, "weights", {"image": 1000.0})
    monkeypatch.setattr(MaxSimReranker, "score", lambda *given: -usual(*given))


def pictures(ran):
    return [os.path.basename(hit["path"]) for hit in ran.objects if hit["modality"] == "image"]


def test_a_named_re_ranker_re_orders(cli, shared, reversing):
    plain = cli("search", "red", "--mode", "vector")
    again = cli("search", "red", "--mode", "vector", "--reranker", "maxsim")
    assert (plain.exit_code, again.exit_code, again.stderr) == (0, 0, plain.stderr)
    assert pictures(plain)[0] == "red.png"
    assert pictures(again)[-1] == "red.png"
    assert [hit["score"] for hit in again.objects] == [hit["score"] for hit in plain.objects]
    assert set(again.objects[0]) == set(plain.objects[0])
    assert pictures(cli("search", "red", "--mode", "vector", "--reranker", "maxsim", "--rerank-depth", "1"))[0] == (
        "red.png"
    )


def test_the_last_word_has_no_rerank(cli, shared, reversing, tmp_path):
    path = tmp_path / "query.json"
    path.write_text(json.dumps({"text": "red", "mode": "vector", "reranker": "maxsim", "rerank_depth": 50}))
    assert pictures(cli("search", "--request", path))[-1] == "red.png"
    assert pictures(cli("search", "--request", path, "--no-rerank"))[0] == "red.png"


def test_settings_choose_too(cli, own, reversing):
    (own / "mmsearch.toml").write_text('[search]\nreranker = "maxsim"\nhybrid = false\n')
    assert pictures(cli("search", "red"))[-1] == "red.png"
    assert pictures(cli("search", "red", "--no-rerank"))[0] == "red.png"
    (own / "mmsearch.toml").write_text('[search]\nreranker = "maxsim"\nhybrid = false\nrerank = false\n')
    assert pictures(cli("search", "red"))[0] == "red.png"
    assert pictures(cli("search", "red", "--rerank"))[-1] == "red.png"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["a dog", "--rerank"], "Not re-ranked: no re-ranker is known to help here; name one, such as maxsim."),
        (["2:red", "1:dog", "--reranker", "maxsim"], "only the hits of a query of one text are"),
        (["red", "--mode", "text", "--rerank-depth", "5"], "choose the mode hybrid or vector"),
        (["--modality", "image", "--rerank"], "a list has no ranking"),
    ],
)
def test_why_it_was_not_done_goes_to_stderr(cli, shared, args, said):
    ran = cli("search", *args)
    assert ran.exit_code == 0
    assert said in ran.stderr
    assert said not in cli("search", *args, "-q").stderr


def test_without_tokens_the_remedy_is_named(cli, home, media):
    with mmsearch.open("default", home=home, model="hashing") as collection:
        collection.index(media, workers=1)
        with collection._storage.writing() as shelves, shelves.catalog.write() as writer:
            writer.keep_tokens("")
    assert "`mmsearch rebuild --tokens` makes them" in cli("search", "red", "--reranker", "maxsim").stderr


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["--reranker", "psychic"], 6, "There is no re-ranker 'psychic'; known: builtin, maxsim, blip, cross_encoder"),
        (["--reranker", "maxsim:what"], 2, "named 'maxsim', without an argument"),
        (["--rerank-depth", "0"], 2, "rerank_depth must be from 1 to 10,000, not 0"),
        (["--rerank-depth", "10001"], 2, "rerank_depth must be from 1 to 10,000, not 10001"),
        (["--budget-ms", "0"], 2, "budget_ms must be above 0"),
        (["--budget-ms", "nan"], 2, "budget_ms must be above 0"),
        (["--budget-ms", "inf"], 2, "budget_ms must be above 0"),
    ],
)
def test_what_cannot_be_meant(cli, shared, args, code, said):
    ran = cli("search", "red", *args)
    assert (ran.exit_code, ran.stdout) == (code, "")
    assert said in ran.stderr


def test_an_explanation_for_a_person(cli, shared):
    ran = cli("search", "red", "--reranker", "maxsim", "--explain", "--modality", "image", "-k", "2", terminal=True)
    assert "re-ranked" in ran.stdout
    assert "rank 1 before; maxsim gives" in ran.stdout


def test_the_log_keeps_how_it_was_asked(cli, own):
    cli("search", "red", "--log", "--reranker", "maxsim", "--rerank-depth", "7", "--budget-ms", "1e6")
    with mmsearch.open(home=own) as collection:
        (query,) = collection.logged_queries()
    assert {name: query.request[name] for name in ("reranker", "rerank_depth", "budget_ms")} == {
        "reranker": "maxsim",
        "rerank_depth": 7,
        "budget_ms": 1e6,
    }
    assert "rerank" not in query.request


@pytest.fixture
def qrels(tmp_path, media):
    path = tmp_path / "queries.jsonl"
    rows = [{"query": colour, "relevant": str(media / f"{colour}.png")} for colour in ("red", "green", "blue")]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def means(report):
    return {run["name"]: run["groups"][0]["metrics"]["hit@1"]["value"] for run in report["runs"]}


def test_evaluate_compares_with_and_without(cli, shared, reversing, qrels):
    ran = cli("evaluate", qrels, "--compare-rerank", "--reranker", "maxsim", "--modes", "vector", "--modality", "image")
    (report,) = ran.objects
    assert means(report) == {"first stage": 1, "re-ranked": 0}
    (comparison,) = report["comparisons"]
    assert (comparison["before"], comparison["after"]) == ("first stage", "re-ranked")
    gain = comparison["metrics"]["hit@1"]
    assert (gain["difference"]["value"], gain["difference"]["high"], gain["worse"]) == (-1, -1, 3)
    gated = cli("evaluate", qrels, "--compare-rerank", "--reranker", "maxsim", "--gate", "change:mAP>=0")
    assert gated.exit_code == 9


def test_evaluate_with_and_without(cli, shared, reversing, qrels):
    options = ["--modes", "vector", "--modality", "image"]
    (report,) = cli("evaluate", qrels, *options, "--reranker", "maxsim").objects
    assert means(report) == {"vector": 0}
    (report,) = cli("evaluate", qrels, *options, "--reranker", "maxsim", "--rerank-depth", "1").objects
    assert means(report) == {"vector": 1}
    (report,) = cli("evaluate", qrels, *options, "--reranker", "maxsim", "--no-rerank").objects
    assert means(report) == {"vector": 1}


def test_evaluate_says_what_searches_said(cli, shared, qrels):
    ran = cli("evaluate", qrels, "--compare-rerank")
    said = "no re-ranker is known to help here; name one, such as maxsim."
    assert f"re-ranked: Not re-ranked: {said} (3 of 3 queries)" in ran.stderr
    assert [run["notices"] for run in ran.objects[0]["runs"]] == [{}, {f"Not re-ranked: {said}": 3}]


@pytest.mark.parametrize(
    "args",
    [
        ["--compare-rerank", "--modes", "vector,text"],
        ["--compare-rerank", "--trec", "run.txt"],
        ["--reranker", "psychic"],
        ["--rerank-depth", "0"],
    ],
)
def test_evaluations_that_make_no_sense(cli, shared, qrels, args, monkeypatch):
    monkeypatch.setattr("mmsearch.collection.searching.search", None)
    ran = cli("evaluate", qrels, *args)
    assert ran.exit_code in (2, 6)
    assert ran.stdout == ""
    assert "bug" not in ran.stderr
