import os
import socket
from pathlib import Path

import pytest

from mmsearch.errors import ConfigError
from mmsearch.ingest.scan import ScanRules, Unreadable, scan


@pytest.fixture
def put(folder):
    """Make empty files, with their folders; answers with the one folder that holds them all."""

    def make(*names):
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return folder

    return make


@pytest.fixture
def listed(monkeypatch):
    """The folders that were listed, in order."""
    folders = []
    real = os.scandir

    def scandir(path):
        folders.append(os.path.basename(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    return folders


def found(root, **rules):
    """Names relative to the root; what could not be read must be looked for with `unreadable`."""
    results = list(scan(root, ScanRules.of(**rules)))
    assert not [each for each in results if isinstance(each, Unreadable)]
    return sorted(os.path.relpath(each.path, root) for each in results)


def unreadable(root, **rules):
    results = scan(root, ScanRules.of(**rules))
    return {os.path.relpath(each.stat.path, root): each.reason for each in results if isinstance(each, Unreadable)}


def test_finds_media_by_ending_in_all_folders(put):
    root = put("a.jpg", "b.TXT", "deep/er/c.png", "d.csv", "e.mp3", "f.mov", "g.psd", "h.cr2", "i.exe", "j", "k.py")
    assert found(root) == ["a.jpg", "b.TXT", "d.csv", "deep/er/c.png", "e.mp3", "f.mov", "g.psd", "h.cr2"]


def test_gives_size_and_time(folder):
    path = folder / "a.txt"
    path.write_bytes(b"12345")
    os.utime(path, ns=(7, 1_600_000_000_123_456_789))
    (only,) = scan(folder, ScanRules())
    assert (only.path, only.size_bytes, only.mtime_ns) == (str(path), 5, 1_600_000_000_123_456_789)


def test_counts_what_is_no_media(put):
    root = put("a.jpg", "b.exe", "c.py", ".hidden.py", "out/d.py")
    rules = ScanRules.of(exclude=["out/"])
    assert len(list(scan(root, rules))) == 1
    assert rules.counts.not_media == 2


def test_an_empty_folder_gives_nothing(folder):
    assert found(folder) == []


@pytest.mark.parametrize(
    ("exclude", "left"),
    [
        (["*.png"], ["a.jpg", "trip/a.jpg", "trip/raw/a.jpg"]),
        (["trip/"], ["a.jpg", "a.png"]),
        (["/a.*"], ["trip/a.jpg", "trip/a.png", "trip/raw/a.jpg"]),
        (["trip/*.jpg"], ["a.jpg", "a.png", "trip/a.png", "trip/raw/a.jpg"]),
        (["**/raw"], ["a.jpg", "a.png", "trip/a.jpg", "trip/a.png"]),
        (["*", "!*.png"], ["a.png"]),
        (["*.jpg", "!a.jpg"], ["a.jpg", "a.png", "trip/a.jpg", "trip/a.png", "trip/raw/a.jpg"]),
        (["trip/", "!trip/a.jpg"], ["a.jpg", "a.png"]),  # as in git: nothing below a folder that is left out
        (["# a comment", "", "a.[j]pg"], ["a.png", "trip/a.png"]),
    ],
)
def test_exclude_follows_gitignore(put, exclude, left):
    root = put("a.jpg", "a.png", "trip/a.jpg", "trip/a.png", "trip/raw/a.jpg")
    assert found(root, exclude=exclude) == left


@pytest.mark.parametrize(
    ("include", "left"),
    [
        (["*.png"], ["a.png", "trip/a.png"]),
        (["trip/"], ["trip/a.jpg", "trip/a.png"]),
        (["/*.jpg", "trip/*.png"], ["a.jpg", "trip/a.png"]),
    ],
)
def test_include_keeps_only_what_matches(put, include, left):
    root = put("a.jpg", "a.png", "trip/a.jpg", "trip/a.png")
    assert found(root, include=include) == left


def test_exclude_wins_over_include(put):
    assert found(put("a.jpg", "b.jpg"), include=["*.jpg"], exclude=["b.*"]) == ["a.jpg"]


def test_a_folder_that_is_left_out_is_not_even_listed(put, listed):
    root = put("a.jpg", "cache/1/2/3/b.jpg", ".git/objects/c.jpg", "keep/d.jpg")
    assert found(root, exclude=["cache/"]) == ["a.jpg", "keep/d.jpg"]
    assert sorted(listed) == ["keep", root.name]


def test_a_pattern_that_is_none(folder):
    with pytest.raises(ConfigError, match="Not a valid pattern"):
        ScanRules.of(exclude=["!"])


def test_hidden_files_only_if_wanted(put):
    root = put("a.jpg", ".b.jpg", ".trash/c.jpg", "d/.e.txt")
    assert found(root) == ["a.jpg"]
    assert found(root, hidden=True) == [".b.jpg", ".trash/c.jpg", "a.jpg", "d/.e.txt"]


def test_a_hidden_root_is_what_the_user_asked_for(put):
    assert found(put(".photos/a.jpg") / ".photos") == ["a.jpg"]


def test_links_only_if_wanted(put):
    root = put("real/a.jpg")
    (root / "link.jpg").symlink_to(root / "real/a.jpg")
    (root / "folder").symlink_to(root / "real")
    (root / "broken.jpg").symlink_to(root / "nothing.jpg")
    assert found(root) == ["real/a.jpg"]
    linked = found(root, follow_symlinks=True)
    assert linked in (["link.jpg", "real/a.jpg"], ["folder/a.jpg", "link.jpg"])  # the folder is entered once


def test_a_circle_of_links_ends(put, listed):
    root = put("one/a.jpg", "two/b.jpg")
    (root / "one/up").symlink_to(root)
    (root / "one/two").symlink_to(root / "two")
    (root / "two/one").symlink_to(root / "one")
    (root / "two/self").symlink_to(root / "two")
    assert {os.path.basename(name) for name in found(root, follow_symlinks=True)} == {"a.jpg", "b.jpg"}
    assert len(listed) == 3


def test_a_link_to_itself_is_no_file(put):
    root = put("a.jpg")
    (root / "loop.jpg").symlink_to(root / "loop.jpg")
    assert found(root) == ["a.jpg"]
    results = list(scan(root, ScanRules.of(follow_symlinks=True)))
    assert [each.path for each in results if not isinstance(each, Unreadable)] == [str(root / "a.jpg")]


def test_a_root_that_is_a_link_is_entered(put, tmp_path):
    (tmp_path / "link").symlink_to(put("a.jpg"))
    assert found(tmp_path / "link") == ["a.jpg"]


@pytest.mark.parametrize(
    "name",
    [
        "ünïcödé.jpg",
        "写真 🏖️.jpg",
        "e\u0301.jpg",  # combining accent: another name than é.jpg
        "\u00e9.jpg",
        "new\nline.jpg",
        "tab\tand 'quotes\".jpg",
        "back\\slash.jpg",
        "-rf.jpg",
        "*?[x].jpg",
        "x" * 251 + ".jpg",
        os.fsdecode(b"\xff\xfe latin \xe9.jpg"),
    ],
    ids=ascii,
)
def test_any_name(put, name):
    root = put(name, "other/" + name)
    assert found(root) == sorted([name, "other/" + name])
    assert found(root, exclude=["other/"]) == [name]
    assert found(root, include=["/*.jpg"]) == [name]


def test_deep_paths(folder):
    here = folder
    for _ in range(15):
        here = here / ("d" * 200)
    here.mkdir(parents=True)
    (here / "a.jpg").touch()
    assert len(os.fspath(here)) > 3_000
    assert found(folder) == [os.path.relpath(here / "a.jpg", folder)]


def test_deeper_than_the_system_can_name(folder, monkeypatch):
    monkeypatch.chdir(folder)
    for _ in range(25):
        os.mkdir("d" * 200)
        os.chdir("d" * 200)
    results = list(scan(folder, ScanRules()))
    assert len(results) == 1
    assert "too long" in results[0].reason


def test_special_files_are_passed_over_without_waiting_for_them(put, monkeypatch):
    root = put("a.jpg")
    os.mkfifo(root / "pipe.jpg")
    monkeypatch.chdir(root)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("socket.txt")
    assert found(root) == ["a.jpg"]
    assert found(root, follow_symlinks=True) == ["a.jpg"]


def test_a_root_that_is_a_file_is_taken_whatever_the_rules(put):
    root = put(".odd.xyz") / ".odd.xyz"
    assert [each.path for each in scan(root, ScanRules.of(exclude=["*"]))] == [str(root)]


@pytest.mark.parametrize("root", [Path("/dev/null"), Path("/nowhere/a.jpg")])
def test_a_root_that_is_no_file_is_reported(root):
    (only,) = scan(root, ScanRules())
    assert isinstance(only, Unreadable)


def test_folders_to_avoid_are_not_entered(put, tmp_path):
    root = put("a.jpg", "home/photos/b.jpg", "home/c.jpg")
    (root / "link").symlink_to(root / "home/photos")
    avoid = [root / "home/photos"]
    assert found(root, avoid=avoid, follow_symlinks=True) == ["a.jpg", "home/c.jpg"]
    assert found(root / "home/photos", avoid=avoid) == []


class _Entry:
    """A directory entry whose file cannot be looked at."""

    def __init__(self, folder, name, error):
        self.name, self.path, self._error = name, os.path.join(folder, name), error

    def is_symlink(self):
        return False

    def is_dir(self):
        return False

    def is_file(self):
        return True

    def stat(self):
        raise self._error


class _Listing(list):
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


@pytest.fixture
def failing(monkeypatch):
    """Make looking at some paths fail."""

    def fail(errors):
        real = os.scandir

        def scandir(path):
            if error := errors.get(os.fspath(path)):
                raise error
            with real(path) as entries:
                return _Listing(
                    _Entry(path, entry.name, errors[entry.path]) if entry.path in errors and entry.is_file() else entry
                    for entry in entries
                )

        monkeypatch.setattr(os, "scandir", scandir)

    return fail


def test_a_folder_or_file_that_cannot_be_read_is_reported_and_the_rest_is_found(put, failing):
    root = put("a.jpg", "locked/b.jpg", "sick/c.jpg", "sick/d.jpg")
    failing(
        {
            f"{root}/locked": PermissionError(13, "Permission denied"),
            f"{root}/sick/c.jpg": OSError(5, "Input/output error"),
        }
    )
    assert unreadable(root) == {
        "locked": "The folder cannot be read: Permission denied.",
        "sick/c.jpg": "The file cannot be looked at: Input/output error.",
    }
    readable = [each for each in scan(root, ScanRules()) if not isinstance(each, Unreadable)]
    assert sorted(each.path for each in readable) == [f"{root}/a.jpg", f"{root}/sick/d.jpg"]


def test_what_is_deleted_during_the_scan_is_gone_rather_than_unreadable(put, failing):
    root = put("a.jpg", "b.jpg", "gone/c.jpg")
    missing = FileNotFoundError(2, "No such file or directory")
    failing({f"{root}/gone": missing, f"{root}/b.jpg": missing})
    assert found(root) == ["a.jpg"]


def test_but_a_root_that_goes_away_is_unreadable(put, failing):
    root = put("a.jpg")
    failing({str(root): FileNotFoundError(2, "No such file or directory")})
    assert list(unreadable(root)) == ["."]
