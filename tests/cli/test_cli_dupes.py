"""`mmsearch dupes`: what is printed, for people and for programs, and that nothing is deleted."""

import os
import shutil

import pytest
import sqlalchemy as sa
from PIL import Image

import mmsearch
from mmsearch.testing.drawings import draw_samples


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Three drawings; of one a copy and a smaller variant."""
    folder = tmp_path_factory.mktemp("pictures")
    for path in draw_samples(folder):
        if path.stem not in ("clock", "daisy", "balloon"):
            path.unlink()
    shutil.copy2(folder / "clock.jpg", folder / "clock copy.jpg")
    with Image.open(folder / "clock.jpg") as clock:
        clock.resize((256, 192)).save(folder / "clock-small.jpg")
    return folder


@pytest.fixture(scope="module")
def stored_pictures(tmp_path_factory, pictures):
    """A home with the collection "default" of `pictures`; not to be written to."""
    home = tmp_path_factory.mktemp("stored")
    with mmsearch.open("default", home=home, model="hashing") as collection:
        collection.index(pictures, workers=1)
    return home


@pytest.fixture
def indexed(stored_pictures, pictures, monkeypatch):
    """Make that collection the current one; answers with the folder of the pictures."""
    monkeypatch.setenv("MMSEARCH_HOME", str(stored_pictures))
    return pictures


def test_a_terminal_gets_a_table_with_the_kept_file_first(cli, indexed):
    ran = cli("dupes", terminal=True)
    assert ran.exit_code == 0
    kept, *others = [line for line in ran.stdout.splitlines() if "clock" in line]
    assert "keep" in kept
    assert "512 x 384" in kept
    assert "clock.jpg" in kept
    assert "exact" in others[0]
    assert "clock copy.jpg" in others[0]
    assert "shorter path" in others[0]
    assert "near, 0 bits" in others[1] or "near, 2 bits" in others[1]
    assert "more pixels" in others[1]
    assert "daisy" not in ran.stdout
    assert "1 group of copies among 5 files; 2 files (" in ran.stderr
    assert "Nothing was deleted." in ran.stderr
    assert len(os.listdir(indexed)) == 5


def test_a_pipe_gets_a_group_a_line(cli, indexed):
    (group,) = cli("dupes").objects
    assert group["kept"]["path"] == str(indexed / "clock.jpg")
    assert [(each["reason"], each["path"]) for each in group["others"]] == [
        ("exact", str(indexed / "clock copy.jpg")),
        ("near", str(indexed / "clock-small.jpg")),
    ]
    assert group["freed_bytes"] == sum(each["size_bytes"] for each in group["others"])


def test_exact_leaves_near_copies_out(cli, indexed):
    (group,) = cli("dupes", "--exact").objects
    assert [each["path"] for each in group["others"]] == [str(indexed / "clock copy.jpg")]


@pytest.mark.parametrize(("flag", "end"), [("--paths", b"\n"), ("-0", b"\0")])
def test_paths_are_those_that_would_not_be_kept(cli, indexed, flag, end):
    expected = [os.fsencode(indexed / name) + end for name in ("clock copy.jpg", "clock-small.jpg")]
    assert cli("dupes", flag, terminal=True).stdout_bytes == b"".join(expected)


def test_only_within_paths_and_a_filter(cli, indexed):
    two = (indexed / "clock.jpg", indexed / "clock-small.jpg")
    assert len(cli("dupes", *two, "--paths").stdout.splitlines()) == 1
    assert len(cli("dupes", "--where", "width > 300", "--paths").stdout.splitlines()) == 1
    assert cli("dupes", indexed / "nothing.jpg").exit_code == 3


def test_no_copies_are_no_error(cli, indexed):
    ran = cli("dupes", indexed / "daisy.jpg", terminal=True)
    assert (ran.exit_code, ran.stdout) == (0, "")
    assert ran.stderr == "No copies among 1 file.\n"
    assert cli("dupes", indexed / "daisy.jpg", "-q").stderr == ""


def test_an_older_collection_says_what_could_not_be_compared(cli, indexed, stored_pictures, home, monkeypatch):
    shutil.copytree(stored_pictures, home)
    monkeypatch.setenv("MMSEARCH_HOME", str(home))
    engine = sa.create_engine(f"sqlite:///{home / 'default' / 'catalog.db'}")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE assets SET look = NULL"))
    engine.dispose()
    ran = cli("dupes")
    assert [len(group["others"]) for group in ran.objects] == [1]
    assert "5 pictures could be compared by content only" in ran.stderr
    assert "mmsearch remove" in ran.stderr
    assert "content only" not in cli("dupes", "--exact").stderr


def test_json_goes_with_no_paths(cli, indexed):
    assert cli("dupes", "--json", "-0").exit_code == 2
