import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.config import Limits
from mmsearch.errors import MediaError, UsageError
from mmsearch.evaluation import qrels as qrels_module
from mmsearch.evaluation.qrels import from_log, read_qrels
from mmsearch.reports import ClickedQuery

LIMITS = Limits().for_machine(workers=1)


@pytest.fixture
def read(tmp_path):
    def read(*rows, name="q.jsonl"):
        path = tmp_path / name
        path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
        return read_qrels(path, LIMITS)

    return read


def parts(query):
    return query.request["parts"]


def test_a_text_and_its_files(read, tmp_path):
    (query,) = read({"query": "2:a dog", "relevant": ["dog.jpg", "sub/../rex.jpg", "/elsewhere/d.jpg"]})
    assert parts(query) == [{"text": "2:a dog", "weight": 1.0}]  # not a weight
    assert query.relevant == {str(tmp_path / "dog.jpg"): 1, str(tmp_path / "rex.jpg"): 1, "/elsewhere/d.jpg": 1}
    assert (query.kind, query.title) == ("text", "2:a dog")


def test_grades_and_options(read, tmp_path):
    (query,) = read(
        {"id": 7, "query": "dog", "relevant": {"a.jpg": 3, "b.jpg": 0}, "where": "year > 2020", "modality": "image"}
    )
    assert query.id == "7"
    assert query.relevant == {str(tmp_path / "a.jpg"): 3}
    assert query.request["where"] == "year > 2020"
    assert query.request["modality"] == ["image"]


def test_the_grammar_of_searches(read, tmp_path):
    composed, picture, item = read(
        {"parts": [{"text": "cat", "weight": 2}, {"image": "a.jpg"}], "combine": "fuse", "relevant": "x.jpg"},
        {"image": "a.jpg", "relevant": "x.jpg"},
        {"parts": [{"item": 17}], "relevant": "x.jpg"},
    )
    assert parts(composed) == [{"text": "cat", "weight": 2.0}, {"image": str(tmp_path / "a.jpg"), "weight": 1.0}]
    assert composed.request["combine"] == "fuse"
    assert [each.kind for each in (composed, picture, item)] == ["composed", "image", "item"]
    assert picture.own_files == {str(tmp_path / "a.jpg")}
    assert item.own_files == frozenset()


def test_rows_of_a_table_collect(read, tmp_path):
    found = read("Query,Relevant,Grade", "a dog,a.jpg,2", "a cat,c.jpg,", "a dog,b.jpg,1", name="q.csv")
    assert [(parts(each)[0]["text"], each.relevant) for each in found] == [
        ("a dog", {str(tmp_path / "a.jpg"): 2, str(tmp_path / "b.jpg"): 1}),
        ("a cat", {str(tmp_path / "c.jpg"): 1}),
    ]


def test_cells_of_a_table_are_numbers_and_yes_or_no(read):
    rows = ("query,relevant,Min_Score,dedupe,quotas", "dog,a.jpg,0.5,TRUE,image=5", "cat,b.jpg,,no,", "owl,c.jpg,,,")
    dog, cat, owl = (each.request for each in read(*rows, name="q.csv"))
    assert (dog["min_score"], dog["dedupe"], dog["quotas"]) == (0.5, True, {"image": 5})
    assert set(cat) == set(owl) == {"parts"}


@pytest.mark.parametrize(
    ("column", "cell", "says"),
    [
        ("min_score", "0.5 or so", "`min_score` must be a number"),
        ("min_score", "7", "min_score must be from 0 to 1"),
        ("min_score", "nan", "min_score must be from 0 to 1"),
        ("dedupe", "maybe", "`dedupe` must be true or false"),
    ],
)
def test_cells_that_cannot_be_read(read, column, cell, says):
    with pytest.raises(UsageError, match=rf"q\.tsv, line 3: .*{says}"):
        read(f"query\trelevant\t{column}", "dog\ta.jpg\t", f"cat\tb.jpg\t{cell}", name="q.tsv")


def test_in_json_a_text_is_no_number(read):
    with pytest.raises(UsageError, match=r"line 1: .*min_score"):
        read({"query": "dog", "relevant": "a.jpg", "min_score": "0.5"})


def test_captions_are_queries_for_their_file(read, tmp_path):
    found = read(
        {"file": "a.jpg", "captions": ["A dog", "a lake"]},
        {"file": "b.jpg", "caption": "a  DOG"},
    )
    assert [each.title for each in found] == ["A dog", "a lake"]
    assert found[0].relevant == {str(tmp_path / "a.jpg"): 1, str(tmp_path / "b.jpg"): 1}


def test_ids_are_the_same_wherever_the_folder_lies(tmp_path):
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        path = tmp_path / name / "q.jsonl"
        path.write_text('{"query": "dog", "image": "a.jpg", "relevant": "x.jpg"}')
        made.append(read_qrels(path, LIMITS)[0])
    assert made[0].id == made[1].id
    assert made[0].request != made[1].request


def test_a_query_without_relevant_files_is_kept_to_be_counted(read):
    assert [each.relevant for each in read({"query": "dog", "relevant": []})] == [{}]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"query": "dog"}, "neither has `relevant`"),
        ({"query": "dog", "relevant": 5}, "must be a path"),
        ({"query": "dog", "relevant": ["a", 5]}, "must be a path"),
        ({"query": "dog", "relevant": {"a.jpg": 1.5}}, "a grade is a whole number"),
        ({"query": "dog", "relevant": {"a.jpg": True}}, "a grade is a whole number"),
        ({"query": "dog", "relevant": {"a.jpg": -1}}, "a grade is a whole number"),
        ({"query": "dog", "relevant": {"a.jpg": 10**9}}, "a grade is a whole number"),
        ({"query": "dog", "relevant": "a.jpg", "grade": "9" * 9_999}, "a grade is a whole number"),
        ({"query": "dog", "relevant": "a\0.jpg"}, "is no path"),
        ({"query": "dog", "relevant": [""]}, "is no path"),
        ({"query": ["dog"], "relevant": "a.jpg"}, "cannot search for the text"),
        ({"query": "  ", "relevant": "a.jpg"}, "cannot search for the text"),
        ({"relevant": "a.jpg"}, "nothing to search for"),
        ({"parts": "dog", "relevant": "a.jpg"}, "'parts' of a query"),
        ({"parts": "dog", "query": "dog", "relevant": "a.jpg"}, "`parts` must be a list"),
        ({"parts": [{"text": "dog", "weight": 0}], "relevant": "a.jpg"}, "weight"),
        ({"parts": [{"text": "dog", "image": "a"}], "relevant": "a.jpg"}, "A part of a query"),
        ({"query": "dog", "relevant": "a.jpg", "mode": "psychic"}, "no mode"),
        ({"query": "dog", "relevant": "a.jpg", "id": ""}, None),
        ({"query": "dog", "relevant": "a.jpg", "id": "x" * 201}, "an id is a text"),
        ({"query": "dog", "relevant": "a.jpg", "id": True}, "an id is a text"),
        ([1, 2], "not an object"),
        ("{nonsense", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
    ],
)
def test_what_cannot_be_read_says_where(read, row, says):
    rows = ({"query": "fine", "relevant": "f.jpg"}, row)
    if says is None:  # an empty cell is as if it were not there
        assert len(read(*rows)) == 2
        return
    with pytest.raises(UsageError, match=says) as caught:
        read(*rows)
    assert "q.jsonl, line 2" in caught.value.message
    assert caught.value.remedy


def test_one_id_for_two_queries(read):
    with pytest.raises(UsageError, match="line 2: the id 'x' was given to another query"):
        read({"id": "x", "query": "a", "relevant": "a.jpg"}, {"id": "x", "query": "b", "relevant": "a.jpg"})


def test_other_endings_and_empty_files(read, tmp_path):
    with pytest.raises(UsageError, match="neither JSON lines nor a table"):
        read({"query": "a", "relevant": "b"}, name="q.txt")
    with pytest.raises(UsageError, match="has no queries"):
        read("", {"file": "a.jpg"})
    with pytest.raises(MediaError):
        read_qrels(tmp_path / "missing.jsonl", LIMITS)
    for content in (b"", b"\0\1\2"):
        (tmp_path / "odd.jsonl").write_bytes(content)
        with pytest.raises(MediaError, match=r"odd\.jsonl: "):
            read_qrels(tmp_path / "odd.jsonl", LIMITS)


def test_limits_hold(read, monkeypatch):
    monkeypatch.setattr(qrels_module, "MAX_QUERIES", 2)
    monkeypatch.setattr(qrels_module, "MAX_RELEVANT", 3)
    with pytest.raises(UsageError, match="line 3: there may be 2 queries, with 3 relevant files each"):
        read(*({"query": f"q{n}", "relevant": "a.jpg"} for n in range(3)))
    with pytest.raises(UsageError, match="line 1: there may be"):
        read({"query": "q", "relevant": [f"{n}.jpg" for n in range(4)]})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = [*qrels_module._REQUEST, "query", "relevant", "grade", "id", "file", "caption"]


@settings(deadline=None)
@given(row=st.dictionaries(st.sampled_from(KEYS), JSON, max_size=5))
def test_no_row_does_harm(row, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "fuzz.jsonl"
    path.write_text(json.dumps(row))
    try:
        found = read_qrels(path, LIMITS)
    except UsageError:
        return
    for query in found:
        assert parts(query)
        assert all(os.path.isabs(relevant) for relevant in query.relevant)
        json.dumps([query.id, query.title, query.kind, query.request]).encode()


def clicked(request, *good, bad=()):
    return ClickedQuery(1, "2026-01-01T00:00:00+00:00", json.dumps(request), 10, good, bad)


def test_queries_of_the_log():
    dog = {"parts": [{"text": "dog", "weight": 1.0}], "k": 20, "group": False}
    found, unreadable = from_log(
        [
            clicked(dog, "/a.jpg", bad=("/z.jpg",)),
            clicked(dog | {"k": 5}, "/b.jpg"),
            clicked({"parts": [{"image": "<ndarray>", "weight": 1.0}]}, "/c.jpg"),
            clicked({"where": "year > 2020"}, "/c.jpg"),
        ]
    )
    assert [(each.title, each.relevant) for each in found] == [("dog", {"/a.jpg": 1, "/b.jpg": 1})]
    assert set(found[0].request) == {"parts"}
    assert unreadable == 2
