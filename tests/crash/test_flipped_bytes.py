"""`verify` finds any single flipped byte of the files beside the catalog, wherever it is.

The catalog itself, `catalog.db`, is not among them: SQLite keeps no checksums, so it finds what breaks the structure of
the file, and not a letter that became another one in a path or a text.
"""

import random

import pytest
from library import make_first
from made_vectors import put

import mmsearch

PLACES = 10  # in each file, besides the first and the last byte


@pytest.fixture
def small(home, encoder, folder):
    make_first(folder)
    with mmsearch.open("photos", home=home, model=encoder) as made:
        made.index(folder)
        yield made


@pytest.fixture
def large(small):
    put(small, 1100)
    small.optimize(asked="ivf-pq")
    return small


def stored_files(collection):
    return sorted(path for path in collection.folder.glob("spaces/**/*") if path.is_file())


def check_all_flips_are_found(collection, seed):
    moments = random.Random(seed)
    assert collection.verify() == []
    for path in stored_files(collection):
        whole = path.read_bytes()
        places = {0, len(whole) - 1} | {moments.randrange(len(whole)) for _ in range(PLACES)}
        for place in sorted(places):
            flipped = bytearray(whole)
            flipped[place] ^= 1 << moments.randrange(8)
            path.write_bytes(flipped)
            assert collection.verify(), f"byte {place} of {path}"
        path.write_bytes(whole)
    assert collection.verify() == []


def test_of_a_small_collection(small):
    names = [path.name for path in stored_files(small)]
    assert names == ["ids.npy", "rows.npy", "00000001.i8", "00000001.f32"]
    check_all_flips_are_found(small, seed=1)


def test_of_a_large_index(large):
    names = [path.name for path in stored_files(large)]
    expected = ["gone.npy", "ids.npy", "index.json", "rows.faiss", "structure.faiss", "00000001.i8", "00000001.f32"]
    assert names == expected
    check_all_flips_are_found(large, seed=2)


def test_a_repair_mends_each(large):
    """One byte in each file, all at once."""
    for path in stored_files(large):
        flipped = bytearray(path.read_bytes())
        flipped[len(flipped) // 2] ^= 1
        path.write_bytes(flipped)
    assert {problem.what for problem in large.verify()} == {
        "vectors are damaged",
        "tokens are damaged",
        "the published index is damaged",
    }
    assert all(problem.repaired for problem in large.verify(repair=True))
    assert large.verify() == []
    assert len(large.search("word", k=50)) >= 7
