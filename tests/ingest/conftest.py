from pathlib import Path

import pytest

import mmsearch
from mmsearch.testing.media import write_image

PLUGINS = Path(__file__).parent / "plugins"


@pytest.fixture
def trouble(home, monkeypatch):
    """Open a collection whose worker processes get into trouble on demand; see plugins/trouble.py."""
    monkeypatch.syspath_prepend(PLUGINS)
    opened = []

    def open_(on_load="nothing", **settings):
        for name, value in settings.items():
            monkeypatch.setenv(f"MMSEARCH_{name.upper()}", str(value))
        opened.append(mmsearch.open("trouble", home=home, model=f"trouble:{on_load}"))
        return opened[-1]

    yield open_
    for collection in opened:
        collection.close()


@pytest.fixture
def draw(folder):
    """Write pictures; a word at the end of the file tells the worker what to do when it reads it."""

    def write(name, word=b""):
        path = write_image(folder / name, "red")
        path.write_bytes(path.read_bytes() + word)
        return path

    return write
