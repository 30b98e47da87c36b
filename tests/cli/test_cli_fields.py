import json

import pytest

from mmsearch.cli.set import Wishes
from mmsearch.errors import UsageError
from mmsearch.testing.media import write_image
from mmsearch.where.fields import FIELDS


def fields_of(cli, item):
    return {each["name"]: each["value"] for each in cli("fields", item, "--json").objects}


# ---- arguments ----


def test_arguments_are_told_apart_by_their_sign():
    wishes = Wishes.read(
        ["photo.jpg", "rating=5", "tags+=beach", "17", "tags+=a=b", "tags-=old", "people=Ann", "people=Bob", "mood="]
    )
    assert wishes == Wishes(
        items=["photo.jpg", "17"],
        fields={"rating": ["5"], "people": ["Ann", "Bob"], "mood": None},
        add={"tags": ["beach", "a=b"]},
        remove={"tags": ["old"]},
    )


@pytest.mark.parametrize("path", ["./a=b.jpg", "/photos/a=b.jpg", "sub/a+=b", "../a-=b", "~/x=y"])
def test_a_slash_before_the_sign_makes_it_a_path(path):
    assert Wishes.read([path]) == Wishes(items=[path])


def test_values_may_hold_slashes_and_line_breaks():
    assert Wishes.read(["source=/a/b", "note= two\nlines "]).fields == {"source": ["/a/b"], "note": ["two\nlines"]}


@pytest.mark.parametrize("arguments", [["tags+="], ["tags-= "], ["a=1", "a="], ["a=", "a=1"]])
def test_contradictions(arguments):
    with pytest.raises(UsageError):
        Wishes.read(arguments)


# ---- set ----


def test_set_and_show(cli, own, media):
    red, green = media / "red.png", media / "green.png"
    assert cli("set", "rating=5", red, "tags=a,b", green).objects == [{"files": 2, "changed": 2}]
    assert cli("set", "tags+=c", "tags-=a", red).objects == [{"files": 1, "changed": 1}]
    assert fields_of(cli, red) == {"rating": 5, "tags": ["b", "c"]}
    assert fields_of(cli, green) == {"rating": 5, "tags": ["a", "b"]}
    assert cli("set", "rating=", red, terminal=True).stdout == "1 of 1 file changed.\n"
    assert cli("set", "rating=", red, green, terminal=True).stdout == "1 of 2 files changed.\n"
    assert cli("set", "rating=5", green).objects == [{"files": 1, "changed": 1}]
    assert fields_of(cli, red) == {"tags": ["b", "c"]}
    (hit,) = cli("search", "--where", "tags = c", "--json").objects
    assert (hit["path"], hit["fields"]) == (str(red), {"tags": ["b", "c"]})


def test_set_by_a_filter(cli, own, media):
    assert cli("set", "seen=true", "--where", "ext = png", "--dry-run").objects == [{"files": 3, "dry_run": True}]
    assert "3 files would be" in cli("set", "seen=true", "--where", "ext = png", "--dry-run", terminal=True).stdout
    assert cli("set", "seen=true", "--where", "ext = png").objects == [{"files": 3, "changed": 3}]
    assert fields_of(cli, media / "blue.png") == {"seen": True}


def test_set_from_a_table(cli, own, media, tmp_path):
    table = tmp_path / "own.csv"
    table.write_text(f"file,rating\n{media / 'red.png'},4\ngone.png,1\n")
    ran = cli("set", "--from", table)
    assert ran.objects == [{"files": 1, "unknown": 1, "changed": 1}]
    assert "1 file of the table are not in the collection" in ran.stderr
    assert fields_of(cli, media / "red.png") == {"rating": 4}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "no field to set"),
        (["photo.jpg"], 2, "no field to set"),
        (["rating=5"], 2, "no file to set"),
        (["year=2020", "17"], 2, "own.year"),
        (["=5", "17"], 2, "cannot be the name"),
        (["my field=5", "17"], 2, "cannot be the name"),
        (["rating=5", "gone.jpg"], 3, "not in the collection"),
        (["rating=5", "--where", "rating >"], 2, "rating >"),
        (["rating=5", "--from", "a.csv"], 2, "--from"),
        (["--from", "gone.csv"], 8, "gone.csv"),
    ],
)
def test_set_refuses(cli, shared, arguments, code, message):
    ran = cli("set", *arguments)
    assert (ran.exit_code, ran.stdout) == (code, "")
    assert message in ran.stderr


# ---- fields ----


def test_fields_as_json(cli, own, media):
    cli("set", "rating=5", "album=Best of 2024", media / "red.png")
    objects = cli("fields").objects
    assert [each["name"] for each in objects if not each["own"]] == [field.name for field in FIELDS]
    assert [each for each in objects if each["own"]] == [
        {"own": True, "name": "album", "files": 1, "examples": ["Best of 2024"]},
        {"own": True, "name": "rating", "files": 1, "examples": [5]},
    ]


def test_fields_on_a_terminal(cli, own, media):
    assert "No file has fields of your own yet; `mmsearch set`" in cli("fields", terminal=True).stderr
    cli("set", "note=\x1b[31m" + "long " * 30, "seen=true", media / "red.png")
    lines = cli("fields", terminal=True).stdout.splitlines()
    assert any(line.startswith("year ") and "year >= 2020" in line for line in lines)
    assert any(line.startswith("near() ") and "near(48.137, 11.576, 5km)" in line for line in lines)
    assert any(line.startswith("within() ") and "within(47.2, 5.8, 55.1, 15.1)" in line for line in lines)
    (note,) = (line for line in lines if line.startswith("note "))
    assert "\\x1b[31mlong" in note
    assert note.rstrip().endswith("…")
    (seen,) = (line for line in lines if line.startswith("seen "))
    assert seen.split() == ["seen", "1", "true"]


def test_fields_of_a_file_on_a_terminal(cli, own, media):
    assert "no fields of your own" in cli("fields", media / "red.png", terminal=True).stderr
    cli("set", "rating=5", media / "red.png")
    assert cli("fields", media / "red.png", terminal=True).stdout.splitlines()[1].split() == ["rating", "5", "you"]


def test_fields_without_a_collection(cli, home):
    assert len(cli("fields").objects) == len(FIELDS)
    assert not home.exists()
    assert cli("fields", "red.png").exit_code == 3


def test_fields_that_sidecars_say(cli, home, tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    write_image(folder / "red.png", "red")
    (folder / "red.json").write_text(json.dumps({"rating": 5}))
    cli("-c", "own", "index", folder, "--workers", 1, "--model", "hashing")
    said = cli("-c", "own", "fields", folder / "red.png").objects
    assert said == [{"name": "rating", "value": 5, "said_by": str(folder / "red.json")}]
