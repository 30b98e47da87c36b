"""The user's own fields through the Python API: from sidecars, from calls and from tables, and in filters."""

import json
import os
import shutil
from datetime import date
from fractions import Fraction

import numpy as np
import pytest
from counting_encoder import CountingEncoder

import mmsearch
from mmsearch.errors import CollectionNotFound, FilterError, ItemNotFound, MediaError, UsageError
from mmsearch.reports import FieldsReport, FieldSummary, SaidField
from mmsearch.testing.media import write_image, write_text


@pytest.fixture
def pictures(folder):
    """Three pictures; one with a sidecar that has a caption, one with a sidecar that has none; and a table."""
    for name in ("red", "green", "blue"):
        write_image(folder / f"{name}.png", name)
    write_json(folder / "red.png.json", {"description": "A ripe tomato", "rating": 3, "tags": ["food", "round"]})
    write_json(folder / "green.json", {"rating": 2, "people": [{"name": "Ann"}, {"name": "Bob"}]})
    write_text(folder / "all.csv", "file,album\nred.png,Italy\nblue.png,Italy\n")
    return folder


@pytest.fixture
def filled(collection, pictures):
    collection.index(pictures)
    return collection


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A collection of one picture, for calls that change nothing."""
    folder = tmp_path_factory.mktemp("kept")
    write_image(folder / "red.png", "red")
    with mmsearch.open("kept", home=folder / "home", model=CountingEncoder()) as collection:
        collection.index(folder / "red.png")
        yield collection


def write_json(path, document):
    path.write_text(json.dumps(document))


def fields_of(collection, path):
    return {said.name: said.value for said in collection.fields_of(path)}


def found(collection, where):
    return {os.path.basename(hit.subject) for hit in collection.search(where=where)}


# ---- from sidecars and tables ----


def test_sidecars_and_tables_give_fields(filled, pictures):
    assert filled.fields() == [
        FieldSummary("album", 2, ("Italy",)),
        FieldSummary("people.name", 1, ("Ann", "Bob")),
        FieldSummary("rating", 2, (2, 3)),
        FieldSummary("tags", 1, ("food", "round")),
    ]
    sidecar = str(pictures / "red.png.json")
    assert filled.fields_of(pictures / "red.png") == [
        SaidField("album", "Italy", str(pictures / "all.csv")),
        SaidField("rating", 3, sidecar),
        SaidField("tags", ["food", "round"], sidecar),
    ]
    assert found(filled, "rating > 2") == {"red.png"}
    assert found(filled, "album = Italy") == {"red.png", "blue.png"}
    assert found(filled, "tags = food AND people.name IS NULL") == {"red.png"}
    (hit,) = filled.search("tomato", where="tag = round", k=1)
    assert hit.fields == {"album": "Italy", "rating": 3, "tags": ["food", "round"]}
    assert filled.verify() == []


def test_a_file_with_fields_alone_counts_as_skipped_and_is_read_once(collection, pictures):
    report = collection.index(pictures)
    assert (report.added, report.skipped, report.failed) == (4, 2, 0)
    again = collection.index(pictures)
    assert (again.unchanged, again.skipped, again.encoded) == (6, 0, 0)
    assert collection.status().assets == 4
    assert collection.status().index.fresh


def test_a_sidecar_that_changes_says_something_else(filled, pictures):
    write_json(pictures / "red.png.json", {"description": "A ripe tomato", "rating": 5})
    write_json(pictures / "green.json", {"description": "A meadow now, with more to read", "rating": 1})
    report = filled.index(pictures)
    assert (report.updated, report.added, report.encoded) == (1, 1, 2)
    assert fields_of(filled, pictures / "red.png") == {"album": "Italy", "rating": 5}
    assert fields_of(filled, pictures / "green.png") == {"rating": 1}
    write_json(pictures / "green.json", {"rating": 4})
    assert filled.index(pictures).skipped == 1
    assert [hit.text for hit in filled.search("meadow", modality="text")] == ["A ripe tomato"]
    assert fields_of(filled, pictures / "green.png") == {"rating": 4}
    assert filled.verify() == []


def test_a_sidecar_that_is_gone_says_nothing(filled, pictures):
    (pictures / "green.json").unlink()
    (pictures / "red.png.json").unlink()
    filled.index(pictures)
    assert filled.fields() == [FieldSummary("album", 2, ("Italy",))]


def test_a_renamed_photo_has_its_sidecar_s_fields_when_that_is_renamed_too(filled, pictures):
    (pictures / "red.png").rename(pictures / "tomato.png")
    filled.index(pictures)
    assert fields_of(filled, pictures / "tomato.png") == {}
    (pictures / "red.png.json").rename(pictures / "tomato.png.json")
    filled.index(pictures)
    assert fields_of(filled, pictures / "tomato.png") == {"rating": 3, "tags": ["food", "round"]}


def test_a_folder_that_moves_takes_its_fields_along(collection, folder):
    old, new = folder / "old", folder / "new"
    old.mkdir()
    write_image(old / "red.png", "red")
    write_json(old / "red.json", {"rating": 3})
    collection.index(folder)
    old.rename(new)
    collection.index(folder)
    assert fields_of(collection, new / "red.png") == {"rating": 3}
    assert collection.fields() == [FieldSummary("rating", 1, (3,))]


def test_a_broken_sidecar_fails_and_says_nothing(filled, pictures):
    (pictures / "red.png.json").write_text('{"rating": 3')
    assert filled.index(pictures).failed == 1
    assert fields_of(filled, pictures / "red.png") == {"album": "Italy"}


# ---- what the user sets ----


def test_set_fields(filled, pictures):
    red, green = pictures / "red.png", pictures / "green.png"
    set_ = {"rating": 5, "Mood": ["calm", "sunny"], "seen": True, "score": 0.5}
    assert filled.set_fields(red, green, fields=set_, add={"tag": "sea, sun"}, remove={"tags": "round"}).changed == 2
    common = {"mood": ["calm", "sunny"], "rating": 5, "score": 0.5, "seen": True}
    assert fields_of(filled, red) == {"album": "Italy", "tags": ["food", "sea", "sun"], **common}
    assert fields_of(filled, green) == {"people.name": ["Ann", "Bob"], "tags": ["sea", "sun"], **common}
    assert found(filled, "rating = 5 AND tags = sea") == {"red.png", "green.png"}
    assert found(filled, "rating = 3") == set()
    assert filled.set_fields(red, fields={"rating": None, "mood": None, "no_such": None}).changed == 1
    assert found(filled, "rating = 3 AND mood IS NULL") == {"red.png"}


def test_only_files_that_really_change_are_counted(filled, pictures):
    red, green = pictures / "red.png", pictures / "green.png"
    assert filled.set_fields(pictures, remove={"x": "9 m"}) == FieldsReport(files=3, changed=0)
    assert filled.set_fields(red, fields={"rating": 5}).changed == 1
    assert filled.set_fields(red, green, fields={"rating": 5}) == FieldsReport(files=2, changed=1)
    assert filled.set_fields(pictures, add={"tags": "food"}).changed == 2  # the sidecar of one says so already
    assert filled.set_fields(pictures, remove={"tags": "round"}).changed == 1
    assert filled.set_fields(pictures, fields={"rating": None}) == FieldsReport(files=3, changed=2)
    assert fields_of(filled, red) == {"album": "Italy", "rating": 3, "tags": "food"}


def test_of_a_folder_only_files_that_could_be_read_are_meant(filled, pictures):
    (pictures / "broken.png").write_bytes(b"no picture")
    assert filled.index(pictures).failed == 1
    assert filled.set_fields(pictures, fields={"a": 1}) == FieldsReport(files=3, changed=3)
    assert filled.set_fields(pictures / "broken.png", fields={"a": 1}).changed == 1  # it was named itself


def test_setting_fields_embeds_nothing_and_leaves_the_index(filled, pictures, encoder):
    before = (filled.status(), encoder.images, list(encoder.texts))
    generations = sorted(path.name for path in filled.folder.rglob("generations/*"))
    filled.set_fields(pictures, fields={"rating": 5}, add={"tags": "x"})
    after = filled.status()
    assert (after.index, after.assets, after.segments) == (before[0].index, before[0].assets, before[0].segments)
    assert (encoder.images, encoder.texts) == before[1:]
    assert sorted(path.name for path in filled.folder.rglob("generations/*")) == generations


def test_files_are_named_by_path_folder_and_id(filled, pictures, monkeypatch):
    (red,) = filled.search(where="name = red.png", modality="image")
    assert filled.set_fields(red.id, fields={"a": 1}).changed == 1
    assert filled.set_fields(str(red.id), str(pictures / "green.png"), fields={"b": 1}).changed == 2
    monkeypatch.chdir(pictures)
    assert filled.set_fields("blue.png", "./red.png", fields={"c": 1}).changed == 2
    assert filled.set_fields(pictures, fields={"d": 1}).changed == 3
    assert {each.name: each.files for each in filled.fields() if len(each.name) == 1} == {
        "a": 1,
        "b": 2,
        "c": 2,
        "d": 3,
    }


def test_a_caption_stands_for_its_picture(filled, pictures):
    (caption,) = filled.search("tomato", modality="text", k=1)
    assert filled.set_fields(caption.id, fields={"rating": 5}).changed == 1
    assert fields_of(filled, pictures / "red.png")["rating"] == 5
    assert fields_of(filled, caption.id)["rating"] == 5
    assert filled.set_fields(caption.path, fields={"rating": 4}).changed == 1
    assert found(filled, "rating = 4") == {"red.png"}


def test_files_are_chosen_by_a_filter(filled, pictures):
    assert filled.set_fields(where="album = Italy", fields={"seen": True}, dry_run=True) == FieldsReport(files=2)
    assert filled.set_fields(where="album = Italy", fields={"seen": True}).changed == 2
    assert found(filled, "seen = true") == {"red.png", "blue.png"}
    assert filled.set_fields(pictures / "red.png", where="album = Italy", add={"tags": "x"}).changed == 1
    assert filled.set_fields(pictures / "green.png", where="album = Italy", add={"tags": "x"}).changed == 0
    assert found(filled, "tags = x") == {"red.png"}
    with pytest.raises(FilterError):
        filled.set_fields(where="album =", fields={"seen": True})


def test_fields_survive_a_change_and_a_move_but_not_a_copy_nor_a_removal(filled, pictures):
    red = pictures / "red.png"
    filled.set_fields(red, fields={"mine": 1})
    write_image(red, "white")
    assert filled.index(pictures).updated == 1
    assert fields_of(filled, red)["mine"] == 1
    red.rename(pictures / "white.png")
    shutil.copy(pictures / "white.png", pictures / "copy.png")
    filled.index(pictures)
    moved = fields_of(filled, pictures / "white.png"), fields_of(filled, pictures / "copy.png")
    assert sorted(moved, key=len) == [{}, {"mine": 1}]  # of two that appear at once, one is the file that moved
    filled.remove(pictures)
    filled.index(pictures)
    assert "mine" not in {each.name for each in filled.fields()}


def test_all_or_nothing(filled, pictures):
    with pytest.raises(ItemNotFound, match="gone"):
        filled.set_fields(pictures / "red.png", pictures / "gone.png", fields={"rating": 5})
    assert fields_of(filled, pictures / "red.png")["rating"] == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "no field to set"),
        ({"fields": {"year": 2020}}, r"Every file has 'year' by itself.*own\.year"),
        ({"fields": {"Captured_At": 2020}}, r"own\.captured_at"),
        ({"fields": {"": 1}}, "cannot be the name"),
        ({"fields": {"2nd": 1}}, "Begin with a letter"),
        ({"fields": {"a b": 1}}, "cannot be the name"),
        ({"fields": {"x" * 65: 1}}, "at most 64"),
        ({"fields": {"a'; DROP TABLE fields": 1}}, "cannot be the name"),
        ({"fields": {"rating": ""}}, "'' cannot be a value of the field 'rating'"),
        ({"fields": {"rating": "x" * 1001}}, "1 to 1,000 characters"),
        ({"fields": {"rating": float("nan")}}, "finite"),
        ({"fields": {"rating": float("inf")}}, "finite"),
        ({"fields": {"rating": date(2024, 1, 1)}}, "cannot be a value"),
        ({"fields": {"rating": [[1]]}}, "cannot be a value"),
        ({"fields": {"rating": []}}, "0 values"),
        ({"fields": {"tags": " ,; "}}, "0 values"),
        ({"fields": {"rating": list(range(101))}}, "101 values"),
        ({"add": {"rating": None}}, "no value to add"),
        ({"remove": {"rating": None}}, "no value to remove"),
        ({"fields": {f"f{number}": 1 for number in range(65)}}, "More than 64"),
    ],
)
def test_what_cannot_be_set(kept, changes, message):
    with pytest.raises(UsageError, match=message):
        kept.set_fields(kept.folder.parents[1] / "red.png", **changes)
    assert kept.fields() == []


def test_numbers_of_other_kinds_are_numbers(filled, pictures):
    filled.set_fields(pictures / "red.png", fields={"a": np.float32(0.5), "b": np.int64(7), "c": Fraction(1, 4)})
    said = fields_of(filled, pictures / "red.png")
    assert (said["a"], said["b"], said["c"]) == (0.5, 7, 0.25)


def test_files_must_be_named(filled, pictures, folder):
    with pytest.raises(UsageError, match="no file to set"):
        filled.set_fields(fields={"rating": 5})
    with pytest.raises(ItemNotFound, match="stands for no file"):
        filled.set_fields(pictures / "green.json", fields={"rating": 5})
    with pytest.raises(ItemNotFound):
        filled.set_fields(10**30, fields={"rating": 5})
    with pytest.raises(UsageError, match="several files"):
        filled.fields_of(pictures)
    with pytest.raises(ItemNotFound):
        filled.fields_of(pictures / "gone.png")


def test_only_index_makes_a_collection(collection, home, folder):
    table = write_text(folder / "own.csv", "file,rating\nred.png,5\n")
    for call in (
        lambda: collection.set_fields("a.png", fields={"rating": 5}),
        lambda: collection.set_fields_from(table),
        lambda: collection.fields(),
        lambda: collection.fields_of("a.png"),
    ):
        with pytest.raises(CollectionNotFound):
            call()
    assert not home.exists()


# ---- tables of the user's own ----


TABLE = [
    {"file": "red.png", "Rating": 5, "title": "Tomato", "tags": "a, b"},
    {"file": "blue.png", "Rating": "4.5", "year": 1999},
    {"file": "gone.png", "Rating": 1},
]


@pytest.mark.parametrize("name", ["own.json", "own.jsonl", "own.csv", "own.tsv", "by_name.json"])
def test_fields_from_a_table(filled, pictures, name):
    path = pictures / name
    if name == "by_name.json":
        write_json(path, {row["file"]: {key: row[key] for key in row if key != "file"} for row in TABLE})
    elif path.suffix == ".json":
        write_json(path, TABLE)
    elif path.suffix == ".jsonl":
        path.write_text("\n".join(json.dumps(row) for row in TABLE))
    else:
        columns = ("file", "Rating", "title", "tags", "year")
        lines = [columns, *([str(row.get(column, "")) for column in columns] for row in TABLE)]
        mark = "\t" if path.suffix == ".tsv" else ";"
        path.write_text("\n".join(mark.join(line) for line in lines))
    assert filled.set_fields_from(path, dry_run=True) == FieldsReport(files=2, unknown=1)
    assert fields_of(filled, pictures / "red.png")["rating"] == 3
    assert filled.set_fields_from(str(path)) == FieldsReport(files=2, changed=2, unknown=1)
    assert filled.set_fields_from(str(path)).changed == 0
    red, blue = (fields_of(filled, pictures / f"{name}.png") for name in ("red", "blue"))
    assert red == {"album": "Italy", "rating": 5, "tags": ["a", "b"], "title": "Tomato"}
    assert blue == {"album": "Italy", "rating": 4.5, "own.year": 1999}
    assert {said.said_by for said in filled.fields_of(pictures / "blue.png") if said.name != "album"} == {None}


def test_a_table_may_name_texts_and_files_elsewhere(collection, folder, tmp_path):
    note = write_text(folder / "note.txt", "A note.")
    collection.index(folder)
    write_json(tmp_path / "own.json", [{"path": str(note), "rating": 5, "name": "x"}, {"file": "../up.txt", "a": 1}])
    assert collection.set_fields_from(tmp_path / "own.json") == FieldsReport(files=1, changed=1, unknown=1)
    assert fields_of(collection, note) == {"own.name": "x", "rating": 5}


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("a.json", "{", UsageError, "not valid JSON"),
        ("a.json", "[" * 100_000, UsageError, "not valid JSON"),
        ("a.json", "7", UsageError, "neither a list nor an object"),
        ("a.json", '[{"rating": 5}]', UsageError, "row 1: names no file"),
        ("a.json", '[{"file": "\\ud83d.png", "rating": 5}]', UsageError, "names no file"),
        ("a.json", '[{"file": "\\u0000", "rating": 5}]', UsageError, "names no file"),
        ("a.json", '[{"file": "red.png"}]', UsageError, "no fields"),
        ("a.json", "[7]", UsageError, "row 1: names no file"),
        ("a.csv", "rating\n5\n", UsageError, "line 2: names no file"),
        ("a.jsonl", '{"file": "red.png", "a": 1}\n{', UsageError, "line 2: not valid JSON"),
        ("a.txt", "file,rating\nred.png,5", UsageError, "neither JSON lines nor a table"),
        ("a.json", " ", MediaError, "no text"),
        ("a.csv", "\0", MediaError, "not text"),
    ],
)
def test_tables_that_cannot_be_read(kept, folder, name, content, error, message):
    (folder / name).write_text(content)
    with pytest.raises(error, match=message):
        kept.set_fields_from(folder / name)


def test_a_table_that_is_not_there(kept, folder):
    with pytest.raises(MediaError, match=r"gone\.csv"):
        kept.set_fields_from(folder / "gone.csv")
