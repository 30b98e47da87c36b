import sqlite3
from contextlib import closing

import numpy as np
import pytest

from mmsearch.ingest.verify import repair, verify
from mmsearch.queries import QueryPart
from mmsearch.search.lexical import lexical, required


@pytest.fixture
def ids(library):
    """Files by name; each is one passage."""
    texts = {
        "dog": "a brown dog in the snow",
        "cat": "a cat in the snow",
        "bird": "a bird on a roof",
        "car": "a red car in a street",
        "bus": "a bus, red, in a street",
        "sea": "waves and wind",
        "hill": "a green hill",
    }
    return {name: library.put(f"/{name}.txt", "text", text)[0] for name, text in texts.items()}


def found(library, *texts, mode="hybrid", allowed=None):
    parts = [QueryPart("text", weight, text=text) for weight, text in texts]
    result = lexical(parts, library.catalog, allowed, mode=mode)
    assert (np.diff(result.scores) <= 0).all()
    return dict(zip(result.ids.tolist(), result.scores.tolist(), strict=True))


def test_several_texts_add_up_by_weight(library, ids):
    dog, cat = found(library, (1, "dog")), found(library, (1, "cat snow"))
    both = found(library, (3, "dog"), (1, "cat snow"))
    assert both[ids["dog"]] == pytest.approx((3 * dog[ids["dog"]] + cat[ids["dog"]]) / 4)
    assert both[ids["cat"]] == pytest.approx(cat[ids["cat"]] / 4)
    assert list(both) == [ids["dog"], ids["cat"]]
    assert found(library, (5, "dog")) == dog


def test_parts_that_are_no_texts_have_no_words(library, ids):
    picture = QueryPart("image", vector=np.ones(64, np.float32))
    assert len(lexical([picture], library.catalog, None, mode="hybrid")) == 0
    mixed = lexical([picture, QueryPart("text", text="dog")], library.catalog, None, mode="hybrid")
    assert mixed.ids.tolist() == [ids["dog"]]
    assert found(library, (1, "dog"))[ids["dog"]] == mixed.scores[0]


def test_a_text_without_words_finds_nothing(library, ids):
    assert found(library, (1, "???")) == {}
    assert found(library) == {}


def test_only_what_is_allowed(library, ids):
    assert list(found(library, (1, "snow"), allowed=np.array([ids["cat"]]))) == [ids["cat"]]


def test_what_is_steered_away_from_is_left_out_only_if_words_alone_decide(library, ids):
    parts = (1, "snow"), (-1, "brown dog")
    assert set(found(library, *parts)) == {ids["dog"], ids["cat"]}
    assert set(found(library, *parts, mode="text")) == {ids["cat"]}
    assert set(found(library, (1, "snow"), (-1, "white dog"), mode="text")) == {ids["dog"], ids["cat"]}


def test_what_is_in_quotes_must_be_there_whichever_text_says_so(library, ids):
    assert set(found(library, (1, "red car street"))) == {ids["car"], ids["bus"]}
    assert set(found(library, (1, '"red car" street'))) == {ids["car"]}
    assert set(found(library, (1, "street dog"), (1, '"red car"'))) == {ids["car"]}


def test_required_ids(library, ids):
    parts = [QueryPart("text", text='"in a street" red')]
    assert required(parts, library.catalog).tolist() == sorted([ids["car"], ids["bus"]])
    assert required([QueryPart("text", text="red")], library.catalog) is None
    assert required([QueryPart("text", -1, text='"red car"')], library.catalog) is None


def test_a_damaged_index_of_words_is_mended_with_the_rest(library, ids):
    with closing(sqlite3.connect(library.folder / "catalog.db")) as direct, direct:
        direct.execute("UPDATE segment_words_data SET block = x'00ff00ff' WHERE id > 10")
    (problem,) = verify(*library.stores)
    assert "index of words" in problem.what
    (mended,) = repair(*library.stores, [problem])
    assert mended.repaired
    assert verify(*library.stores) == []
    assert set(found(library, (1, "snow"))) == {ids["dog"], ids["cat"]}


def test_a_rebuild_makes_the_index_of_words_anew(library, ids):
    with closing(sqlite3.connect(library.folder / "catalog.db")) as direct, direct:
        direct.execute("DELETE FROM segment_words")
    assert found(library, (1, "snow")) == {}
    library.rebuild()
    assert set(found(library, (1, "snow"))) == {ids["dog"], ids["cat"]}
