"""The second stage in the read path: hits change places within their kind, and nothing else changes."""

from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rerank_fakes import FAKES, Reversing, Slow

from mmsearch import registry
from mmsearch.queries import Hit, QueryPart, Rerank
from mmsearch.rerank_types import Asked
from mmsearch.search.documents import Material
from mmsearch.search.rerank import BATCH, rerank
from mmsearch.search.rerank_plan import Plan

WORDS = ("red", "green", "blue", "cat", "dog", "sofa", "beach")


@pytest.fixture(autouse=True)
def fakes(monkeypatch):
    for name, target in FAKES.items():
        monkeypatch.setitem(registry.BUILTIN_RERANKERS, name, target)


@pytest.fixture(scope="module")
def crowd(make_library):
    """Texts and pictures that fit "red cat" more or less, several passages a file."""
    library = make_library()
    for number in range(40):
        words = [WORDS[(number * step) % 7] for step in (1, 2, 3)]
        texts = [" ".join(["red", "cat", *words][place : place + 3]) for place in range(1 + number % 3)]
        library.put(f"/{number:02d}", ("image", "text")[number % 2], *(texts if number % 2 else texts[:1]))
    reader = library.reader()
    yield reader
    reader.close()
    library.close()


def by(model, **options):
    return Rerank(model, wanted=True, **options)


def kinds(hits):
    return [hit.modality for hit in hits]


def scores(hits):
    return [hit.score for hit in hits]


def of_kind(hits, kind):
    return [hit.id for hit in hits if hit.modality == kind]


def test_hits_are_dealt_to_the_places_and_scores_of_their_kind(crowd):
    plain = crowd.search("red cat", k=200)
    again = crowd.search("red cat", k=200, rerank=by("reversing", depth=1000))
    assert {"image", "text"} <= set(kinds(plain))
    assert (kinds(again), scores(again)) == (kinds(plain), scores(plain))
    assert [hit.rank for hit in again] == list(range(1, len(plain) + 1))
    for kind in ("image", "text"):
        cosines = [hit.cosine for hit in again if hit.modality == kind]
        assert cosines == sorted(cosines)
        assert sorted(of_kind(again, kind)) == sorted(of_kind(plain, kind))
    assert {hit.id: hit.cosine for hit in again} == {hit.id: hit.cosine for hit in plain}
    assert (again.good_match, again.notices) == (plain.good_match, ())


def test_what_lies_behind_the_depth_stays(crowd):
    plain = crowd.search("red cat", k=200)
    again = crowd.search("red cat", k=200, rerank=by("reversing", depth=12))
    assert again[12:] == plain[12:]
    assert again[:12] != plain[:12]
    assert {hit.id for hit in again[:12]} == {hit.id for hit in plain[:12]}


@settings(max_examples=40, deadline=None)
@given(
    asked=st.sampled_from(("red cat", "sofa", "green dog")),
    k=st.integers(1, 30),
    depth=st.integers(1, 90),
    mode=st.sampled_from(("vector", "hybrid")),
    group=st.booleans(),
    quotas=st.sampled_from(({}, {"text": 7})),
    min_score=st.sampled_from((0.0, 0.4)),
)
def test_pages_are_slices_of_one_list(crowd, asked, k, depth, mode, group, quotas, min_score):
    options = {"mode": mode, "group": group, "quotas": quotas, "min_score": min_score}
    options["rerank"] = by("reversing", depth=depth)
    whole = crowd.search(asked, k=500, **options)
    pages = [crowd.search(asked, k=k, offset=start, **options) for start in range(0, len(whole) + k, k)]
    assert [without_moments(hit) for page in pages for hit in page] == [without_moments(hit) for hit in whole]
    assert scores(whole) == sorted(scores(whole), reverse=True)
    assert all(hit.score >= min_score for hit in whole)
    assert len(of_kind(whole, "text")) <= quotas.get("text", 500)
    assert whole.good_match == crowd.search(asked, k=500, **options | {"rerank": None}).good_match


def without_moments(hit):
    """What else a file has depends on how deep a search goes, with and without a second stage."""
    return replace(hit, more=())


def test_moments_and_copies_go_with_their_hit(crowd):
    options = {"mode": "hybrid", "group": True, "dedupe": True, "k": 200}
    plain = {hit.id: hit for hit in crowd.search("red cat", **options)}
    again = crowd.search("red cat", rerank=by("reversing", depth=1000), **options)
    assert any(hit.more for hit in again)
    assert {hit.id: (hit.more, hit.duplicates) for hit in again} == {
        id_: (hit.more, hit.duplicates) for id_, hit in plain.items()
    }


def test_only_kinds_with_a_weight_are_looked_at(crowd):
    plain = crowd.search("red cat", k=200)
    again = crowd.search("red cat", k=200, rerank=by("onlyimages", depth=1000), explain=True)
    assert of_kind(again, "text") == of_kind(plain, "text")
    assert of_kind(again, "image") != of_kind(plain, "image")
    assert {hit.modality for hit in again if hit.explain["rerank"]} == {"image"}


def test_batches_come_in_the_order_of_the_list(crowd):
    reranker = crowd.shelves.indexes.rerankers.named("reversing")
    reranker.batches.clear()
    plain = crowd.search("red cat", k=40)
    crowd.search("red cat", k=5, rerank=by("reversing", depth=40))
    first = plain[:BATCH]
    assert reranker.batches[:2] == [of_kind(first, "image"), of_kind(first, "text")]
    assert sorted(chain.from_iterable(reranker.batches)) == sorted(hit.id for hit in plain)


def test_a_page_behind_the_depth_needs_no_second_look(crowd):
    reranker = crowd.shelves.indexes.rerankers.named("reversing")
    reranker.batches.clear()
    crowd.search("red cat", k=5, offset=12, rerank=by("reversing", depth=12))
    assert reranker.batches == []


def test_one_that_can_judge_nothing_changes_nothing(crowd):
    plain = crowd.search("red cat", k=50)
    again = crowd.search("red cat", k=50, rerank=by("silent", depth=30))
    assert again.hits == plain.hits
    assert again.notices == ("Not re-ranked: silent has nothing to say of these 30 hits.",)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("clumsy", "clumsy failed with ZeroDivisionError: of all things"),
        ("misshapen", "misshapen gave scores of shape"),
        ("missing", "The weights have gone. Fetch them again."),
        ("unreadable", "The folder holds no model."),
        ("unmakable", "A package is not installed. Install it."),
        ("weightless", "weightless failed with TypeError: no weights"),
        ("unnumbered", "unnumbered failed with TypeError: "),
        ("sightless", "sightless failed with OSError: no folder"),
        ("undecided", "undecided failed with KeyError: "),
        ("fickle", "fickle failed with ValueError: not again"),
    ],
)
@pytest.mark.parametrize("wanted", [True, False])
def test_one_that_fails_costs_only_the_second_stage(crowd, model, said, wanted):
    again = crowd.search("red cat", k=50, rerank=Rerank(model, wanted=wanted))
    assert again.hits == crowd.search("red cat", k=50).hits
    (notice,) = again.notices
    assert notice.startswith(f"Not re-ranked: {said}")
    assert "\n" not in notice


def test_an_explanation_says_what_became_of_each(crowd):
    plain = crowd.search("red cat", k=200)
    again = crowd.search("red cat", k=200, rerank=by("reversing", depth=20), explain=True)
    before = {hit.id: hit for hit in plain}
    looked = [hit for hit in again if hit.explain["rerank"]]
    assert {hit.id for hit in looked} == {hit.id for hit in plain[:20]}
    for hit in looked:
        said = hit.explain["rerank"]
        assert (said["model"], said["judged"], said["weight"]) == ("reversing", True, 1000.0)
        assert said["rank_before"] == before[hit.id].rank
        assert said["score"] == pytest.approx(-hit.cosine, abs=1e-6)
    for kind in ("image", "text"):
        said = [hit.explain["rerank"] for hit in looked if hit.modality == kind]
        together = [each["first"] + each["weight"] * each["second"] for each in said]
        assert together == sorted(together, reverse=True)
        for stage_of in ("first", "second"):
            values = np.array([each[stage_of] for each in said])
            assert drawn_in(values).sum() == pytest.approx(0, abs=1e-5)
            assert drawn_in(values).std() == pytest.approx(1, abs=1e-5)


def drawn_in(values):
    """Draw values far off in, as `standardised` does before it takes mean and deviation."""
    middle = np.median(values)
    reach = 3 * 1.4826 * np.median(np.abs(values - middle))
    return np.clip(values, middle - reach, middle + reach)


def test_an_explanation_of_what_was_not_judged(crowd):
    (hit,) = crowd.search("red cat", k=1, rerank=by("silent"), explain=True)
    said = hit.explain["rerank"]
    assert (said["judged"], said["score"], said["second"], said["rank_before"]) == (False, None, None, 1)


def test_a_stage_has_its_time(crowd):
    assert crowd.search("red cat", rerank=by("reversing")).profile["rerank"] > 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mode": "text"}, "choose the mode hybrid or vector"),
        ({"parts": (QueryPart("text", -1.0, text="dog"),)}, "search for one text alone"),
    ],
)
def test_what_cannot_be_re_ranked_is_told_to_those_who_want_it(crowd, options, said):
    plain = crowd.search("red cat", **options)
    assert crowd.search("red cat", rerank=Rerank("reversing"), **options) == plain
    again = crowd.search("red cat", rerank=by("reversing"), **options)
    assert again.hits == plain.hits
    assert said in again.notices[0]


def test_items_and_lists_are_not_re_ranked(crowd):
    item = QueryPart("image", vector=np.ones(64, dtype=np.float32))
    assert "of one text" in crowd.search(parts=(item,), rerank=by("reversing")).notices[0]
    assert "a list has no ranking" in crowd.search(modalities={"text"}, rerank=by("reversing")).notices[0]
    assert crowd.search(modalities={"text"}, rerank=Rerank("reversing")).notices == ()


def test_a_kind_that_cannot_be_judged(crowd):
    texts = {"modalities": {"text"}, "k": 5}
    again = crowd.search("red cat", rerank=by("onlyimages"), **texts)
    assert again.hits == crowd.search("red cat", **texts).hits
    assert again.notices == ("Not re-ranked: only_images judges image only, and nothing of that kind may be found.",)


def test_kinds_that_come_too_late_to_be_judged(library, reader):
    for number in range(5):
        library.put(f"/{number}.txt", "text", "red cat")
    library.put("/other.jpg", "image", "blue")
    again = reader.search("red cat", rerank=by("onlyimages", depth=3))
    assert again.notices == ("Not re-ranked: only_images judges image only, and none of the first 3 hits is of these.",)


def test_by_default_a_collection_of_another_model_has_no_re_ranker(crowd):
    assert crowd.search("red cat", rerank=Rerank()).notices == ()
    assert "name one, such as maxsim" in crowd.search("red cat", rerank=Rerank(wanted=True)).notices[0]


# The stage alone, with a clock that the re-ranker turns.


def hits_of(*cosines, modality="image"):
    return tuple(
        Hit(rank, rank, score=cosine, path=f"/{rank}", modality=modality, cosine=cosine)
        for rank, cosine in enumerate(cosines, start=1)
    )


def stage(hits, reranker, budget_ms=None, depth=100, clock=None, ask=lambda _: Asked("red")):
    wanted = Rerank(depth=depth, budget_ms=budget_ms, wanted=True)
    nothing = Material(None, None, None, None)  # it needs neither tokens nor pixels
    options = {} if clock is None else {"clock": clock}
    return rerank(hits, Plan(reranker, wanted), ask, nothing, **options)


FIFTY = hits_of(*(1 - number / 100 for number in range(50)))


@pytest.mark.parametrize(
    ("budget_s", "looked"),
    [(0.5, 1), (2.9, 1), (3, 3), (6.9, 3), (7, 7), (30.9, 15), (31, 31), (46.9, 31), (47, 47), (49.9, 47), (50, 50)],
)
def test_a_budget_ends_the_stage_before_it_would_be_exceeded(budget_s, looked):
    """Batches of 1, 2, 4, 8, 16, 16 and what is left take a second a document; each is begun only if it will fit."""
    reranker = Slow()
    again = stage(FIFTY, reranker, 1000 * budget_s, clock=reranker.clock)
    assert [hit.id for hit in again.hits] == [*range(looked, 0, -1), *range(looked + 1, 51)]
    assert scores(again.hits) == scores(FIFTY)
    said = f"Re-ranked {looked} of 50 hits in {1000 * looked:,} ms (budget {1000 * budget_s:g} ms)."
    assert again.notices == (() if looked == 50 else (said,))


def test_the_slowest_document_so_far_tells_how_long_others_may_take():
    """The second batch takes 5 s a document; the third, of four, may take 20 s, though the first took 1 s."""
    reranker = Slow()
    reranker.pace = iter([1.0, 5.0, 0.5, 0.5])
    again = stage(FIFTY, reranker, 30_999, clock=reranker.clock)
    assert again.notices == ("Re-ranked 3 of 50 hits in 11,000 ms (budget 30999 ms).",)
    reranker = Slow()
    reranker.pace = iter([1.0, 5.0, 0.5, 0.5])
    again = stage(FIFTY, reranker, 31_000, clock=reranker.clock)
    assert again.notices == ("Re-ranked 7 of 50 hits in 13,000 ms (budget 31000 ms).",)


def test_a_budget_that_is_over_before_the_first_document_changes_nothing():
    reranker = Slow()

    def ask(_):
        reranker.now += 0.035
        return Asked("red")

    again = stage(FIFTY, reranker, 30, clock=reranker.clock, ask=ask)
    assert again.hits == FIFTY
    assert reranker.batches == []
    assert again.notices == ("Re-ranked 0 of 50 hits in 35 ms (budget 30 ms).",)


def test_the_clock_begins_when_the_model_is_loaded():
    class Late(Slow):
        def load(self):
            self.now += 1000

    reranker = Late()
    assert stage(FIFTY, reranker, 50_000, clock=reranker.clock).notices == ()


def test_without_a_budget_batches_are_as_large_as_they_may_be():
    reranker = Reversing()
    stage(FIFTY, reranker)
    assert [len(batch) for batch in reranker.batches] == [16, 16, 16, 2]


def test_no_budget_is_no_end():
    reranker = Slow(seconds=1e6)
    assert [hit.id for hit in stage(FIFTY, reranker, clock=reranker.clock).hits] == list(range(50, 0, -1))


def test_a_single_hit_is_not_looked_at():
    reranker = Reversing()
    alone = (*hits_of(0.9), *hits_of(0.8, modality="text"))
    assert stage(alone, reranker).hits == alone
    assert reranker.batches == []


def test_nothing_found_is_nothing_to_say():
    assert stage((), Reversing()).notices == ()


def test_equal_scores_stay_in_order():
    hits = hits_of(0.5, 0.5, 0.5)
    assert stage(hits, Reversing()).hits == hits
