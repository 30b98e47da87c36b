"""Searching while others write: results are of one state, the newest there was when the search began."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest

from mmsearch.errors import CollectionDamaged
from mmsearch.search.items import like_part
from mmsearch.search.stored import from_one_state
from mmsearch.vectors.generation import GenerationStore
from mmsearch.vectors.store import VectorStore

# What another process does: it opens the same folder and changes it.
ADD_FROM_ANOTHER_PROCESS = """
import sys
from pathlib import Path
import numpy as np
from mmsearch.catalog.catalog import Catalog
from mmsearch.encoders.hashing import HashingEncoder
from mmsearch.ingest.commit import Committer, Tally
from mmsearch.normalise import unit_rows
from mmsearch.storage import Shelves
from mmsearch.types import FileStat, IndexedFile, MediaInfo, Segment

folder = Path(sys.argv[1])
with Catalog.open(folder / "catalog.db", write=True) as catalog:
    vectors = unit_rows(HashingEncoder(64).encode_texts(["green"], "document"))
    file = IndexedFile(FileStat("/other.jpg", 9, 9), "x", "image", MediaInfo("image/png"), (Segment("image"),), vectors)
    Committer(catalog, Shelves(folder, catalog).store, Tally()).commit([file])
"""


def paths(hits):
    return [hit.path for hit in hits]


@pytest.fixture
def filled(library):
    for name in ("red", "green", "blue"):
        library.put(f"/{name}.jpg", "image", name)
    library.publish()
    return library


def generation_file(library):
    return (
        library.folder / "spaces" / library.shelves.space.space_id / "generations" / library.catalog.generation().file
    )


def vector_files(library):
    return sorted((library.folder / "spaces" / library.shelves.space.space_id / "vectors").iterdir())


def test_each_search_sees_what_was_committed_before_it(filled, reader):
    assert paths(reader.search("cat"))[0] != "/cat.jpg"
    filled.put("/cat.jpg", "image", "cat")
    assert paths(reader.search("cat"))[0] == "/cat.jpg"
    filled.publish()
    assert paths(reader.search("cat"))[0] == "/cat.jpg"
    filled.remove("/cat.jpg")
    assert "/cat.jpg" not in paths(reader.search("cat"))
    filled.put("/red.jpg", "image", "cat")  # its content changed
    assert paths(reader.search("cat"))[0] == "/red.jpg"
    filled.rebuild()
    assert paths(reader.search("cat"))[0] == "/red.jpg"
    assert len(reader.search("cat")) == 3


def test_another_process_writes(filled, reader):
    assert "/other.jpg" not in paths(reader.search("green"))
    filled.close()
    command = [sys.executable, "-c", ADD_FROM_ANOTHER_PROCESS, os.fspath(filled.folder)]
    subprocess.run(command, check=True, timeout=60)
    assert paths(reader.search("green"))[:2] == ["/green.jpg", "/other.jpg"]


def test_the_published_index_is_used_only_while_it_is_current(filled, reader, monkeypatch):
    loaded = []
    load = GenerationStore.load
    monkeypatch.setattr(GenerationStore, "load", lambda self, made: loaded.append(made.number) or load(self, made))
    reader.search("red")
    reader.search("red")
    assert loaded == [1]  # and kept in memory
    filled.put("/cat.jpg", "image", "cat")
    reader.search("red")
    assert loaded == [1]  # made from the vectors: the generation is older than the catalog
    filled.publish()
    reader.search("red")
    assert loaded == [1]  # the one made in memory is as good
    other = filled.reader()
    assert paths(other.search("cat"))[0] == "/cat.jpg"
    assert loaded == [1, 2]
    other.close()


@pytest.mark.parametrize("damage", ["missing", "byte", "short", "empty", "kind"])
def test_a_damaged_index_is_made_again_from_the_vectors(filled, reader, damage):
    whole = [(hit.id, hit.score) for hit in reader.search("green")]
    path = generation_file(filled)
    data = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "kind":
        with filled.catalog.write() as writer:
            writer._connection.exec_driver_sql("UPDATE generations SET kind = 'of-the-future'")
    else:
        broken = {"byte": data[:-1] + b"\xff", "short": data[:-1], "empty": b""}[damage]
        path.unlink()
        path.write_bytes(broken)
    other = filled.reader()
    assert [(hit.id, hit.score) for hit in other.search("green")] == whole
    other.close()


def test_a_generation_is_replaced_between_the_catalog_and_its_file(filled, reader, monkeypatch):
    """The reader has looked up generation 1; before it opens the file, a writer publishes number 2 and removes it."""
    load = GenerationStore.load

    def too_late(self, generation):
        monkeypatch.undo()
        filled.put("/cat.jpg", "image", "cat")
        filled.publish()
        assert not (self._folder / generation.file).exists()
        return load(self, generation)

    monkeypatch.setattr(GenerationStore, "load", too_late)
    assert sorted(paths(reader.search("cat"))) == ["/blue.jpg", "/green.jpg", "/red.jpg"]  # as it was at the start
    assert paths(reader.search("cat"))[0] == "/cat.jpg"


def rebuild_before(filled, monkeypatch, times):
    """Have a writer move all vectors to another file, each time that a reader is about to open one."""
    gather = VectorStore.gather
    left = [times]

    def moved_meanwhile(self, files, rows):
        if self is not filled.shelves.store and left[0]:
            left[0] -= 1
            before = vector_files(filled)
            filled.rebuild()
            assert vector_files(filled) != before
        return gather(self, files, rows)

    monkeypatch.setattr(VectorStore, "gather", moved_meanwhile)
    return left


def test_vectors_move_while_a_search_reads_them(filled, reader, monkeypatch):
    generation_file(filled).unlink()
    left = rebuild_before(filled, monkeypatch, times=1)
    assert paths(reader.search("green"))[0] == "/green.jpg"
    assert left == [0]


def test_vectors_move_again_and_again_while_an_item_is_looked_up(filled, reader, monkeypatch):
    left = rebuild_before(filled, monkeypatch, times=3)
    part, _ = like_part("/green.jpg", 1.0, reader.catalog, reader.shelves.store)
    expected = filled.encoder.encode_texts(["green"], "document")[0]
    np.testing.assert_allclose(part.vector, expected / np.linalg.norm(expected), atol=1e-6)
    assert left == [0]


def test_an_index_in_memory_outlives_the_files_it_came_from(filled, reader):
    generation_file(filled).unlink()
    assert paths(reader.search("green"))[0] == "/green.jpg"
    for path in vector_files(filled):
        path.unlink()
    assert paths(reader.search("green"))[0] == "/green.jpg"


def test_without_index_and_vectors_a_search_says_what_to_do(filled, reader):
    generation_file(filled).unlink()
    (path,) = vector_files(filled)
    path.unlink()
    with pytest.raises(CollectionDamaged, match=r"is missing.*verify --repair"):
        reader.search("green")
    with pytest.raises(CollectionDamaged, match="is missing"):
        like_part("/green.jpg", 1.0, reader.catalog, reader.shelves.store)


def test_from_one_state_tries_again_only_while_a_writer_is_at_work(filled, reader):
    calls = []

    def read():
        calls.append(reader.catalog.revision())
        if len(calls) < 3:
            filled.put(f"/{len(calls)}.jpg", "image", "cat")
            raise CollectionDamaged("moved")
        raise CollectionDamaged("gone for good")

    with pytest.raises(CollectionDamaged, match="gone for good"):
        from_one_state(reader.catalog, read)
    assert len(calls) == 3
    assert calls == sorted(set(calls))


def test_every_search_beside_a_writer_sees_one_state(library):
    """Each commit replaces one file by another, so in every state there are exactly eight."""
    for number in range(8):
        library.put(f"/{number:04d}.jpg", "image", "red")
    done = Event()

    def write():
        try:
            for number in range(40):
                library.replace(f"/{number:04d}.jpg", f"/{number + 8:04d}.jpg", "image", "red")
                if number % 10 == 4:
                    library.publish()
                if number % 10 == 9:
                    library.rebuild()
        finally:
            done.set()

    def read():
        reader = library.reader()
        searches, states = 0, set()
        while not done.is_set() or not searches:
            hits = reader.search("red", modalities={"image"} if searches % 2 else (), k=100)
            names = [int(hit.path[1:5]) for hit in hits]
            assert names == list(range(names[0], names[0] + 8)), names
            assert {round(hit.cosine, 5) for hit in hits} == {1.0}
            searches += 1
            states.add(names[0])
        reader.close()
        return searches, states

    with ThreadPoolExecutor(max_workers=3) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        pool.submit(write).result()
        results = [each.result() for each in readers]
    assert len(set().union(*(states for _, states in results))) > 3  # the readers did see it change
    final = library.reader()
    assert sorted(paths(final.search("red", k=100))) == [f"/{number:04d}.jpg" for number in range(40, 48)]
    final.close()
