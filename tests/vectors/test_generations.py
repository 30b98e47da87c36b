import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmsearch import files
from mmsearch.errors import CollectionDamaged, StorageError
from mmsearch.files import crc32_file
from mmsearch.normalise import unit_rows
from mmsearch.types import Generation, IndexFile
from mmsearch.vectors.ann.build import build
from mmsearch.vectors.flat import FlatIndex
from mmsearch.vectors.generation import INDEX_KINDS, GenerationStore, index_class
from mmsearch.vectors.plan import Recipe

DIM = 8
COUNT = 400
IDS = np.arange(3, 3 + 2 * COUNT, 2)
ROWS = unit_rows(np.random.default_rng(0).standard_normal((COUNT, DIM)))
STRUCTURES = {
    "hnsw": "HNSW8,SQfp16",
    "ivf-flat": "IVF4,Flat",
    "ivf-sq8": "IVF4,SQ8",
    "ivf-pq": "IVF4,PQ4x4fs",
    "ivf-rabitq": "IVF4,RaBitQfs",
    "factory": "RR8,IVF4,Flat",
}


def publish(store, number=1, kind="faiss-flat"):
    with store.making(number) as folder:
        if kind == "flat":
            FlatIndex.of(IDS, ROWS).save(folder)
        else:
            build(folder, IDS, [ROWS], Recipe(kind, STRUCTURES.get(kind, ""), half=kind == "flat-f16"), dim=DIM)
    return store.describe(number, kind, vectors=COUNT, last_id=int(IDS[-1]), basis="image:1")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "spaces" / "generations"


@pytest.fixture
def store(folder):
    return GenerationStore(folder, DIM)


@pytest.mark.parametrize("kind", INDEX_KINDS)
def test_a_published_index_comes_back(store, folder, kind):
    published = publish(store, 3, kind)
    here = folder / "00000003"
    on_disk = tuple(IndexFile(p.name, p.stat().st_size, crc32_file(p)) for p in sorted(here.iterdir()))
    assert published == Generation(3, kind, on_disk, COUNT, int(IDS[-1]), "image:1")
    assert published.size_bytes == sum(path.stat().st_size for path in here.iterdir())
    assert store.damage(published) is None
    loaded = store.load(published)
    assert (loaded.kind, len(loaded)) == (kind, COUNT)
    (found,) = loaded.search(ROWS[:1], 3)
    assert found.ids.tolist() == FlatIndex.of(IDS, ROWS).search(ROWS[:1], 3)[0].ids.tolist()
    details = store.details(published)
    assert (details is None) if kind == "flat" else (details.recipe.kind == kind)


def test_a_number_may_be_made_again_after_a_crash(store):
    publish(store, 1, "flat")
    assert store.load(publish(store, 1, "faiss-flat")).kind == "faiss-flat"


def test_every_file_is_synced_before_the_folder_gets_its_name(store, monkeypatch):
    events = []
    fsync, replace_ = os.fsync, os.replace
    monkeypatch.setattr(files.os, "fsync", lambda handle: events.append("sync") or fsync(handle))
    monkeypatch.setattr(files.os, "replace", lambda *paths: events.append("name") or replace_(*paths))
    count = len(publish(store).files)
    assert events[-2:] == ["name", "sync"], "the new name itself is synced last"
    assert events[: events.index("name")].count("sync") >= count + 1, "each file, and the folder that lists them"


def test_a_full_disk_leaves_the_other_generations(store, folder, monkeypatch):
    first = publish(store)

    def fail(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises(StorageError, match="No space left"):
        publish(store, 2)
    assert [path.name for path in folder.iterdir()] == [first.folder]
    assert len(store.load(first)) == COUNT


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": "other.npy"}, "is missing"),
        ({"name": "../ids.npy"}, "not the name of an index file"),
        ({"size_bytes": 7}, "bytes, not 7"),
        ({"digest": "0" * 8}, "does not match its checksum"),
    ],
)
def test_damage_says_what_is_wrong(store, change, reason):
    published = publish(store)
    others = tuple(file for file in published.files if file.name != "ids.npy")
    (ids,) = set(published.files) - set(others)
    published = replace(published, files=(*others, replace(ids, **change)))
    assert reason in store.damage(published)
    with pytest.raises(CollectionDamaged, match=reason) as caught:
        store.load(published)
    assert "mmsearch rebuild" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kind": "flat"}, "rows.npy is missing"),
        ({"kind": "newer"}, "of kind 'newer'; known: flat, faiss-flat"),
        ({"vectors": 4}, "holds 400 vectors, not 4"),
        ({"files": ()}, "no files"),
    ],
)
def test_an_index_that_is_not_what_the_catalog_says_is_refused(store, change, reason):
    published = replace(publish(store), **change)
    with pytest.raises(CollectionDamaged, match=reason):
        store.load(published)


@pytest.mark.parametrize("kind", ["flat", "faiss-flat", "ivf-flat"])
def test_an_index_of_another_dimension_is_refused(store, folder, kind):
    published = publish(store, kind=kind)
    with pytest.raises(CollectionDamaged):
        GenerationStore(folder, DIM + 1).load(published)


@pytest.mark.parametrize("kind", ["flat", "faiss-flat", "ivf-pq"])
@given(data=st.data(), change=st.integers(1, 255))
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_single_flipped_byte_is_found(store, folder, kind, data, change):
    published = (
        publish(store, kind=kind)
        if not folder.exists()
        else store.describe(1, kind, vectors=COUNT, last_id=int(IDS[-1]), basis="")
    )
    path = folder / "00000001" / data.draw(st.sampled_from([file.name for file in published.files]))
    whole = path.read_bytes()
    content = bytearray(whole)
    content[data.draw(st.integers(0, len(content) - 1))] ^= change
    path.write_bytes(content)
    try:
        assert "checksum" in store.damage(published)
        if not path.name.startswith("rows"):  # those are mapped, and checked as a whole by `verify` alone
            with pytest.raises(CollectionDamaged, match="checksum"):
                store.load(published)
    finally:
        path.write_bytes(whole)


def test_only_our_own_other_folders_are_removed(store, folder):
    assert store.remove_others(keep=[]) == 0
    kept = publish(store, 2)
    publish(store, 1, "flat")
    (folder / "00000001.faiss-flat").write_bytes(b"of a version before")
    (folder / ".00000003.77-88.tmp").mkdir()
    (folder / ".00000003.77-88.tmp" / "ids.npy").write_bytes(b"left by a killed process")
    (folder / "notes.txt").write_bytes(b"not ours")
    assert store.remove_others(keep=[kept.folder]) == 3
    assert sorted(path.name for path in folder.iterdir()) == [kept.folder, "notes.txt"]
    assert store.damage(kept) is None


@pytest.mark.parametrize("kind", ["flat", "flat-f16", "ivf-pq"])
def test_an_index_that_is_open_can_be_searched_after_its_files_are_removed(store, kind):
    loaded = store.load(publish(store, kind=kind))
    store.remove_others(keep=[])
    assert [its.ids[0] for its in loaded.search(ROWS[:20], 1)] == IDS[:20].tolist()


def test_a_link_is_removed_and_not_followed(store, folder, tmp_path):
    publish(store)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "photo.jpg").write_bytes(b"dear")
    (folder / "00000002").symlink_to(outside)
    assert store.remove_others(keep=["00000001"]) == 1
    assert (outside / "photo.jpg").read_bytes() == b"dear"


def test_a_flat_index_is_loaded_without_faiss():
    code = (
        "import sys\n"
        "from mmsearch.vectors.generation import index_class\n"
        "index_class('flat')(4)\n"
        "assert 'faiss' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
