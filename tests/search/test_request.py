"""A query as a JSON object, and the checks that every way of asking goes through."""

import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.errors import ModelNotFound, QueryError
from mmsearch.search.request import Request, from_json
from mmsearch.search.terms import Term

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10) | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(
    ["text", "image", "audio", "like", "vector", "negative", "parts", "where", "sort", "k", "offset", "mode", "combine",
     "modality", "min_score", "group", "dedupe", "quotas", "explain", "log", "rerank", "reranker", "rerank_depth",
     "budget_ms", "other"]
)  # fmt: skip


def test_all_of_it():
    request = from_json(
        {
            "text": ["2:cat", "image:/etc/passwd"],
            "image": "a.jpg",
            "like": 17,
            "vector": [0.5, 1],
            "negative": "0.5:dog",
            "parts": [{"audio": "b.wav", "weight": -0.25}, {"item": "c.jpg"}, {"text": "2:vector:v.npy"}],
            "modality": ["image", "text"],
            "where": "year > 2020",
            "sort": "-taken",
            "mode": "vector",
            "combine": "fuse",
            "k": 5,
            "offset": 10,
            "min_score": 0.5,
            "group": False,
            "dedupe": True,
            "quotas": {"image": 3},
            "rerank": False,
            "reranker": "blip:/models/blip",
            "rerank_depth": 50,
            "budget_ms": 20,
        }
    )
    assert set(map(repr, request.terms)) == {
        repr(Term("audio", "b.wav", -0.25)),
        repr(Term("item", "c.jpg")),
        repr(Term("text", "2:vector:v.npy")),
        repr(Term("text", "cat", 2.0)),
        repr(Term("text", "image:/etc/passwd")),
        repr(Term("image", "a.jpg")),
        repr(Term("item", 17)),
        repr(Term("vector", [0.5, 1])),
        repr(Term("text", "dog", -0.5)),
    }
    assert request.modality == {"image", "text"}
    assert (request.where, request.sort, request.mode, request.combine) == ("year > 2020", "-taken", "vector", "fuse")
    assert (request.k, request.offset, request.min_score, request.group, request.dedupe) == (5, 10, 0.5, False, True)
    assert request.quotas == {"image": 3}
    again = request.rerank, request.reranker, request.rerank_depth, request.budget_ms
    assert again == (False, "blip:/models/blip", 50, 20.0)


def test_relative_files_count_from_the_base():
    given_ = {"image": ["a.jpg", "/b.jpg"], "text": "a.jpg", "like": "c.jpg", "negative": "audio:d.wav"}
    request = from_json(given_ | {"parts": [{"audio": "d.wav", "weight": -1}]}, base="/folder")
    assert {term.value for term in request.terms} == {
        "a.jpg", "/folder/a.jpg", "/b.jpg", "c.jpg", "audio:d.wav", "/folder/d.wav",
    }  # fmt: skip


def test_what_is_none_was_not_said():
    names_ = ("text", "image", "vector", "parts", "where", "modality", "k", "offset", "min_score", "quotas", "group")
    assert from_json(dict.fromkeys(names_)) == Request()


def test_written_and_read_again_it_is_the_same():
    request = from_json({"text": ["2:cat"], "image": "a.jpg", "modality": "image", "where": "x = 1", "k": 3})
    assert from_json(json.loads(json.dumps(request.to_json()))) == request


def test_data_is_named_and_not_written():
    request = Request((Term("image", b"secret"), Term("image", Path("a.jpg")), Term("vector", np.zeros(3))))
    written = json.dumps(request.to_json())
    assert "secret" not in written
    assert '"image": "a.jpg"' in written
    assert '"vector": "<ndarray>"' in written


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"txt": "cat"}, "no 'txt'"),
        ({"k": 0}, "at least 1"),
        ({"k": True}, "'k'"),
        ({"k": 2.5}, "'k'"),
        ({"k": np.ones(2)}, "'k'"),
        ({"k": 10**5_000}, "together"),
        ({"k": -(10**5_000)}, "at least 1"),
        ({"offset": 1.5}, "'offset'"),
        ({"min_score": "a"}, "'min_score'"),
        ({"min_score": 10**5_000}, "'min_score'"),
        ({"quotas": 5}, "'quotas'"),
        ({"quotas": {"image": 10**5_000}}, "quota"),
        ({"quotas": "image=" + "9" * 5_000}, "quota"),
        ({"quotas": {"video": 3}}, "for image, audio, text, not 'video'"),
        ({"quotas": "=3"}, "for image, audio, text"),
        ({"modality": 5}, "'modality'"),
        ({"modality": [["image"]]}, "'modality'"),
        ({"mode": ["vector"]}, "'mode'"),
        ({"parts": [{"text": "image:a.jpg", "weight": True}]}, "'weight'"),
        ({"parts": [{"text": ["a"]}]}, "no text"),
        ({"parts": [{"item": {"a": 1}}]}, "id or its path"),
        ({7: 1}, "no '7'"),
        ({"k": "5"}, "'k'"),
        ({"offset": -1}, "at least"),
        ({"k": 10**9}, "together"),
        ({"min_score": 2}, "from 0 to 1"),
        ({"min_score": float("nan")}, "from 0 to 1"),
        ({"mode": "magic"}, "no mode 'magic'; known: vector, text, hybrid"),
        ({"combine": "or"}, "no combine 'or'"),
        ({"modality": "movie"}, "no modality 'movie'"),
        ({"quotas": {"image": -1}}, "quota"),
        ({"text": {"a": 1}}, "no text"),
        ({"text": [True]}, "no text"),
        ({"parts": {"text": "a"}}, "'parts'"),
        ({"parts": [{"text": "a", "image": "b"}]}, "has one of"),
        ({"parts": [{"weight": 1}]}, "has one of"),
        ({"parts": [{"text": "a", "weight": 0}]}, "other than 0"),
        ({"parts": [{"text": "a", "weight": "2"}]}, "a number"),
        ({"where": 7}, "'where'"),
        ({"group": 1}, "'group'"),
        ({"rerank": 1}, "'rerank'"),
        ({"reranker": ["maxsim"]}, "'reranker'"),
        ({"rerank_depth": 0}, "from 1 to 10,000"),
        ({"rerank_depth": 10**5_000}, "from 1 to 10,000"),
        ({"rerank_depth": 5.0}, "'rerank_depth'"),
        ({"budget_ms": -1}, "above 0"),
        ({"budget_ms": float("inf")}, "above 0"),
        ({"budget_ms": "20"}, "'budget_ms'"),
    ],
)
def test_what_is_not_a_query_is_refused(request_, message):
    with pytest.raises(QueryError, match=message):
        from_json(request_)


def test_a_re_ranker_that_nobody_knows():
    with pytest.raises(ModelNotFound, match="known: builtin, maxsim"):
        from_json({"text": "cat", "reranker": "psychic:x"})


@given(st.dictionaries(names, json_values, max_size=5))
def test_any_json_is_a_request_or_a_clear_error(request_):
    with suppress(QueryError, ModelNotFound):
        assert isinstance(from_json(request_), Request)
