from urllib.parse import unquote_to_bytes

import ir_measures
import pytest

from mmsearch.errors import UsageError
from mmsearch.evaluation.metrics import query_values
from mmsearch.evaluation.outcome import Evaluation
from mmsearch.evaluation.ranking import Run

PATHS = ["/photos/my dog.jpg", "/photos/a%20b.jpg", "/elsewhere/z.jpg", "/photos/a.jpg", "/photos/\udcff é.jpg"]


@pytest.fixture
def evaluation(query):
    queries = (query("q 1", {PATHS[3]: 2, PATHS[4]: 1}), query("q2", {PATHS[0]: 1}), query("q3", {PATHS[1]: 1}))
    tied = tuple((path, 0.5) for path in PATHS)
    falling = tuple((path, 1 - n / 1e9) for n, path in enumerate(reversed(PATHS)))
    return Evaluation(None, queries, (Run("default", (tied, falling, ())),), "/photos")


def test_others_read_what_we_measured(evaluation, tmp_path):
    """Even where all scores are equal, or differ by less than single precision can hold."""
    evaluation.write_trec(tmp_path / "run.txt")
    evaluation.write_trec_qrels(tmp_path / "qrels.txt")
    run = list(ir_measures.read_trec_run(str(tmp_path / "run.txt")))
    qrels = list(ir_measures.read_trec_qrels(str(tmp_path / "qrels.txt")))
    measures = [ir_measures.RR, ir_measures.AP, ir_measures.nDCG @ 10, ir_measures.R @ 5]
    theirs = {(each.query_id, each.measure): each.value for each in ir_measures.iter_calc(measures, qrels, run)}
    relevant = [query.relevant for query in evaluation.queries]
    ours = query_values(relevant, evaluation.runs[0].paths(), ["MRR", "mAP", "nDCG@10", "recall@5"])
    for row, id in zip(ours, ["q%201", "q2", "q3"], strict=True):
        assert [theirs[id, measure] for measure in measures] == pytest.approx(row.tolist())


def test_names_are_quoted_and_can_be_had_back(evaluation, tmp_path):
    evaluation.write_trec(tmp_path / "run.txt")
    lines = [line.split() for line in (tmp_path / "run.txt").read_text().splitlines()]
    assert lines[0] == ["q%201", "Q0", "my%20dog.jpg", "1", "0.5", "mmsearch-default"]
    assert all(len(line) == 6 for line in lines)
    names = [unquote_to_bytes(line[2]) for line in lines[:5]]
    assert names == [b"my dog.jpg", b"a%20b.jpg", b"/elsewhere/z.jpg", b"a.jpg", b"\xff \xc3\xa9.jpg"]


def test_there_is_no_place_for_two_runs(evaluation, tmp_path):
    two = Evaluation(None, evaluation.queries, evaluation.runs * 2, "/photos")
    with pytest.raises(UsageError, match="holds one run"):
        two.write_trec(tmp_path / "run.txt")
