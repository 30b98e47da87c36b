"""Fixtures that several floors share: a folder of media, and a collection over it that counts its encodes."""

from pathlib import Path

import pytest
from counting_encoder import CountingEncoder

import mmsearch


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "media"
    made.mkdir()
    return made


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    made = tmp_path / "home"
    monkeypatch.setenv("MMSEARCH_HOME", str(made))
    return made


@pytest.fixture
def encoder() -> CountingEncoder:
    return CountingEncoder()


@pytest.fixture
def collection(home, encoder):
    """Indexes in this process, through the counting encoder."""
    with mmsearch.open("photos", home=home, model=encoder) as opened:
        yield opened
