"""A collection that this user may only read: searches work, writers are told what to do, and nothing is lost."""

import os

import pytest
from library import FIRST, make_first, texts
from made_vectors import put, rows

import mmsearch
from mmsearch.errors import StorageError

pytestmark = pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")


@pytest.fixture
def frozen(home, encoder, folder):
    make_first(folder)
    with mmsearch.open("photos", home=home, model=encoder) as made:
        made.index(folder)
        put(made, 1100)
        made.optimize(asked="ivf-flat")
        expected = [(hit.id, hit.score) for hit in made.search(vector=rows(1)[0], k=50)]
    allow_writing(made.folder, False)
    with mmsearch.open("photos", home=home, model=encoder) as reader:
        yield reader, expected
    allow_writing(made.folder, True)


def allow_writing(folder, allowed):
    for path in (folder, *folder.rglob("*")):
        path.chmod((0o755 if path.is_dir() else 0o644) if allowed else (0o555 if path.is_dir() else 0o444))


def test_searches_work_and_nothing_else(frozen, folder):
    collection, expected = frozen
    assert [(hit.id, hit.score) for hit in collection.search(vector=rows(1)[0], k=50)] == expected
    assert collection.status().index.kind == "ivf-flat"
    assert collection.verify() == []
    for write in (
        lambda: collection.index(folder),
        lambda: collection.remove(folder / "0.txt"),
        lambda: collection.optimize(force=True),
        lambda: collection.optimize(asked="hnsw"),
        collection.rebuild,
        lambda: collection.verify(repair=True),
    ):
        with pytest.raises(StorageError) as raised:
            write()
        assert "--home" in raised.value.remedy
    assert [(hit.id, hit.score) for hit in collection.search(vector=rows(1)[0], k=50)] == expected


def test_when_it_may_be_written_again_all_is_as_before(frozen, folder):
    collection, _ = frozen
    with pytest.raises(StorageError):
        collection.index(folder)
    allow_writing(collection.folder, True)
    assert collection.index(folder).unchanged == len(FIRST) + 1
    assert collection.verify() == []
    assert texts(collection) == FIRST
