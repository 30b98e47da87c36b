"""One listing answers for a whole folder."""

import os

from mmsearch.ingest import siblings as module
from mmsearch.ingest.siblings import siblings


def test_it_agrees_with_the_disk(tmp_path):
    (tmp_path / "a.jpg").touch()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.jpg").touch()
    exists = siblings(str(tmp_path / "a.txt"))
    for name in ("a.jpg", "a.png", "sub/b.jpg", "sub/c.jpg", "../none.jpg"):
        path = os.path.normpath(tmp_path / name)
        assert exists(path) == os.path.exists(path)


def test_a_folder_is_listed_once_for_all_its_files(tmp_path, monkeypatch):
    listed = []
    listing = os.listdir
    monkeypatch.setattr(module.os, "listdir", lambda folder: (listed.append(folder), listing(folder))[1])
    for number in range(50):
        siblings(str(tmp_path / f"{number}.txt"))(str(tmp_path / f"{number}.jpg"))
    assert listed == [str(tmp_path)]


def test_a_file_that_comes_later_is_seen(tmp_path):
    assert not siblings(str(tmp_path / "a.txt"))(str(tmp_path / "a.jpg"))
    (tmp_path / "a.jpg").touch()
    os.utime(tmp_path, ns=(1, 1))  # as later as any clock can tell
    assert siblings(str(tmp_path / "a.txt"))(str(tmp_path / "a.jpg"))


def test_a_folder_that_cannot_be_listed_is_asked_file_by_file(tmp_path, monkeypatch):
    (tmp_path / "a.jpg").touch()

    def refuse(folder):
        raise PermissionError(folder)

    monkeypatch.setattr(module.os, "listdir", refuse)
    assert siblings(str(tmp_path / "a.txt"))(str(tmp_path / "a.jpg"))
