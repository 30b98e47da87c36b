import os
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_indexes import COUNT, DIM, IDS, QUERIES, RECIPES, ROWS, described, publish, write

from mmsearch import files
from mmsearch.errors import CollectionDamaged, StorageError
from mmsearch.types import IndexFile
from mmsearch.vectors.flat import FlatIndex
from mmsearch.vectors.generation import INDEX_KINDS, GenerationStore, index_class
from mmsearch.vectors.plan import IndexDetails

FLAT_FILES = {"ids.npy", "rows.npy"}
SCAN_FILES = {"ids.npy", "gone.npy", "rows.faiss", "index.json"}
ROW_FILES = {"rows.npy", "rows.faiss"}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "spaces" / "generations"


@pytest.fixture
def store(folder):
    return GenerationStore(folder, DIM)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("kind", RECIPES)
def test_a_published_index_comes_back(store, folder, kind):
    published = publish(folder, 3, kind)
    expected = FLAT_FILES if kind == "flat" else SCAN_FILES
    if RECIPES[kind].factory:
        expected = expected | {"structure.faiss"}
    assert {file.name for file in published.files} == set(names(folder / "00000003")) == expected
    assert published.size_bytes == sum(path.stat().st_size for path in (folder / "00000003").iterdir())
    assert (published.number, published.folder, published.kind) == (3, "00000003", kind)
    assert (published.vectors, published.last_id, published.basis) == (COUNT, IDS[-1], "image:1")
    assert store.damage(published) is None
    loaded = store.load(published)
    assert (loaded.kind, len(loaded)) == (kind, COUNT)
    tolerance = 1e-3 if RECIPES[kind].half else 1e-6
    for row in (0, 150, 299):
        (found,) = loaded.search(ROWS[row : row + 1], 1)
        assert found.ids.tolist() == [IDS[row]]
        assert found.scores == pytest.approx([1.0], abs=tolerance)
    assert store.ids(published).tolist() == IDS.tolist()


def test_every_kind_has_a_class_that_takes_a_dimension():
    assert {index_class(kind)(DIM).dim for kind in INDEX_KINDS} == {DIM}
    assert set(INDEX_KINDS) == {*RECIPES, "ivf-flat"}


def test_sizes_and_checksums_are_of_what_was_written(folder):
    published = publish(folder)
    for file in published.files:
        data = (folder / "00000003" / file.name).read_bytes()
        assert file == IndexFile(file.name, len(data), files.crc32(data))


def test_details_tell_how_an_index_was_built(store, folder):
    assert store.details(publish(folder, 1, "flat")) is None
    assert store.details(publish(folder, 2, "ivf-sq8")) == IndexDetails(RECIPES["ivf-sq8"], trained_on=COUNT)


@pytest.mark.parametrize("harm", ["delete", "flip", "grow"])
def test_details_that_are_damaged_are_none(store, folder, harm):
    published = publish(folder, 2, "faiss-flat")
    path = folder / "00000002" / "index.json"
    if harm == "delete":
        path.unlink()
    elif harm == "flip":
        path.write_bytes(path.read_bytes().replace(b"300", b"301", 1))
    else:
        path.write_bytes(path.read_bytes() + b" " * (1 << 20))
    with pytest.raises(CollectionDamaged, match=r"index\.json"):
        store.details(published)


def test_ids_are_without_those_that_were_gone_before(store, folder):
    write(folder / "00000001", "faiss-flat")
    index = index_class("faiss-flat").load(folder / "00000001", DIM)
    index.remove(IDS[5:7])
    with store.making(2) as made:
        index.save(made)
    assert store.ids(described(folder, 2, "faiss-flat")).tolist() == [*IDS[:5], *IDS[7:]]


def be_interrupted(store, number):
    with store.making(number) as made:
        write(made, "flat")
        raise KeyboardInterrupt


def test_nothing_is_left_of_a_generation_that_fails(store, folder):
    first = publish(folder, 1)
    with pytest.raises(KeyboardInterrupt):
        be_interrupted(store, 2)
    assert names(folder) == ["00000001"]
    assert len(store.load(first)) == COUNT


def test_a_number_may_be_made_again_after_a_crash(store, folder):
    """What crashed writers left of it goes; what is of other numbers or not ours stays."""
    (folder / ".00000002.123-456.tmp").mkdir(parents=True)
    (folder / ".00000002.123-456.tmp" / "rows.npy").write_bytes(b"half")
    (folder / "00000002").mkdir()
    (folder / "00000002" / "strange.npy").write_bytes(b"whole, but never committed")
    (folder / ".00000020.123-456.tmp").mkdir()
    published = publish(folder, 2)
    assert names(folder) == [".00000020.123-456.tmp", "00000002"]
    assert {file.name for file in published.files} == FLAT_FILES
    assert len(store.load(published)) == COUNT


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_a_full_disk_leaves_the_other_generations(store, folder, monkeypatch, call):
    first = publish(folder, 1)

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, {"fsync": "fsync", "rename": "replace"}[call], fail)
    with pytest.raises(StorageError, match="No space left") as raised:
        publish(folder, 2)
    assert "what was committed is safe" in raised.value.remedy
    assert names(folder) == ["00000001"]
    assert len(store.load(first)) == COUNT


def test_files_and_folders_are_synced_before_they_have_their_name(store, folder, monkeypatch):
    real_fsync, real_replace, steps = os.fsync, os.replace, []

    def fsync(handle):
        steps.append(os.path.basename(os.readlink(f"/proc/self/fd/{handle}")))
        real_fsync(handle)

    def replacing(source, target):
        steps.append(f"rename to {target.name}")
        real_replace(source, target)

    publish(folder, 1)
    monkeypatch.setattr(files.os, "fsync", fsync)
    monkeypatch.setattr(files.os, "replace", replacing)
    publish(folder, 2)
    temporary = f".00000002.{os.getpid()}-{threading.get_ident()}.tmp"
    assert sorted(steps[:2]) == ["ids.npy", "rows.npy"]
    assert steps[2:] == [temporary, "rename to 00000002", "generations"]


def missing(published):
    return replace(published, number=9)


def of_another_size(published):
    return with_file(published, size_bytes=7)


def of_another_content(published):
    return with_file(published, digest="0" * 8)


def with_file(published, **change):
    first, *others = published.files
    return replace(published, files=(replace(first, **change), *others))


@pytest.mark.parametrize("kind", ["flat", "ivf-sq8"])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (missing, "is missing"),
        (of_another_size, "bytes, not 7"),
        (of_another_content, "does not match its checksum"),
        (lambda made: with_file(made, name="../00000003/ids.npy"), "cannot be an index of the files"),
        (lambda made: replace(made, files=made.files[:-1]), "cannot be an index of the files"),
        (lambda made: replace(made, files=(*made.files, made.files[0])), "cannot be an index of the files"),
        (lambda made: replace(made, files=()), "cannot be an index of the files none|does not match"),
        (lambda made: replace(made, kind="newer"), "of kind 'newer'; known: flat, faiss-flat"),
        (lambda made: replace(made, vectors=COUNT + 1), "has 300 ids, not 301"),
        (lambda made: replace(made, last_id=int(IDS[-1]) - 1), "has ids above 906"),
    ],
)
def test_what_is_not_as_the_catalog_says_is_refused(store, folder, kind, change, reason):
    published = change(publish(folder, 3, kind))
    with pytest.raises(CollectionDamaged, match=reason) as refused:
        store.load(published)
    assert "mmsearch rebuild" in refused.value.remedy
    assert store.damage(published) == refused.value.message


def test_an_index_is_of_the_kind_that_the_catalog_says(store, folder):
    published = replace(publish(folder, 3, "ivf-sq8"), kind="ivf-pq")
    with pytest.raises(CollectionDamaged, match="of kind 'ivf-sq8', not 'ivf-pq'"):
        store.load(published)
    with pytest.raises(CollectionDamaged, match=r"cannot be an index of the files|index\.json"):
        store.load(replace(publish(folder, 3, "flat"), kind="hnsw"))


@pytest.mark.parametrize("kind", ["flat", "faiss-flat", "hnsw"])
def test_an_index_of_another_dimension_is_refused(folder, kind):
    published = publish(folder, 3, kind)
    with pytest.raises(CollectionDamaged, match=r"dimension|shape"):
        GenerationStore(folder, DIM + 1).load(published)


@pytest.mark.parametrize("kind", ["flat", "hnsw", "ivf-pq"])
@given(data=st.data(), change=st.integers(1, 255))
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_single_flipped_byte_is_found(store, folder, kind, data, change):
    """When it is looked for; when it is opened, any in another file than the rows."""
    published = publish(folder, 3, kind)
    file = data.draw(st.sampled_from(published.files))
    path = folder / "00000003" / file.name
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= change
    path.write_bytes(content)
    assert file.name in store.damage(published)
    assert "checksum" in store.damage(published)
    if file.name not in ROW_FILES:
        with pytest.raises(CollectionDamaged, match="checksum"):
            store.load(published)


def ranking(index):
    return [(found.ids.tolist(), found.scores.tolist()) for found in index.search(QUERIES, 50)]


@pytest.mark.parametrize("kind", ["flat", "faiss-flat", "hnsw", "ivf-pq"])
def test_searches_go_on_in_a_generation_that_was_removed(store, folder, kind):
    published = publish(folder, 3, kind)
    loaded, expected = store.load(published), ranking(store.load(published))
    assert store.remove_others(keep=[]) == 1
    assert names(folder) == []
    publish(folder, 3, "flat")  # another one of the same number changes nothing either
    assert ranking(loaded) == expected
    forked = loaded.fork()
    forked.remove(IDS[:100])
    forked.add(np.array([5000]), ROWS[:1])
    assert forked.search(ROWS[:1], 1)[0].ids.tolist() == [5000]


def test_only_our_own_other_generations_are_removed(store, folder):
    """Those of older versions, single files, are ours too; a link is removed, and not what it points to."""
    assert store.remove_others(keep=[]) == 0
    kept = publish(folder, 2)
    publish(folder, 1)
    for name in ("00000001.flat", "00000007.faiss-flat", ".00000008.faiss-flat.12-34.tmp", "notes.txt"):
        (folder / name).write_bytes(b"left")
    (folder / ".00000003.12-34.tmp").mkdir()
    (folder / ".00000003.12-34.tmp" / "rows.npy").write_bytes(b"left")
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "photo.jpg").write_bytes(b"not ours")
    (folder / "00000005").symlink_to(folder / "elsewhere")
    assert store.remove_others(keep=[kept.folder]) == 6
    assert names(folder) == [kept.folder, "elsewhere", "notes.txt"]
    assert names(folder / "elsewhere") == ["photo.jpg"]
    assert store.damage(kept) is None


def test_a_flat_index_is_loaded_without_faiss(folder):
    publish(folder, 3)
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from mmsearch.vectors.generation import GenerationStore\n"
        f"store = GenerationStore(Path(sys.argv[1]), {DIM})\n"
        f"made = store.describe(3, 'flat', vectors={COUNT}, last_id={IDS[-1]}, basis='')\n"
        "assert store.details(made) is None\n"
        f"assert len(store.load(made)) == {COUNT}\n"
        "assert 'faiss' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True)


def test_a_flat_index_in_use_is_mapped_and_never_written_to(store, folder):
    published = publish(folder, 3)
    loaded = store.load(published)
    assert isinstance(loaded, FlatIndex)
    assert not loaded.rows.flags.writeable
    loaded.remove(IDS[:3])
    loaded.add(np.array([1, 5000]), ROWS[:2])
    assert store.damage(published) is None
    assert len(loaded) == COUNT - 1
