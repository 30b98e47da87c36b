import os
import tracemalloc
from types import SimpleNamespace

import pytest

import mmsearch


class _Entry:
    __slots__ = ("name", "path")

    def __init__(self, folder, name):
        self.name, self.path = name, f"{folder}/{name}"

    def is_symlink(self):
        return False

    def is_dir(self):
        return False

    def is_file(self):
        return True

    def stat(self):
        return SimpleNamespace(st_size=1_000, st_mtime_ns=1)


class _Endless:
    """A listing that makes its entries as they are asked for."""

    def __init__(self, folder, files):
        self._folder, self._files = folder, files

    def __enter__(self):
        return (_Entry(self._folder, f"IMG_{number:06d}.jpg") for number in range(self._files))

    def __exit__(self, *_):
        return None


@pytest.mark.parametrize("files", [30_000, pytest.param(300_000, marks=pytest.mark.slow)])
def test_memory_does_not_grow_with_the_number_of_files(folder, home, encoder, monkeypatch, files):
    (folder / "a.txt").write_text("warm up: imports and caches")
    with mmsearch.open("photos", home=home, model=encoder) as collection:
        collection.index(folder)
        monkeypatch.setattr(os, "scandir", lambda path: _Endless(path, files))
        tracemalloc.start()
        try:
            report = collection.index(folder, dry_run=True)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert (report.added, report.removed) == (files, 1)
    assert peak < 2 << 20  # the names alone would take more
