"""A disk that takes no more bytes: the run ends with a StorageError, and nothing committed is lost.

The system's limit on the size of files stands for the full disk: writes fail in the middle, wherever they are.
"""

import os
import resource
from contextlib import contextmanager, suppress
from itertools import product

import pytest
from library import FIRST, SECOND, STAYS, make_first, make_second, texts
from made_vectors import put, rows

from mmsearch.errors import StorageError
from mmsearch.ingest import due
from mmsearch.testing.media import write_text

TOO_LITTLE = 300_000  # bytes: enough for everything but the tokens of a long text


@pytest.fixture
def indexed(collection, folder):
    make_first(folder)
    collection.index(folder)
    make_second(folder)
    return collection


@contextmanager
def files_of_at_most(limit_bytes):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def vectors_bytes(collection):
    return sum(path.stat().st_size for path in collection.folder.rglob("*.f32"))


@pytest.mark.parametrize("write", ["index", "rebuild"])
def test_no_room_for_vectors(indexed, folder, write):
    with files_of_at_most(vectors_bytes(indexed) + 300 if write == "index" else 300):
        with pytest.raises(StorageError) as raised:
            indexed.index(folder) if write == "index" else indexed.rebuild()
    assert "what was committed is safe" in raised.value.remedy
    check_nothing_is_lost(indexed)
    indexed.index(folder)
    assert texts(indexed) == SECOND


@pytest.mark.parametrize("write", ["index", "rebuild"])
def test_no_room_for_tokens(indexed, folder, write):
    """Of a text with many words there is more than of its vector, and than SQLite notes of it."""
    words = [f"{number}{letter}" for letter in "abcdefghij" for number in range(10)]
    text = " ".join(words * 200)
    if write == "rebuild":
        write_text(folder / "long.txt", text)
        indexed.index(folder)
    before = indexed.status().tokens
    tokens_path = next(indexed.folder.rglob("*.i8"))
    with files_of_at_most(tokens_path.stat().st_size - 20_000 if write == "rebuild" else TOO_LITTLE):
        write_text(folder / "long.txt", text)
        with pytest.raises(StorageError, match=r"\.i8") as raised:
            indexed.index(folder) if write == "index" else indexed.rebuild()
    assert "what was committed is safe" in raised.value.remedy
    assert indexed.verify() == []
    assert indexed.status().tokens.segments == before.segments
    indexed.index(folder)
    indexed.rebuild()
    assert indexed.status().tokens.size_bytes > TOO_LITTLE
    assert indexed.verify() == []


def check_nothing_is_lost(collection):
    assert collection.verify() == []
    found = texts(collection)
    assert STAYS.items() <= found.items() <= FIRST.items() | SECOND.items()


def test_no_room_at_any_place(indexed, folder):
    """From too little for the first page of the log to nearly enough."""
    failed = 0
    for limit_bytes in (0, 64, 1_000, 3_000, 9_000, 20_000, 30_000, 40_000, 60_000):
        with files_of_at_most(limit_bytes), suppress(StorageError):
            failed += 1
            indexed.index(folder)
            failed -= 1
        check_nothing_is_lost(indexed)
    assert failed >= 4
    indexed.index(folder)
    assert texts(indexed) == SECOND
    assert indexed.verify() == []


def test_no_room_for_a_new_collection(collection, folder):
    make_first(folder)
    with files_of_at_most(1_000), pytest.raises(StorageError):
        collection.index(folder)
    assert not collection.exists
    collection.index(folder)
    assert texts(collection) == FIRST


@pytest.fixture
def large(collection, folder):
    """1,100 vectors in cells, and 100 that came later: all rows take 307 kB, the structure more."""
    (folder / "note.txt").write_text("a note")
    collection.index(folder)
    put(collection, 1100)
    collection.optimize(asked="ivf-flat")
    put(collection, 100, first=1000)
    return collection


def generations_of(collection):
    (folder,) = collection.folder.glob("spaces/*/generations")
    return sorted(os.listdir(folder))


@pytest.mark.parametrize(
    ("step", "limit_bytes"),
    [*product(["fold", "build", "flat"], [5_000, 100_000]), ("fold", 310_000), ("build", 310_000)],
)
def test_no_room_for_an_index(large, monkeypatch, limit_bytes, step):
    """It is the same for ids, rows and structure: what was written is removed, and the index in use stays."""
    if step == "fold":
        monkeypatch.setattr(due, "FOLD_TAIL", 50)
    asked = {"fold": {}, "build": {"force": True}, "flat": {"asked": "flat"}}[step]
    query = rows(20, seed=1000)[3]
    before = generations_of(large), [(hit.id, hit.score) for hit in large.search(vector=query, k=30)]
    with files_of_at_most(limit_bytes), pytest.raises(StorageError) as raised:
        large.optimize(**asked)
    assert "what was committed is safe" in raised.value.remedy
    assert (generations_of(large), [(hit.id, hit.score) for hit in large.search(vector=query, k=30)]) == before
    assert large.verify() == []
    large.optimize(**asked)
    assert large.status().index.tail == 0
    assert len(generations_of(large)) == 1
    assert large.verify() == []
