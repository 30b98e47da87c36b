from pathlib import Path

import pytest

import mmsearch
from mmsearch.testing.media import write_image, write_wav

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
    """Write pictures and sounds; a word at the end of the file tells the worker what to do when it reads it."""

    def write(name, word=b""):
        path = folder / name
        write_image(path, "red") if path.suffix == ".png" else write_wav(path, pitch_hz=2_500)
        path.write_bytes(path.read_bytes() + word)
        return path

    return write
