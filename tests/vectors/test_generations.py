import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmsearch import files
from mmsearch.errors import CollectionDamaged, StorageError
from mmsearch.normalise import unit_rows
from mmsearch.types import Generation
from mmsearch.vectors.generation import INDEX_KINDS, GenerationStore, index_class

DIM = 4
IDS = np.array([5, 3, 9])
ROWS = unit_rows(np.random.default_rng(0).standard_normal((3, DIM)))


def make(kind="faiss-flat"):
    index = index_class(kind)(DIM)
    index.add(IDS, ROWS)
    return index


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "spaces" / "generations"


@pytest.fixture
def store(folder):
    return GenerationStore(folder, DIM)


@pytest.mark.parametrize("kind", INDEX_KINDS)
def test_a_published_index_comes_back(store, folder, kind):
    published = store.publish(make(kind), 3, revision=7)
    path = folder / f"00000003.{kind}"
    assert published == Generation(3, kind, path.name, path.stat().st_size, files.blake2_file(path), 3, 7)
    assert store.damage(published) is None
    loaded = store.load(published)
    assert loaded.kind == kind
    (found,) = loaded.search(ROWS[:1], 3)
    (expected,) = make(kind).search(ROWS[:1], 3)
    assert found.ids.tolist() == expected.ids.tolist()
    assert found.scores.tolist() == expected.scores.tolist()


def test_every_kind_names_its_class():
    assert [index_class(kind).kind for kind in INDEX_KINDS] == list(INDEX_KINDS)


def test_a_number_may_be_published_again_after_a_crash(store):
    store.publish(make("flat"), 1, revision=7)
    index = make("flat")
    index.remove(IDS[:1])
    assert len(store.load(store.publish(index, 1, revision=7))) == 2


def test_a_full_disk_leaves_the_other_generations(store, folder, monkeypatch):
    first = store.publish(make(), 1, revision=7)

    def fail(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises(StorageError, match="No space left"):
        store.publish(make(), 2, revision=7)
    assert [path.name for path in folder.iterdir()] == [first.file]
    assert len(store.load(first)) == 3


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"file": "00000009.faiss-flat"}, "is missing"),
        ({"file": "../vectors/00000001.f32"}, "not the name of an index file"),
        ({"size_bytes": 7}, "bytes, not 7"),
        ({"digest": "0" * 32}, "does not match its checksum"),
    ],
)
def test_damage_says_what_is_wrong(store, change, reason):
    published = replace(store.publish(make(), 1, revision=7), **change)
    assert reason in store.damage(published)
    with pytest.raises(CollectionDamaged, match=reason) as caught:
        store.load(published)
    assert "mmsearch rebuild" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kind": "flat"}, "not a flat index"),
        ({"kind": "newer"}, "of kind 'newer'; known: flat, faiss-flat"),
        ({"vectors": 4}, "holds 3 vectors, not 4"),
    ],
)
def test_a_file_that_is_not_what_the_catalog_says_is_refused(store, change, reason):
    published = replace(store.publish(make(), 1, revision=7), **change)
    with pytest.raises(CollectionDamaged, match=reason):
        store.load(published)


def test_an_index_of_another_dimension_is_refused(store, folder):
    published = store.publish(make(), 1, revision=7)
    with pytest.raises(CollectionDamaged, match="dimension 5"):
        GenerationStore(folder, 5).load(published)


@pytest.mark.parametrize("kind", INDEX_KINDS)
@given(data=st.data(), change=st.integers(1, 255))
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_single_flipped_byte_is_found(store, folder, kind, data, change):
    published = store.publish(make(kind), 1, revision=7)
    content = bytearray((folder / published.file).read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= change
    (folder / published.file).write_bytes(content)
    assert "checksum" in store.damage(published)
    with pytest.raises(CollectionDamaged, match="checksum"):
        store.load(published)


def test_only_our_own_other_files_are_removed(store, folder):
    assert store.remove_others(keep=[]) == 0
    kept = store.publish(make(), 2, revision=7)
    store.publish(make("flat"), 1, revision=7)
    with pytest.raises(KeyboardInterrupt), files.replacing(folder / "00000003.faiss-flat") as temporary:
        raise KeyboardInterrupt
    temporary.write_bytes(b"left by a killed process")
    (folder / "notes.txt").write_bytes(b"not ours")
    assert store.remove_others(keep=[kept.file]) == 2
    assert sorted(path.name for path in folder.iterdir()) == [kept.file, "notes.txt"]
    assert store.damage(kept) is None


def test_a_flat_index_is_loaded_without_faiss():
    code = (
        "import sys\n"
        "from mmsearch.vectors.generation import index_class\n"
        "index_class('flat')(4)\n"
        "assert 'faiss' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
