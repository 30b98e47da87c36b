"""What crash tests begin with."""

import pytest
from library import make_first

import mmsearch


@pytest.fixture
def indexed(home, encoder, folder, monkeypatch):
    """A collection of eight files in blocks of two."""
    monkeypatch.setenv("MMSEARCH_INGEST_BATCH_FILES", "2")
    make_first(folder)
    with mmsearch.open("photos", home=home, model=encoder) as collection:
        collection.index(folder)
        encoder.texts.clear()
        encoder.images = 0
        yield collection
