"""An index whose files were changed is not used: searches compare the stored vectors, and say so."""

import numpy as np
import pytest

from mmsearch.errors import StorageError
from mmsearch.queries import Rerank
from mmsearch.vectors.generation import GenerationStore

WORDS = ("red", "green", "blue", "cat", "dog")


@pytest.fixture
def filled(library):
    for word in WORDS:
        library.put(f"/{word}.jpg", "image", word)
    return library


@pytest.fixture
def opened(filled):
    """Open it once more when the index is as the test wants it."""
    readers = []

    def open_reader():
        readers.append(filled.reader())
        return readers[-1]

    yield open_reader
    for reader in readers:
        reader.close()


def ranking(hits):
    return [(hit.path, round(hit.score, 5)) for hit in hits]


def spoil(library, value):
    """Write a number into the rows of the index in use, beneath those that have it mapped."""
    (path,) = (library.shelves.generations._folder).glob("*/rows.*")
    with path.open("r+b") as file:
        file.seek(-40, 2)  # in the last row
        file.write(np.float32(value).tobytes())


@pytest.mark.parametrize("kind", ["flat", "faiss-flat"])
@pytest.mark.parametrize("value", [3e5, np.inf, -np.inf, np.nan])
def test_damaged_rows_give_no_wrong_answer(filled, opened, kind, value):
    expected = {word: ranking(opened().search(word)) for word in WORDS}
    filled.publish_as(kind)
    reader = opened()
    assert reader.search("red").notices == ()
    spoil(filled, value)
    for word in WORDS:
        assert ranking(reader.search(word)) == expected[word]
    (notice,) = reader.search("red").notices
    assert notice.startswith("The index cannot be used: The index has ")
    assert notice.endswith("`mmsearch verify --repair` makes a new one.")
    filled.publish_as(kind)
    assert reader.search("red").notices == ()
    assert reader.shelves.indexes.current().kind == kind


def test_an_index_that_cannot_be_opened_is_told_of(filled, opened, monkeypatch):
    filled.publish_as("flat")
    expected = ranking(opened().search("cat"))

    def refuse(self, generation):
        raise StorageError("Cannot read ids.npy.", remedy="Check its permissions.")

    monkeypatch.setattr(GenerationStore, "load", refuse)
    reader = opened()
    hits = reader.search("cat", rerank=Rerank(wanted=True))
    assert ranking(hits) == expected
    *others, notice = hits.notices
    assert notice == (
        "The index cannot be used: Cannot read ids.npy. Searches compare the stored vectors meanwhile, which is "
        "slower; `mmsearch verify --repair` makes a new one."
    )
    assert len(others) == 1
    filled.put("/cow.jpg", "image", "cow")
    assert reader.search("cow").notices == (notice,), "it holds after a change too"


def test_of_two_threads_the_one_with_the_older_generation_takes_nothing_from_the_other(filled, opened, monkeypatch):
    filled.publish_as("flat")
    reader = opened()
    live, revision = reader.shelves.indexes._live, filled.catalog.revision()
    with reader.catalog.snapshot():
        old = reader.catalog.generation()
        live.at(revision)
    filled.publish_as("faiss-flat")
    with reader.catalog.snapshot():
        assert live.at(revision).index.kind == "faiss-flat"
        stages = live._stages
        with monkeypatch.context() as patch:
            patch.setattr(type(reader.catalog), "generation", lambda self: old)
            patch.setattr(GenerationStore, "load", lambda self, generation: stages[0].index)
            live.at(revision)
        assert live._stages is stages
