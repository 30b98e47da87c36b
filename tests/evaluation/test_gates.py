import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.errors import GateFailed, UsageError
from mmsearch.evaluation.gates import check_gates, parse_gate
from mmsearch.evaluation.report import Change, Comparison, EvaluationReport, Group, IndexRecall, RunReport
from mmsearch.gain_reports import Interval

INF = float("inf")


def interval(value):
    return Interval(value, value, value)


def run(name, recall, rank=3.0):
    metrics = {"recall@10": interval(recall), "median_rank": interval(rank)}
    return RunReport(name, (Group("all", "all", 9, metrics), Group("target", "image", 4, metrics)))


def report(*runs, comparisons=(), index=None):
    return EvaluationReport("c", "m", 1, "0", 100, 9, 0, 0, 9, 0, (), runs, comparisons, index)


def check(text, measured):
    check_gates([parse_gate(text, 100)], measured)


@pytest.mark.parametrize(
    ("text", "gate"),
    [
        ("recall@10>=0.4", ("", "recall@10", ">=", 0.4)),
        (" RECALL@10 >= 40% ", ("", "recall@10", ">=", 0.4)),
        ("image:mrr>.5".replace(">.", ">0."), ("image", "MRR", ">", 0.5)),
        ("change : ndcg@10 >= -0.01", ("change", "nDCG@10", ">=", -0.01)),
        ("median_rank<=5", ("", "median_rank", "<=", 5.0)),
        ("index_recall>=0.95", ("", "index_recall", ">=", 0.95)),
    ],
)
def test_what_gates_say(text, gate):
    parsed = parse_gate(text, 100)
    assert (parsed.scope, parsed.metric, parsed.operator, parsed.number) == gate


@pytest.mark.parametrize(
    "text",
    [
        *"recall@10 recall@10=0.4 recall@10>=x recall@101>=0.4 >=0.4 recall@10>=0.4;rm recall@10>=nan".split(),
        *"recall@10>==1 dogs:recall@10>=0.4 image:index_recall>=0.5 change:median_rank<1 recall@10>=1e9".split(),
        "",
    ],
)
def test_other_texts_are_refused(text):
    with pytest.raises(UsageError):
        parse_gate(text, 100)


@given(text=st.text(max_size=30) | st.text(alphabet="recall@10>=<.:%- mapMRR", max_size=20))
def test_no_text_does_harm(text):
    try:
        gate = parse_gate(text, 100)
    except UsageError:
        return
    assert gate.operator in (">=", "<=", ">", "<")
    assert parse_gate(f"{gate.metric}{gate.operator}{gate.number:.12f}", 100).number == pytest.approx(gate.number)


def test_a_sum_that_rounding_spoils_still_reaches_its_gate():
    check("recall@10>=0.3", report(run("default", 0.1 + 0.2 - 1e-12)))


def test_every_run_must_reach_it():
    both = report(run("vector", 0.4), run("hybrid", 0.3))
    with pytest.raises(GateFailed, match=r"recall@10>=0.4: it is 0.3 \(hybrid\)") as caught:
        check("recall@10>=0.4", both)
    assert "vector" not in caught.value.message
    assert caught.value.exit_code == 9


def test_all_that_is_missed_is_said():
    gates = [parse_gate(text, 100) for text in ("recall@10>0.5", "recall@10>0.1", "image:median_rank<=3")]
    with pytest.raises(GateFailed) as caught:
        check_gates(gates, report(run("default", 0.4, rank=INF)))
    assert caught.value.message.splitlines() == [
        "2 of the gates' values are not met.",
        "recall@10>0.5: it is 0.4 (default)",
        "image:median_rank<=3: it is beyond 100 (default)",
    ]


def test_what_was_not_measured_is_not_reached():
    with pytest.raises(GateFailed, match="nothing of the kind"):
        check("audio:recall@10>=0", report(run("default", 1)))
    with pytest.raises(GateFailed, match="nothing of the kind"):
        check("index_recall>=0", report(run("default", 1)))


def test_changes_and_the_index():
    gain = Change(interval(-0.05), 1, 2)
    measured = report(
        run("vector", 1),
        comparisons=(Comparison("a", "b", 9, 0, {"mAP": gain}, ()),),
        index=IndexRecall("ivf", 100, 10, 9, interval(0.97)),
    )
    check("change:mAP>=-0.05", measured)
    check("index_recall>=95%", measured)
    with pytest.raises(GateFailed, match=r"it is -0.05 from a to b"):
        check("change:mAP>=0", measured)
