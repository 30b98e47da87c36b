import pytest

from mmsearch.errors import CollectionDamaged, MediaDamaged, QueryError
from mmsearch.evaluation.judged import JudgedQuery
from mmsearch.evaluation.ranking import search_all


def run(search, *queries, depth=10, **options):
    return search_all("default", queries, search, depth=depth, options=options)


def test_a_file_is_ranked_once_and_captions_stand_for_theirs(query, fake_search, make_hit):
    hits = [
        make_hit(1, "/a.txt", 0.9, about="/dog.jpg"),
        make_hit(2, "/dog.jpg", 0.8),
        make_hit(3, "/cat.jpg", 0.8),
        make_hit(4, "/cat.jpg", 0.7),
    ]
    found = run(fake_search({"dog": hits}), query("dog", {"/dog.jpg": 1}))
    assert found.rankings == ((("/dog.jpg", 0.9), ("/cat.jpg", 0.8)),)
    assert found.paths() == [["/dog.jpg", "/cat.jpg"]]


def test_the_search_is_told_the_request_the_depth_and_the_options(query, fake_search):
    search = fake_search({"dog": ["/a"]})
    run(search, query("dog", {"/a": 1}, where="x = 1"), depth=33, mode="text")
    assert search.asked == [({"parts": [{"text": "dog", "weight": 1.0}], "where": "x = 1"}, 33, {"mode": "text"})]


def test_a_picture_is_no_answer_to_itself_unless_it_is_said_to_be(fake_search):
    request = {"parts": [{"image": "/me.jpg", "weight": 1.0}]}
    search = fake_search({"/me.jpg": ["/me.jpg", "/a.jpg", "/b.jpg"]})
    others = JudgedQuery("q", request, {"/b.jpg": 1})
    itself = JudgedQuery("q", request, {"/me.jpg": 1})
    assert run(search, others, depth=2).paths() == [["/a.jpg", "/b.jpg"]]
    assert run(search, itself, depth=2).paths() == [["/me.jpg", "/a.jpg"]]
    assert [k for _, k, _ in search.asked] == [3, 2]


def test_a_query_that_cannot_be_asked_finds_nothing(query, fake_search):
    search = fake_search({"good": ["/a"], "bad": MediaDamaged("It is broken.")})
    found = run(search, query("bad", {"/a": 1}), query("good", {"/a": 1}))
    assert found.paths() == [[], ["/a"]]
    assert found.failed == {0: "It is broken."}


def test_if_none_can_be_asked_the_reason_is_raised(query, fake_search):
    with pytest.raises(QueryError, match="no such field"):
        run(fake_search({"a": QueryError("There is no such field.")}), query("a", {"/a": 1}))


def test_errors_of_the_collection_end_the_run(query, fake_search):
    search = fake_search({"good": ["/a"], "bad": CollectionDamaged("Gone.")})
    with pytest.raises(CollectionDamaged):
        run(search, query("good", {"/a": 1}), query("bad", {"/a": 1}))
