import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from mmsearch.catalog import chunks
from mmsearch.catalog.catalog import Catalog
from mmsearch.catalog.records import FieldChange
from mmsearch.errors import UsageError
from mmsearch.reports import SaidField
from mmsearch.types import (
    MAX_FIELD_VALUES,
    FailedFile,
    Fields,
    FieldValue,
    FileStat,
    KnownFile,
    Segment,
    SkippedFile,
    WaitingFile,
)

A, B, SIDECAR = "/photos/a.jpg", "/photos/b.jpg", "/photos/a.jpg.json"


def value(plain):
    return FieldValue(str(plain), plain if isinstance(plain, int) else None)


def said(about=A, **fields):
    return Fields(about, {name: tuple(map(value, values)) for name, values in fields.items()})


def change(operation, name, *values):
    return FieldChange(name, operation, tuple(map(value, values)))


def put_sidecar(catalog, *fields, path=SIDECAR, mtime_ns=1):
    with catalog.write() as writer:
        writer.put_skipped(SkippedFile(FileStat(path, 10, mtime_ns), fields))


def set_(catalog, asset_ids, *changes):
    with catalog.write() as writer:
        writer.change_fields(asset_ids, changes)


@pytest.fixture
def ids(put):
    return put(A, B)


def rows(catalog):
    with closing(sqlite3.connect(catalog.path)) as direct:
        return direct.execute("SELECT name, text, about FROM fields ORDER BY id").fetchall()


# ---- what others say ----


def test_a_sidecar_without_segments_says_fields(catalog, ids):
    put_sidecar(catalog, said(rating=[5], tags=["sea", "sun"]))
    assert catalog.fields_of([A, B]) == {A: {"rating": 5, "tags": ["sea", "sun"]}}
    assert catalog.fields_said_of(ids[A]) == (
        SaidField("rating", 5, SIDECAR),
        SaidField("tags", ["sea", "sun"], SIDECAR),
    )
    assert catalog.check() == ()
    assert catalog.counts().assets == 2


def test_a_sidecar_with_captions_says_fields(catalog, ids, put, make_file):
    caption = Segment("text", text="A dog", about=A)
    file = make_file(SIDECAR, segments=(caption,), modality="text")
    put(replace(file, fields=(said(rating=[5]),)))
    assert catalog.fields_of([A]) == {A: {"rating": 5}}


def test_what_a_sidecar_says_is_replaced_when_it_is_read_again(catalog, ids):
    put_sidecar(catalog, said(rating=[5], album=["x"]))
    put_sidecar(catalog, said(rating=[3]), mtime_ns=2)
    assert catalog.fields_of([A]) == {A: {"rating": 3}}


@pytest.mark.parametrize(
    "vanish",
    [
        lambda writer: writer.put_failed(FailedFile(FileStat(SIDECAR, 10, 2), "media_damaged", "broken")),
        lambda writer: writer.put_waiting(WaitingFile(FileStat(SIDECAR, 10, 2), "text")),
        lambda writer: writer.put_skipped(SkippedFile(FileStat(SIDECAR, 10, 2))),
        lambda writer: writer.remove_assets([3]),
    ],
)
def test_what_a_sidecar_says_goes_with_it(catalog, ids, vanish):
    put_sidecar(catalog, said(rating=[5]))
    assert catalog.lookup([SIDECAR])[SIDECAR].id == 3
    with catalog.write() as writer:
        vanish(writer)
    assert rows(catalog) == []


def test_a_swept_sidecar_takes_its_fields_along(catalog, ids):
    put_sidecar(catalog, said(rating=[5]))
    with catalog.seen() as seen:
        seen.add(ids.values())
        with catalog.write() as writer:
            assert writer.sweep("/photos", seen, []) == 0
    assert rows(catalog) == []


def test_several_that_say_something_are_all_believed(catalog, ids):
    put_sidecar(catalog, said(rating=[5], tags=["x"]))
    put_sidecar(catalog, said(rating=[3], tags=["x"]), path="/photos/all.csv")
    assert catalog.fields_of([A]) == {A: {"rating": [5, 3], "tags": "x"}}
    assert catalog.fields_said_of(ids[A]) == (
        SaidField("rating", 5, SIDECAR),
        SaidField("rating", 3, "/photos/all.csv"),
        SaidField("tags", "x", SIDECAR),
        SaidField("tags", "x", "/photos/all.csv"),
    )


def test_of_a_file_that_is_not_there_nothing_is_told(catalog, ids):
    put_sidecar(catalog, said("/photos/gone.jpg", rating=[5]))
    assert catalog.fields_of(["/photos/gone.jpg"]) == {}
    assert catalog.field_names() == {}


# ---- what the user says ----


def test_the_user_s_word_goes_first_field_by_field(catalog, ids):
    put_sidecar(catalog, said(rating=[3], album=["Italy"]))
    set_(catalog, [ids[A]], change("set", "rating", 5), change("set", "mood", "calm", "sunny"))
    assert catalog.fields_of([A]) == {A: {"album": "Italy", "mood": ["calm", "sunny"], "rating": 5}}
    assert catalog.fields_said_of(ids[A])[-1] == SaidField("rating", 5, None)
    set_(catalog, [ids[A]], change("set", "rating"), change("set", "mood"))
    assert catalog.fields_of([A]) == {A: {"album": "Italy", "rating": 3}}


def test_values_are_added_to_and_taken_from_what_a_sidecar_says(catalog, ids):
    put_sidecar(catalog, said(tags=["sea", "sun"]))
    set_(catalog, ids.values(), change("add", "tags", "dog", "sea"))
    assert catalog.fields_of([A, B]) == {A: {"tags": ["sea", "sun", "dog"]}, B: {"tags": ["dog", "sea"]}}
    set_(catalog, ids.values(), change("remove", "tags", "sea", "nothing like it"))
    assert catalog.fields_of([A, B]) == {A: {"tags": ["sun", "dog"]}, B: {"tags": "dog"}}


def test_the_last_value_of_a_sidecar_can_be_taken_away(catalog, ids):
    put_sidecar(catalog, said(tags=["sea"]))
    set_(catalog, ids.values(), change("remove", "tags", "sea"))
    assert catalog.fields_of([A]) == {}
    assert catalog.fields_said_of(ids[A]) == ()
    assert (catalog.field_names(), catalog.field_values("tags", 3)) == ({}, ())
    put_sidecar(catalog, said(tags=["sea"]), mtime_ns=2)
    assert catalog.fields_of([A]) == {}
    set_(catalog, [ids[A]], change("add", "tags", "sun"))
    assert catalog.fields_of([A]) == {A: {"tags": "sun"}}
    set_(catalog, [ids[A]], change("set", "tags"))
    assert catalog.fields_of([A]) == {A: {"tags": "sea"}}


def test_nothing_is_left_of_values_that_nobody_else_gave(catalog, ids):
    set_(catalog, [ids[A]], change("add", "tags", "sea"))
    set_(catalog, [ids[A]], change("remove", "tags", "sea"))
    set_(catalog, [ids[A]], change("remove", "rating", 5))
    assert rows(catalog) == []


def test_a_field_has_so_many_values(catalog, ids):
    set_(catalog, [ids[A]], change("set", "tags", *range(MAX_FIELD_VALUES)))
    with pytest.raises(UsageError, match="more than 100 values"):
        set_(catalog, ids.values(), change("set", "rating", 5), change("add", "tags", "one more"))
    assert catalog.fields_of([A, B]) == {A: {"tags": list(range(MAX_FIELD_VALUES))}}


def test_fields_stay_with_a_file_that_changes_moves_or_fails(catalog, put, make_file):
    (id_,) = put(make_file(A, "aa")).values()
    set_(catalog, [id_], change("set", "rating", 5))
    assert put(make_file(A, "bb", mtime_ns=2)) == {A: id_}
    with catalog.write() as writer:
        writer.put_known(KnownFile(FileStat(B, 100, 2), "bb"), exists=lambda _: False)
    assert catalog.fields_of([A, B]) == {B: {"rating": 5}}
    with catalog.write() as writer:
        writer.put_failed(FailedFile(FileStat(B, 100, 3), "media_damaged", "broken"))
        writer.requeue([id_])
    assert catalog.fields_of([B]) == {B: {"rating": 5}}


def test_a_copy_does_not_inherit_and_a_removed_file_forgets(catalog, put, make_file):
    ids = put(make_file(A, "aa"))
    set_(catalog, ids.values(), change("set", "rating", 5))
    with catalog.write() as writer:
        writer.put_known(KnownFile(FileStat(B, 100, 2), "aa"), exists=lambda _: True)
    assert catalog.fields_of([A, B]) == {A: {"rating": 5}}
    with catalog.write() as writer:
        writer.remove_assets(ids.values())
    assert rows(catalog) == []


def test_setting_fields_leaves_the_revision_alone(catalog, ids):
    before = catalog.revision()
    set_(catalog, [ids[A]], change("set", "rating", 5), change("add", "tags", "x"), change("remove", "tags", "x"))
    put_sidecar(catalog, said(rating=[5]))
    assert catalog.revision() == before


def test_many_files_at_once(catalog, monkeypatch):
    monkeypatch.setattr(chunks, "MAX_VALUES", 10)
    paths = [f"/photos/{number:02}.jpg" for number in range(25)]
    with catalog.write() as writer:
        for path in paths:
            writer.put_waiting(WaitingFile(FileStat(path, 1, 1), "image"))
    ids = {path: state.id for path, state in catalog.lookup(paths).items()}
    put_sidecar(catalog, said(paths[12], tags=["y"]))
    set_(catalog, ids.values(), change("set", "rating", 5), change("add", "tags", "x"), change("remove", "tags", "y"))
    assert catalog.fields_of(paths) == {path: {"rating": 5, "tags": "x"} for path in paths}
    assert catalog.field_names() == {"rating": 25, "tags": 25}


# ---- lists of fields ----


def test_names_and_values_are_counted_by_file(catalog, ids):
    put_sidecar(catalog, said(tags=["sea", "sun"], rating=[3]), said(B, tags=["sun"]))
    put_sidecar(catalog, said(tags=["sun"]), path="/photos/all.csv")
    set_(catalog, [ids[B]], change("set", "own.x", 1))
    assert catalog.field_names() == {"own.x": 1, "rating": 1, "tags": 2}
    assert catalog.field_values("tags", 5) == ("sun", "sea")
    assert catalog.field_values("tags", 1) == ("sun",)
    assert catalog.field_values("no such", 5) == ()


# ---- which files are meant ----


def test_a_caption_stands_for_what_it_describes(catalog, put, make_file):
    captions = (Segment("text", text="A", about=A), Segment("text", text="B", about=B), Segment("text", about="/gone"))
    ids = put(A, B, make_file("/photos/all.csv", segments=captions, modality="text"))
    put_sidecar(catalog)
    first, second, lost = catalog.asset_segments(ids["/photos/all.csv"]).tolist()
    (own,) = catalog.asset_segments(ids[A]).tolist()
    assert catalog.subjects_of_segments([second]).tolist() == [ids[B]]
    assert catalog.subjects_of_segments([own, first]).tolist() == [ids[A]]
    assert catalog.subjects_of_segments([lost, 999]).tolist() == []
    everything = [state.id for state in catalog.find_assets("/photos")]
    assert len(everything) == 4
    assert catalog.subjects(everything).tolist() == sorted([ids[A], ids[B]])
    assert catalog.subjects([ids["/photos/all.csv"]]).tolist() == sorted([ids[A], ids[B]])


def test_names_and_values_from_users_are_never_sql(catalog, ids):
    evil = "x' OR 1=1; DROP TABLE fields; --"
    set_(catalog, [ids[A]], change("set", evil, evil))
    assert catalog.fields_of([A, B, evil]) == {A: {evil: evil}}
    assert catalog.field_values(evil, 3) == (evil,)
    assert catalog.check() == ()


def test_a_catalog_that_is_only_read(catalog, ids, catalog_path):
    set_(catalog, [ids[A]], change("set", "rating", 5))
    with Catalog.open(catalog_path, write=False) as reader:
        assert reader.fields_of([A]) == {A: {"rating": 5}}
