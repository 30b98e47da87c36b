"""What searches keep in memory of filters: exact, bounded, and dropped as soon as anything changes."""

from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
from made_files import indexed_file

from mmsearch.catalog import matching
from mmsearch.catalog.catalog import Catalog
from mmsearch.catalog.records import FieldChange
from mmsearch.queries import Filter
from mmsearch.search import contents, filters
from mmsearch.types import FieldValue, FileStat, KnownFile, Segment
from mmsearch.where.parse import parse_where


def where(text, *modalities):
    return Filter(frozenset(modalities), where=parse_where(text))


def put_caption(library, path, about):
    segments = (Segment("text", text="a word", about=about),)
    library.commit(replace(indexed_file(path, "text", ["a word"]), segments=segments))


@pytest.fixture
def mixed(library):
    for number in range(6):
        library.put(f"/{number}.jpg", "image", "red")
    library.put("/a.txt", "text", "one", "two", "three")
    put_caption(library, "/said.csv", "/3.jpg")
    put_caption(library, "/lost.csv", "/gone.jpg")
    return library


@pytest.fixture
def asked(monkeypatch):
    """The conditions that the catalog is asked for."""
    conditions = []
    files_where = Catalog.files_where
    monkeypatch.setattr(
        Catalog, "files_where", lambda self, given: conditions.append(given) or files_where(self, given)
    )
    return conditions


def scopes(reader, wanted):
    found = reader.shelves.indexes.state().filters.scopes(wanted)
    return {kind: None if ids is None else ids.tolist() for kind, ids in found.items()}


def slowly(library, wanted):
    """Return kind -> ids that pass, looking at one segment after the other; captions stand for their files."""
    catalog = library.catalog
    met = set() if wanted.where is None else set(catalog.files_where(wanted.where).tolist())
    records = catalog.hits(catalog.locations().ids).values()
    subjects = {record.id: record.path for record in records} | {
        library.ids("/said.csv")[0]: "/3.jpg",
        library.ids("/lost.csv")[0]: None,
    }
    passing = [each for each in records if wanted.where is None or known(library, subjects[each.id]) in met]
    kinds = wanted.modalities & {"image", "text"} or {"image", "text"}
    return {kind: sorted(each.id for each in passing if each.modality == kind) for kind in kinds}


def known(library, path):
    return library.asset_id(path) if path else None


FILTERS = [
    Filter(),
    Filter(frozenset({"image"})),
    Filter(frozenset({"text"})),
    where("name = '3.jpg'"),
    where("name = '3.jpg'", "text"),
    where("name = '3.jpg'", "image"),
    where("size > 0"),
    where("size > 0", "image"),
    where("name = 'said.csv'"),
    where("name = 'lost.csv'"),
    where("size < 0"),
    where("NOT name = '3.jpg'", "text"),
]


@pytest.mark.parametrize("few", [0, 3, 10_000])
@pytest.mark.parametrize("wanted", FILTERS)
def test_scopes_are_exact_whichever_way_they_are_found(mixed, reader, monkeypatch, wanted, few):
    for module, name in ((matching, "FEW_FILES"), (filters, "FEW_FILES"), (filters, "FEW_IDS"), (contents, "FEW_IDS")):
        monkeypatch.setattr(module, name, few)
    expected = slowly(mixed, wanted)
    assert scopes(reader, wanted) == expected
    assert reader.catalog.segment_ids(wanted).tolist() == sorted(chain.from_iterable(expected.values()))


def test_what_was_found_in_videos(mixed, reader):
    shown = [Segment("image", start_s=0.0), Segment("text", text="said")]
    made = replace(indexed_file("/film.mp4", "video", ["red", "said"]), segments=tuple(shown))
    mixed.commit(made)
    picture, speech = mixed.ids("/film.mp4")
    assert scopes(reader, Filter(frozenset({"video"}))) == {"text": [speech], "image": [picture]}
    assert scopes(reader, where("name = 'film.mp4'", "video")) == {"text": [speech], "image": [picture]}
    assert scopes(reader, where("name = '3.jpg'", "video")) == {"text": [], "image": []}
    assert scopes(reader, where("name = '3.jpg'", "video", "image")) == {"text": [], "image": mixed.ids("/3.jpg")}


def test_one_kind_needs_no_list_unless_something_is_filtered(library, reader, monkeypatch):
    library.put("/a.jpg", "image", "red")
    library.put("/b.jpg", "image", "red")
    for name in ("ids_of", "subjects_of_ids", "segment_ids", "segments_of"):
        monkeypatch.setattr(Catalog, name, None)
    assert scopes(reader, Filter()) == scopes(reader, Filter(frozenset({"image"}))) == {"image": None}
    assert scopes(reader, Filter(frozenset({"audio"}))) == {}
    assert scopes(reader, where("name = 'b.jpg'")) == {"image": library.ids("/b.jpg")}


def test_a_filter_is_looked_up_once_and_its_ids_cannot_be_changed(mixed, reader, asked):
    first = reader.shelves.indexes.state().filters.scopes(where("name = '3.jpg'"))
    again = reader.shelves.indexes.state().filters.scopes(where("name = '3.jpg'"))
    assert len(asked) == 1
    assert all(first[kind] is again[kind] for kind in ("text", "image"))  # so that an index knows it again
    assert not first["image"].flags.writeable
    scopes(reader, where("name = '3.jpg'", "image"))
    scopes(reader, where("name = '4.jpg'"))
    assert len(asked) == 3


def test_files_that_are_left_out_and_how_it_was_written_make_no_other_filter(mixed, reader, asked):
    wanted = where("name = '3.jpg'")
    scopes(reader, wanted)
    scopes(reader, replace(wanted, exclude_assets=frozenset({1}), written="NAME = '3.jpg'"))
    assert len(asked) == 1


CHANGES = {
    "a field": lambda library: library.change(
        lambda writer: writer.change_fields(
            [library.asset_id("/4.jpg")], [FieldChange("place", "set", (FieldValue("harbour"),))]
        )
    ),
    "a rename": lambda library: library.change(
        lambda writer: writer.put_known(KnownFile(FileStat("/harbour.jpg", 100, 1), "'/4.jpg'"), exists=lambda _: False)
    ),
    "a new file": lambda library: library.put("/harbour.jpg", "image", "harbour"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_drops_what_was_remembered(mixed, reader, change):
    mixed.change(
        lambda writer: writer.change_fields(
            [mixed.asset_id("/3.jpg")], [FieldChange("place", "set", (FieldValue("harbour"),))]
        )
    )
    wanted = where("place = 'harbour' OR name = 'harbour.jpg'")
    before = scopes(reader, wanted)["image"]
    assert before == mixed.ids("/3.jpg")
    index = reader.shelves.indexes.current()
    CHANGES[change](mixed)
    assert len(scopes(reader, wanted)["image"]) == 2
    assert (reader.shelves.indexes.current() is index) == (change != "a new file")


def test_what_is_remembered_is_bounded_by_number_and_by_size(mixed, reader, asked, monkeypatch):
    monkeypatch.setattr(filters, "MAX_FILTERS", 2)
    one, two, three = (where(f"name = '{number}.jpg'") for number in (1, 2, 3))
    for wanted in (one, two, one, three, one):
        scopes(reader, wanted)
    assert len(asked) == 3
    scopes(reader, two)  # the one that was not used for longest
    assert len(asked) == 4
    monkeypatch.setattr(filters, "MAX_BYTES", 8 * 5)
    scopes(reader, where("size > 0"))
    scopes(reader, where("size > 0"))
    assert len(asked) == 6  # eleven ids are too many to keep
    assert not reader.shelves.indexes.state().filters._recent


def test_who_a_segment_stands_for(mixed, reader, monkeypatch):
    ids = np.array([*mixed.ids("/lost.csv"), *mixed.ids("/said.csv"), *mixed.ids("/a.txt")[:1], *mixed.ids("/3.jpg")])
    expected = [-mixed.asset_id("/lost.csv"), *map(mixed.asset_id, ("/3.jpg", "/a.txt", "/3.jpg"))]
    assert reader.shelves.indexes.state().filters.subjects_of(ids).tolist() == expected
    monkeypatch.setattr(filters, "FEW_IDS", 0)
    assert reader.shelves.indexes.state().filters.subjects_of(ids).tolist() == expected


def test_a_segment_without_a_vector_is_of_no_kind(mixed, reader):
    """Only a damaged catalog has one."""
    (lost,) = mixed.ids("/5.jpg")
    mixed.change(lambda writer: writer._connection.exec_driver_sql(f"DELETE FROM vectors WHERE segment_id = {lost}"))
    state = reader.shelves.indexes.state()
    assert lost not in state.contents.ids_of("image").tolist()
    assert len(state.contents.ids_of("image")) == 5
    assert lost not in reader.catalog.segment_ids(where("size > 0")).tolist()


def test_a_list_of_files_reads_only_what_it_shows(library, reader, monkeypatch):
    """Many passages a document make the first round of a search too short; that is no reason to read the collection."""
    for number in range(60):
        library.put(f"/{number:02d}.txt", "text", *["red"] * 12)
    monkeypatch.setattr(Catalog, "ids_of", None)
    all_subjects = []
    subjects = Catalog.subjects_of_ids
    monkeypatch.setattr(
        Catalog, "subjects_of_ids", lambda self, ids=None: all_subjects.append(ids is None) or subjects(self, ids)
    )
    hits = reader.search("red", group=True, k=5)
    assert len({hit.path for hit in hits}) == 5
    assert all_subjects
    assert not any(all_subjects)
