import os

import pytest

from mmsearch.errors import UsageError
from mmsearch.ingest.roots import starting_points
from mmsearch.ingest.scan import ScanRules
from mmsearch.testing.media import write_text

RULES = ScanRules.of()


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """a/b/c, a/.hidden, a/link -> far, far; with a text each."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("a/b/c", "a/.hidden", "far"):
        (tmp_path / name).mkdir(parents=True)
        write_text(tmp_path / name / "t.txt")
    (tmp_path / "a" / "link").symlink_to(tmp_path / "far")
    return tmp_path


def names(tree, paths, known=(), rules=RULES):
    found = starting_points(paths, [str(tree / root) for root in known], rules)
    assert all(root.is_absolute() for root in found)
    return [os.path.relpath(root, tree) for root in found]


def test_paths_are_made_absolute_and_counted_once(tree):
    assert names(tree, ["a", "a/", "./a", "~/a", tree / "a", "far/../a", "a/."]) == ["a"]
    assert names(tree, ["."]) == ["."]


def test_what_a_scan_comes_by_is_no_root_of_its_own(tree):
    assert names(tree, ["a/b/c", "a", "a/b", "a/b/c/t.txt", "far"]) == ["a", "far"]
    assert names(tree, ["a/b", "a/b/c/t.txt"]) == ["a/b"]


def test_a_name_that_begins_alike_is_another_folder(tree):
    (tree / "ab").mkdir()
    assert names(tree, ["a", "ab"]) == ["a", "ab"]


@pytest.mark.parametrize("passed_over", ["a/.hidden", "a/.hidden/t.txt", "a/link", "a/link/t.txt"])
def test_what_a_scan_passes_over_stays_a_root(tree, passed_over):
    assert names(tree, ["a", passed_over]) == ["a", passed_over]
    assert names(tree, ["a", passed_over], rules=ScanRules.of(hidden=True, follow_symlinks=True)) == ["a"]


def test_patterns_are_relative_to_the_root_that_is_scanned(tree):
    assert names(tree, ["a", "a/b"], rules=ScanRules.of(exclude=["b/"])) == ["a", "a/b"]
    assert names(tree, ["a", "a/b"], rules=ScanRules.of(exclude=["/a/"])) == ["a"]
    assert names(tree, ["a", "a/b/c/t.txt"], rules=ScanRules.of(include=["*.jpg"])) == ["a", "a/b/c/t.txt"]


def test_a_file_of_no_known_kind_stays_a_root(tree):
    (tree / "a" / "x.xyz").write_text("x")
    assert names(tree, ["a", "a/x.xyz"]) == ["a", "a/x.xyz"]


def test_without_paths_the_known_roots_that_are_there(tree):
    assert names(tree, [], known=["far", "a", "gone"]) == ["a", "far"]
    assert names(tree, [], known=["a", "a/b", "a/.hidden"]) == ["a", "a/.hidden"]


def test_known_roots_come_along_where_the_scan_of_a_given_one_passes_them_over(tree):
    known = ["a/.hidden", "a/link", "a/b", "far", "gone"]
    assert names(tree, ["a"], known) == ["a", "a/.hidden", "a/link"]
    assert names(tree, ["a/b"], known) == ["a/b"]


def test_known_roots_that_are_now_excluded_do_not_come_along(tree):
    assert names(tree, ["a"], ["a/.hidden", "a/b"], ScanRules.of(exclude=[".hidden/", "b/"])) == ["a"]


def test_nothing_to_index(tree):
    for known in ((), ("gone",)):
        with pytest.raises(UsageError, match="Name a folder"):
            names(tree, [], known)


@pytest.mark.parametrize("path", ["gone", "a/gone.txt", "~nobody-of-that-name/x", "a/b/c/t.txt/x", "x" * 5000])
def test_a_path_that_does_not_exist(tree, path):
    with pytest.raises(UsageError, match=r"does not exist.*mmsearch remove"):
        names(tree, ["a", path])


def test_an_empty_path_is_not_the_folder_of_work(tree):
    with pytest.raises(UsageError, match="empty"):
        names(tree, ["a", ""])
