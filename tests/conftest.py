"""Fixtures that several floors share: a folder of media, and a collection over it that counts its encodes."""

from pathlib import Path

import pytest

import mmsearch
from mmsearch.encoders.hashing import HashingEncoder


class CountingEncoder(HashingEncoder):
    """Remembers what it embedded as documents; queries are not counted."""

    def __init__(self):
        super().__init__(64)
        self.texts = []
        self.images = 0

    def encode_texts(self, texts, role):
        if role == "document":
            self.texts += texts
        return super().encode_texts(texts, role)

    def encode_images(self, images, role):
        if role == "document":
            self.images += len(images)
        return super().encode_images(images, role)


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
