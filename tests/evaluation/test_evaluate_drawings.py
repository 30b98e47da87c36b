"""From end to end: drawn pictures and the built-in model, through the Python API."""

import json

import pytest

import mmsearch
from mmsearch.testing.drawings import draw_samples


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A collection of the drawings, a file of their captions, and one of their names."""
    folder = tmp_path_factory.mktemp("drawn")
    texts = draw_samples(folder)
    captions = [{"file": path.name, "caption": text} for path, text in texts.items()]
    (folder / "captions.jsonl").write_text("\n".join(map(json.dumps, captions)))
    names = [{"query": path.stem.replace("-", " "), "relevant": path.name} for path in texts]
    table = "\n".join(["query,relevant", *(f"{each['query']},{each['relevant']}" for each in names)])
    (folder / "names.csv").write_text(table)
    with mmsearch.open("drawn", home=tmp_path_factory.mktemp("home"), model="builtin") as collection:
        collection.index(*texts, workers=1)
        yield collection, folder


@pytest.mark.parametrize("name", ["captions.jsonl", "names.csv"])
def test_drawings_are_found(drawn, name):
    collection, folder = drawn
    measured = collection.evaluate(folder / name, modes="vector", depth=10, exact=True)
    got = measured.report.runs[0].overall.metrics
    assert measured.report.queries == 11
    assert got["hit@1"].value >= 9 / 11
    assert got["hit@5"].value >= got["hit@1"].value
    assert got["median_rank"].value == 1
    assert measured.report.index.recall.value == 1
    measured.check("MRR>=0.85", "image:recall@10>=0.9", "index_recall>=1")


def test_words_in_file_names_find_them(drawn):
    collection, folder = drawn
    report = collection.evaluate(folder / "names.csv", modes=("vector", "text", "hybrid")).report
    assert [run.name for run in report.runs] == ["vector", "text", "hybrid"]
    assert report.runs[1].overall.metrics["hit@1"].value >= 0.9
    assert [(each.before, each.after) for each in report.comparisons] == [("vector", "text"), ("vector", "hybrid")]


def test_the_queries_of_an_evaluation_are_not_noted(drawn):
    collection, folder = drawn
    collection.evaluate(folder / "names.csv", limit=2)
    with pytest.raises(mmsearch.MmsearchError, match="No query has a relevant file"):
        collection.evaluate(None)


def test_a_picture_finds_others_and_not_itself(drawn, tmp_path):
    collection, folder = drawn
    rows = [{"image": str(folder / "umbrella.jpg"), "relevant": str(folder / "balloon.jpg")}]
    (tmp_path / "q.jsonl").write_text(json.dumps(rows[0]))
    (run,) = collection.evaluate(tmp_path / "q.jsonl", modes="vector").runs
    (paths,) = run.paths()
    assert len(paths) == 10
    assert str(folder / "umbrella.jpg") not in paths


def test_what_was_said_of_hits_is_measured(drawn):
    collection, folder = drawn
    hits = collection.search("umbrella", log=True)
    collection.feedback(hits.query_id, str(folder / "umbrella.jpg"))
    collection.feedback(hits.query_id, str(folder / "balloon.jpg"), good=False)
    try:
        measured = collection.evaluate(None, modes="vector")
        assert [query.title for query in measured.queries] == ["umbrella"]
        assert measured.queries[0].relevant == {str(folder / "umbrella.jpg"): 1}
        assert measured.report.runs[0].overall.metrics["hit@1"].value == 1
    finally:
        assert collection.clear_log() == 1
