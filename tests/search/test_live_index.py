"""An index that is told what changed is the index that would be made from all vectors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.adapt.stored import stored_vectors
from mmsearch.vectors.flat import FlatIndex

WORDS = ("red", "green", "blue", "cat", "dog")
FILES = st.integers(0, 7)
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), FILES, st.sampled_from(WORDS)),
        st.tuples(st.just("remove"), FILES),
        st.tuples(st.just("publish"), st.sampled_from(["flat", "faiss-flat", "flat-f16"])),
        st.tuples(st.just("rebuild")),
        st.tuples(st.just("look"), st.integers(0, 1)),
    ),
    max_size=10,
)


def happen(library, event):
    match event:
        case ("put", number, word):
            library.put(f"/{number}.jpg", "image", *[word] * (1 + number % 2))
        case ("remove", number):
            if f"/{number}.jpg" in library.catalog.lookup([f"/{number}.jpg"]):
                library.remove(f"/{number}.jpg")
        case ("publish", kind):
            library.publish_as(kind)
        case ("rebuild",):
            library.rebuild()


def check(reader):
    """Compare ids and scores with an index of all that is stored."""
    with reader.catalog.snapshot():
        index = reader.shelves.indexes.current()
        fresh = FlatIndex.of(*stored_vectors(reader.catalog, reader.shelves.store))
    assert len(index) == len(fresh)
    queries = np.eye(64, dtype=np.float32)[:3]
    tolerance = 2e-3 if index.kind == "flat-f16" else 2e-6
    for found, expected in zip(index.search(queries, 100), fresh.search(queries, 100), strict=True):
        assert sorted(found.ids.tolist()) == sorted(expected.ids.tolist())
        np.testing.assert_allclose(found.scores, expected.scores, atol=tolerance)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(EVENTS)
def test_whatever_happens_it_equals_one_made_anew(make_library, events):
    library = make_library()
    often, seldom = library.reader(), library.reader()
    for event in events:
        happen(library, event)
        check(often)
        if event == ("look", 1):
            check(seldom)
    check(seldom)
    check_closed(library, often, seldom)


def check_closed(library, *readers):
    """A process that starts now finds the same."""
    last = library.reader()
    check(last)
    for each in (last, *readers, library):
        each.close()


@pytest.mark.parametrize("kind", ["flat", "faiss-flat"])
def test_an_index_in_use_is_never_changed(library, reader, kind):
    ids = [library.put(f"/{word}.jpg", "image", word)[0] for word in WORDS]
    library.publish_as(kind)
    first = reader.shelves.indexes.current()
    library.remove("/red.jpg")
    new = library.put("/cow.jpg", "image", "cow")
    second = reader.shelves.indexes.current()
    library.remove("/cow.jpg")
    third = reader.shelves.indexes.current()
    assert sorted(first.ids.tolist()) == ids
    assert sorted(second.ids.tolist()) == ids[1:] + new
    assert sorted(third.ids.tolist()) == ids[1:]


def test_without_a_change_of_vectors_the_index_is_the_same_object(library, reader):
    library.put("/red.jpg", "image", "red")
    indexes = reader.shelves.indexes
    before = indexes.state()
    library.put_failed("/broken.jpg")
    after = indexes.state()
    assert after.index is before.index
    assert after.contents is before.contents
    assert after.filters is not before.filters


def test_a_collection_that_was_never_published_follows_changes_too(library, reader, monkeypatch):
    library.put("/red.jpg", "image", "red")
    indexes = reader.shelves.indexes
    assert len(indexes.current()) == 1
    monkeypatch.setattr(FlatIndex, "of", None)  # no index is made of all vectors again
    monkeypatch.setattr(FlatIndex, "fork", lambda self: self)
    library.put("/green.jpg", "image", "green")
    library.remove("/red.jpg")
    assert indexes.current().ids.tolist() == library.ids("/green.jpg")


@pytest.mark.parametrize("published_first", [True, False])
def test_removals_that_were_forgotten_behind_its_back_are_noticed(library, reader, published_first):
    """A repair of a damaged record of the index forgets it; the first one is made again, equal to the one there was."""
    for word in ("red", "green"):
        library.put(f"/{word}.jpg", "image", word)
    if published_first:
        first = library.publish_as("flat")
    library.put("/blue.jpg", "image", "blue")
    assert len(reader.shelves.indexes.current()) == 3
    library.remove("/blue.jpg")
    library.change(lambda writer: writer.drop_generations(keep=0))
    again = library.publish_as("flat")
    if published_first:
        assert (again.number, again.files) == (first.number, first.files)
    else:
        library.change(lambda writer: writer.drop_generations(keep=0))
    assert sorted(reader.shelves.indexes.current().ids.tolist()) == library.ids("/red.jpg") + library.ids("/green.jpg")
