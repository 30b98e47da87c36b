"""Searching while others write: results are of one state, the newest there was when the search began."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest

from mmsearch.adapt.head import Head
from mmsearch.errors import CollectionDamaged
from mmsearch.search import live_index
from mmsearch.search.items import like_part
from mmsearch.search.stored import from_one_state
from mmsearch.vectors.flat import FlatIndex
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


def generation_folder(library):
    spaces = library.folder / "spaces" / library.shelves.space.space_id
    return spaces / "generations" / library.catalog.generation().folder


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


@pytest.fixture
def loaded(monkeypatch):
    """The numbers of the generations that are read from disk."""
    numbers = []
    load = GenerationStore.load
    monkeypatch.setattr(GenerationStore, "load", lambda self, made: numbers.append(made.number) or load(self, made))
    return numbers


@pytest.fixture
def gathered(monkeypatch):
    """How many vectors are read from disk at a time."""
    counts = []
    gather = VectorStore.gather

    def counted(self, files, rows):
        counts.append(len(rows))
        return gather(self, files, rows)

    monkeypatch.setattr(VectorStore, "gather", counted)
    return counts


@pytest.mark.parametrize("kind", ["flat", "faiss-flat"])
def test_a_change_costs_what_changed_and_a_generation_is_read_once(filled, reader, loaded, gathered, kind):
    filled.put("/gone.jpg", "image", "gone")
    filled.remove("/gone.jpg")
    number = filled.publish_as(kind).number  # which knows that removal, so it is forgotten
    del loaded[:], gathered[:]
    reader.search("red")
    reader.search("red")
    assert (loaded, gathered) == ([number], [])
    filled.put("/cat.jpg", "image", "cat")
    filled.put("/dog.jpg", "image", "dog")
    assert paths(reader.search("cat"))[0] == "/cat.jpg"
    assert (loaded, gathered) == ([number], [2])  # the two that came
    filled.put("/cow.jpg", "image", "cow")
    assert paths(reader.search("cow"))[0] == "/cow.jpg"
    assert (loaded, gathered) == ([number], [2, 1])  # the third alone
    filled.remove("/cat.jpg")
    filled.remove("/red.jpg")
    left = {"/dog.jpg", "/cow.jpg", "/green.jpg", "/blue.jpg"}
    assert set(paths(reader.search("cat"))) == left
    assert (loaded, gathered) == ([number], [2, 1])
    other = filled.reader()
    assert set(paths(other.search("cat"))) == left
    assert (loaded, gathered) == ([number, number], [2, 1, 2])
    other.close()


def test_a_new_generation_is_taken_up_though_no_vector_changed(filled, reader, loaded):
    reader.search("red")
    revision, kind = filled.catalog.revision(), reader.shelves.indexes.current().kind
    new = filled.publish_as("faiss-flat")
    assert filled.catalog.revision() == revision
    assert paths(reader.search("red"))[0] == "/red.jpg"
    assert (kind, reader.shelves.indexes.current().kind) == ("flat", "faiss-flat")
    assert loaded == [1, new.number]


def test_removals_that_a_new_generation_does_not_know_are_applied_to_it(filled, reader):
    """They came while it was being made."""
    filled.put("/cat.jpg", "image", "cat")
    last_id, known = filled.catalog.last_id(), filled.catalog.removed_since(0)[1]
    generations = filled.shelves.generations
    with generations.making(2) as folder:
        index = filled.shelves.indexes.current()
        index.fork().save(folder)
    filled.remove("/cat.jpg")
    filled.put("/cow.jpg", "image", "cow")
    with filled.catalog.write() as writer:
        made = generations.describe(2, "flat", vectors=len(index), last_id=last_id, basis="")
        writer.put_generation(made, known)
    assert sorted(paths(reader.search("cat"))) == ["/blue.jpg", "/cow.jpg", "/green.jpg", "/red.jpg"]


def test_heads_make_the_index_one_of_other_vectors(filled, reader, loaded, gathered):
    reader.search("red")
    with filled.catalog.write() as writer:
        head = Head("audio", np.zeros(0, np.float32), np.zeros((0, filled.encoder.dim), np.float32))
        writer.put_heads({"audio": head.to_bytes()}, {"audio": {}})  # there is no sound: it changes nothing
    assert filled.catalog.index_basis() == "audio:1"
    assert paths(reader.search("red"))[0] == "/red.jpg"
    assert (loaded, gathered) == ([1], [3])  # all vectors are read
    filled.put("/cat.jpg", "image", "cat")
    assert paths(reader.search("cat"))[0] == "/cat.jpg"
    assert (loaded, gathered) == ([1], [3, 1])
    with filled.catalog.write() as writer:
        writer.undo_heads()
    assert paths(reader.search("cat"))[0] == "/cat.jpg"
    assert (loaded, gathered) == ([1, 1], [3, 1, 1])  # and the generation is of use again


@pytest.mark.parametrize("damage", ["missing", "byte", "short", "empty", "kind"])
def test_a_damaged_index_is_made_again_from_the_vectors(filled, reader, loaded, damage):
    whole = [(hit.id, hit.score) for hit in reader.search("green")]
    path = generation_folder(filled) / "ids.npy"
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
    filled.put("/cat.jpg", "image", "cat")
    assert paths(other.search("cat"))[0] == "/cat.jpg"
    assert loaded == [1, 1]  # it is not tried again
    other.close()


def test_a_generation_is_replaced_between_the_catalog_and_its_files(filled, reader, monkeypatch):
    """The reader has looked up generation 1; before it opens the files, a writer publishes 2 and removes them."""
    load = GenerationStore.load
    made_of_all = []
    of = FlatIndex.of
    monkeypatch.setattr(live_index.FlatIndex, "of", lambda *given: made_of_all.append(given) or of(*given))

    def too_late(self, generation):
        monkeypatch.setattr(GenerationStore, "load", load)
        filled.put("/cat.jpg", "image", "cat")
        filled.publish()
        assert not (self._folder / generation.folder).exists()
        del made_of_all[:]
        return load(self, generation)

    monkeypatch.setattr(GenerationStore, "load", too_late)
    assert paths(reader.search("cat"))[0] == "/cat.jpg"  # answered from the state that replaced it
    assert len(made_of_all) == 1  # by loading generation 2, not from all vectors


def test_a_search_that_began_earlier_gets_its_own_state(filled, reader):
    """Another thread has brought the index up to date meanwhile."""

    def search_late():
        with reader.catalog.snapshot():
            begun.set()
            assert changed.wait(10)
            state = reader.shelves.indexes.state()
            return sorted(state.contents.ids_of("image").tolist()), sorted(state.index.ids.tolist())

    before = sorted(filled.ids("/red.jpg") + filled.ids("/green.jpg") + filled.ids("/blue.jpg"))
    begun, changed = Event(), Event()
    reader.search("red")
    with ThreadPoolExecutor(max_workers=1) as pool:
        late = pool.submit(search_late)
        assert begun.wait(10)
        filled.put("/cat.jpg", "image", "cat")
        filled.remove("/red.jpg")
        assert paths(reader.search("cat"))[0] == "/cat.jpg"
        newest = reader.shelves.indexes._state
        changed.set()
        assert late.result() == (before, before)
    assert reader.shelves.indexes._state is newest
    assert "/red.jpg" not in paths(reader.search("red"))


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
    shutil.rmtree(generation_folder(filled))
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
    shutil.rmtree(generation_folder(filled))
    assert paths(reader.search("green"))[0] == "/green.jpg"
    for path in vector_files(filled):
        path.unlink()
    assert paths(reader.search("green"))[0] == "/green.jpg"


def test_without_index_and_vectors_a_search_says_what_to_do(filled, reader):
    shutil.rmtree(generation_folder(filled))
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


def test_from_one_state_tries_again_when_another_generation_was_published(filled, reader):
    seen = []

    def read():
        seen.append((reader.catalog.revision(), reader.catalog.generation().number))
        if len(seen) < 3:
            filled.publish()
            raise CollectionDamaged("removed")
        return "read"

    assert from_one_state(reader.catalog, read) == "read"
    assert [number for _, number in seen] == [1, 2, 3]
    assert len({revision for revision, _ in seen}) == 1


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
