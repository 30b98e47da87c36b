import json

import ir_measures
import pytest

import mmsearch
from mmsearch.cli.options import GlobalOptions
from mmsearch.evaluation.settings import MIN_DEPTH

NOTES = {"dog.txt": "A dog runs along the beach.", "bread.md": "Bread needs flour, water, salt and time."}


@pytest.fixture
def qrels(tmp_path, media):
    """Both notes by their own words, one of them also with a file that is not there, and a query for nothing."""
    rows = [{"query": text, "relevant": str(media / name)} for name, text in NOTES.items()]
    rows[0]["relevant"] = [rows[0]["relevant"], str(media / "gone.txt")]
    rows.append({"query": "nothing", "relevant": str(media / "gone.txt")})
    path = tmp_path / "queries.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def value(report, metric, run=0):
    return report["runs"][run]["groups"][0]["metrics"][metric]["value"]


def test_a_pipe_gets_one_object(cli, shared, qrels, media):
    ran = cli("evaluate", qrels, "--modes", "vector")
    assert ran.exit_code == 0
    (report,) = ran.objects
    assert (report["queries"], report["dropped"], report["unknown"], report["model"]) == (2, 1, 1, "hashing")
    assert report["unknown_paths"] == [str(media / "gone.txt")]
    assert report["runs"][0]["name"] == "vector"
    assert value(report, "hit@1") == value(report, "mAP") == value(report, "median_rank") == 1
    assert f"1 relevant file not in the collection: {media / 'gone.txt'}" in ran.stderr
    assert "1 query has no relevant file in the collection" in ran.stderr


def test_a_terminal_gets_tables(cli, shared, qrels):
    ran = cli("evaluate", qrels, "--modes", "vector,text", "--exact", terminal=True)
    assert ran.exit_code == 0
    lines = [line.split() for line in ran.stdout.splitlines()]
    assert ["all", "queries", "vector", "text"] in lines
    assert ["hit@1", *["100.0%", "(100.0", "to", "100.0)"] * 2] in lines
    assert ["median", "rank", *["1", "(1", "to", "1)"] * 2] in lines
    assert ["mAP", "+0.0", "+0.0", "to", "+0.0", "0", "0"] in lines
    assert "2 queries for 2 relevant files in the collection default (model hashing)" in ran.stdout
    assert "finds 100.0% (100.0 to 100.0) of the true nearest 10 of 2 query vectors" in ran.stdout


def test_captions_and_pictures_as_queries(cli, shared, media, tmp_path):
    rows = [
        {"file": str(media / "yellow.jpg"), "caption": "A ripe lemon on a plate."},
        {"image": str(media / "red.png"), "relevant": str(media / "red.png")},
    ]
    (tmp_path / "q.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (report,) = cli("evaluate", tmp_path / "q.jsonl", "--modes", "vector").objects
    groups = {(each["by"], each["name"]): each for each in report["runs"][0]["groups"]}
    assert set(groups) == {("all", "all"), ("target", "image"), ("query", "text"), ("query", "image")}
    # The caption is a file of its own that stands for its picture.
    assert groups["query", "text"]["metrics"]["hit@1"]["value"] == 1
    assert groups["query", "image"]["metrics"]["hit@1"]["value"] == 1


def test_filters_narrow_the_search(cli, shared, qrels):
    (report,) = cli("evaluate", qrels, "--modality", "image").objects
    assert value(report, "hit@10") == 0
    assert value(report, "median_rank") is None
    ran = cli("evaluate", qrels, "--where", "no such thing")
    assert ran.exit_code == 2


def test_gates_are_checked_after_the_report(cli, shared, qrels):
    ran = cli("evaluate", qrels, "--modes", "vector", "--gate", "recall@3>=0.4", "--gate", "median_rank<1")
    assert ran.exit_code == 9
    assert value(ran.objects[0], "recall@3") == 1
    assert "median_rank<1: it is 1 (vector)" in ran.stderr
    ran = cli("evaluate", qrels, "--exact", "--gate", "index_recall>=100%", "--gate", "hit@1>0")
    assert ran.exit_code == 0
    assert "All gates are met: index_recall>=100%, hit@1>0." in ran.stderr


@pytest.mark.parametrize(
    "args",
    [
        ["--gate", "recall>=0.4"],
        ["--gate", "change:mAP>=0"],
        ["--gate", "index_recall>=0.9"],
        ["--modes", "psychic"],
        ["--modes", "vector,vector"],
        ["--modes", "vector,text", "--trec", "run.txt"],
        ["-k", "5"],
        ["--limit", "0"],
        ["--from-log"],
        ["--baseline", "missing.json"],
        ["--save", "no-such-folder/run.json"],
        ["--trec", "no-such-folder/run.txt"],
        ["--trec-qrels", "no-such-folder/qrels.txt"],
    ],
)
def test_what_makes_no_sense_ends_before_any_search(cli, shared, qrels, args, monkeypatch):
    monkeypatch.setattr("mmsearch.collection.searching.search", None)
    ran = cli("evaluate", qrels, *args)
    assert ran.exit_code in (2, 7, 8)
    assert ran.stdout == ""
    assert "bug" not in ran.stderr


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--limit", "0"], "The limit on queries must be at least 1, not 0."),
        (["--modes", "text,text"], "A mode is given twice: text, text."),
        (["--save", "no-such-folder/run.json"], "there is no folder"),
    ],
)
def test_one_message_a_fault(cli, shared, qrels, args, says):
    assert says in cli("evaluate", qrels, *args).stderr


def test_the_help_says_how_deep_one_must_look(cli):
    assert f"{MIN_DEPTH} or more" in cli("evaluate", "--help").stdout


def test_queries_of_the_log_that_cannot_be_asked_again_are_counted(cli, own, media):
    with mmsearch.open("default", home=own, model="hashing") as collection:
        for request in ({"text": "dog"}, {"image": "<ndarray>"}):
            collection.feedback(collection.note_query(request, ()), media / "dog.txt")
    ran = cli("evaluate", "--from-log", "--modes", "text")
    assert (ran.objects[0]["queries"], ran.objects[0]["unreadable"]) == (1, 1)
    assert "cannot be asked again, and did not count: 1." in ran.stderr


def test_either_a_file_or_the_log(cli, shared):
    ran = cli("evaluate")
    assert ran.exit_code == 2
    assert "either QRELS or --from-log" in ran.stderr


def test_an_empty_log_has_no_queries(cli, shared):
    ran = cli("evaluate", "--from-log")
    assert ran.exit_code == 2
    assert "No query has a relevant file" in ran.stderr


def test_a_saved_run_is_compared_with(cli, shared, qrels, tmp_path):
    saved = tmp_path / "run.json"
    assert cli("evaluate", qrels, "--modes", "vector", "--save", saved).exit_code == 0
    ran = cli("evaluate", qrels, "--modes", "text", "--baseline", saved, "--gate", "change:mAP>=0")
    assert ran.exit_code == 0
    (comparison,) = ran.objects[0]["comparisons"]
    assert (comparison["before"], comparison["after"]) == ("vector (baseline)", "text")
    assert comparison["metrics"]["mAP"]["difference"] == {"value": 0, "low": 0, "high": 0}


def test_others_can_score_the_export(cli, shared, qrels, tmp_path):
    run, judged = tmp_path / "run.txt", tmp_path / "qrels.txt"
    (report,) = cli("evaluate", qrels, "--trec", run, "--trec-qrels", judged).objects
    found = ir_measures.calc_aggregate(
        [ir_measures.RR, ir_measures.AP],
        ir_measures.read_trec_qrels(str(judged)),
        ir_measures.read_trec_run(str(run)),
    )
    assert found[ir_measures.RR] == pytest.approx(value(report, "MRR"))
    assert found[ir_measures.AP] == pytest.approx(value(report, "mAP"))


def test_options_reach_the_collection(cli, qrels, monkeypatch):
    class Fake:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def evaluate(self, qrels, **options):
            raise KeyboardInterrupt(options)

    seen = []
    monkeypatch.setattr(GlobalOptions, "open", lambda self: Fake())
    monkeypatch.setattr(Fake, "evaluate", lambda self, *args, **options: seen.append((args, options)) or 1 / 0)
    cli("evaluate", qrels, "--modes", "text, hybrid", "-k", "50", "--limit", "9", "--gate", "hit@20>=0")
    ((args, options),) = seen
    assert args == (qrels,)
    assert (options["modes"], options["depth"], options["limit"]) == (["text", "hybrid"], 50, 9)
    assert options["metrics"] == ["hit@20"]
