import json
import shutil
from dataclasses import dataclass

import pytest
from typer.testing import CliRunner

import mmsearch
from mmsearch.cli import output
from mmsearch.cli.app import app
from mmsearch.testing.media import write_bomb_png, write_image, write_text, write_wav


@dataclass
class Ran:
    exit_code: int
    stdout: str
    stderr: str
    stdout_bytes: bytes

    @property
    def objects(self):
        return [json.loads(line) for line in self.stdout.splitlines()]


@pytest.fixture
def cli(monkeypatch):
    """Run a command as if into a pipe, or as if on a terminal."""

    def run(*args, terminal=False):
        monkeypatch.setattr(output, "is_terminal", lambda: terminal)
        done = CliRunner().invoke(app, [str(arg) for arg in args], prog_name="mmsearch")
        return Ran(done.exit_code, done.stdout, done.stderr, done.stdout_bytes)

    return run


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MMSEARCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("MMSEARCH_COLLECTION", "MMSEARCH_MODEL", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home"


@pytest.fixture
def deaf(monkeypatch):
    """As if the model took no sounds."""
    monkeypatch.setattr("mmsearch.ingest.flow.decodable", lambda _: frozenset({"image", "text"}))


@pytest.fixture(scope="session")
def media(tmp_path_factory):
    """Red, green and blue pictures, two notes, a picture with its caption, a tone, and two files that fail."""
    folder = tmp_path_factory.mktemp("media")
    for colour in ("red", "green", "blue"):
        write_image(folder / f"{colour}.png", colour)
    write_text(folder / "dog.txt", "A dog runs along the beach.\n")
    write_text(folder / "bread.md", "Bread needs flour, water, salt and time.\n")
    write_image(folder / "yellow.jpg", "yellow")
    write_text(folder / "yellow.txt", "A ripe lemon on a plate.\n")
    write_bomb_png(folder / "bomb.png")
    (folder / "broken.jpg").write_bytes(b"not a picture")
    write_wav(folder / "bark.wav")
    return folder


@pytest.fixture(scope="session")
def stored(tmp_path_factory, media):
    """A home with the collection "default" of `media`; not to be written to."""
    home = tmp_path_factory.mktemp("stored")
    with mmsearch.open("default", home=home, model="hashing") as collection:
        collection.index(media, workers=1)
    return home


@pytest.fixture
def shared(stored, monkeypatch):
    """Make the collection of `media` the current one, for reading."""
    monkeypatch.setenv("MMSEARCH_HOME", str(stored))
    return stored


@pytest.fixture
def own(stored, home):
    """Make a copy of the collection of `media` the current one, for writing."""
    shutil.copytree(stored, home)
    return home
