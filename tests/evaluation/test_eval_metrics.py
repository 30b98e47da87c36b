import sys
from math import log2

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.errors import DependencyMissing, UsageError
from mmsearch.evaluation.metrics import DEFAULT_METRICS, first_ranks, parse_metric, query_values

FILES = [f"f{n}" for n in range(12)]


def value(metric, relevant, ranking):
    return query_values([relevant], [ranking], [metric])[0, 0]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("hit@1", 0),
        ("hit@2", 1),
        ("recall@1", 0),
        ("recall@2", 1 / 3),
        ("recall@5", 2 / 3),
        ("MRR", 1 / 2),
        ("mAP", (1 / 2 + 2 / 4) / 3),  # the third is not found
        ("nDCG@10", (1 / log2(3) + 1 / log2(5)) / (1 + 1 / log2(3) + 1 / log2(4))),
    ],
)
def test_values_by_hand(metric, expected):
    assert value(metric, {"a": 1, "b": 1, "c": 1}, ["x", "a", "y", "b"]) == pytest.approx(expected)


def test_grades_count_in_ndcg_alone():
    relevant = {"best": 3, "good": 1}
    worse = value("nDCG@10", relevant, ["good", "best"])
    assert worse == pytest.approx((1 + 3 / log2(3)) / (3 + 1 / log2(3)))
    assert value("nDCG@10", relevant, ["best", "good"]) == pytest.approx(1)
    assert value("mAP", relevant, ["good", "best"]) == pytest.approx(1)


def test_our_order_counts_and_not_the_names():
    """trec_eval sorts equal scores by name, so it must never see any."""
    for ranking in (["a", "z"], ["z", "a"]):
        assert value("MRR", {"a": 1}, ranking) == 1 / (ranking.index("a") + 1)


def test_nothing_found_is_zero_in_everything():
    assert query_values([{"a": 1}], [[]], DEFAULT_METRICS).tolist() == [[0] * len(DEFAULT_METRICS)]
    assert first_ranks([{"a": 1}, {"a": 1}], [[], ["x", "a"]]).tolist() == [np.inf, 2]


def test_paths_that_are_not_unicode():
    assert value("MRR", {"/a\udcff.jpg": 1}, ["/b\udcfe.jpg", "/a\udcff.jpg"]) == 0.5


def test_many_queries_are_judged_each_by_its_own():
    relevant = [{FILES[n % 12]: 1} for n in range(2_500)]
    values = query_values(relevant, [FILES] * 2_500, ["MRR"])[:, 0]
    assert values == pytest.approx([1 / (n % 12 + 1) for n in range(2_500)])


@given(
    relevant=st.dictionaries(st.sampled_from(FILES), st.integers(1, 5), min_size=1),
    ranking=st.lists(st.sampled_from(FILES), unique=True),
)
def test_the_library_agrees_on_falling_scores(relevant, ranking):
    run = {"q": {path: 100.0 - rank for rank, path in enumerate(ranking)}}
    theirs = {
        "hit@5": ir_measures.Success @ 5,
        "recall@5": ir_measures.R @ 5,
        "MRR": ir_measures.RR,
        "nDCG@10": ir_measures.nDCG @ 10,
        "mAP": ir_measures.AP,
    }
    found = ir_measures.calc_aggregate(theirs.values(), {"q": relevant}, run)
    ours = dict(zip(theirs, query_values([relevant], [ranking], list(theirs))[0], strict=True))
    assert ours == pytest.approx({name: found[measure] for name, measure in theirs.items()})


@given(
    relevant=st.dictionaries(st.sampled_from(FILES), st.integers(1, 5), min_size=1),
    ranking=st.lists(st.sampled_from(FILES), unique=True),
)
def test_metrics_hang_together(relevant, ranking):
    names = ["hit@1", "hit@5", "recall@5", "recall@12", "MRR", "nDCG@10", "mAP"]
    got = dict(zip(names, query_values([relevant], [ranking], names)[0], strict=True))
    rank = first_ranks([relevant], [ranking])[0]
    assert all(0 <= each <= 1 + 1e-9 for each in got.values())
    assert got["MRR"] == pytest.approx(1 / rank)
    assert got["hit@5"] == (rank <= 5)
    assert got["hit@1"] <= got["hit@5"]
    assert got["recall@5"] <= got["recall@12"] == pytest.approx(len(set(ranking) & set(relevant)) / len(relevant))
    assert got["mAP"] <= got["recall@12"] + 1e-9


@pytest.mark.parametrize(
    ("given", "name"),
    [("HIT@3", "hit@3"), ("ndcg@20", "nDCG@20"), ("mrr", "MRR"), ("MAP", "mAP"), ("recall@007", "recall@7")],
)
def test_names_are_brought_to_one_writing(given, name):
    assert parse_metric(given, depth=100) == name


@pytest.mark.parametrize("name", ["recall", "recall@0", "recall@101", "R@5", "mrr@5", "", "hit@-1", "hit@1.5", "@5"])
def test_other_names_are_refused(name):
    with pytest.raises(UsageError, match="no metric"):
        parse_metric(name, depth=100)


def test_without_the_library_the_remedy_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "ir_measures", None)
    with pytest.raises(DependencyMissing, match=r"pip install 'mmsearch\[evaluate\]'"):
        value("MRR", {"a": 1}, ["a"])
