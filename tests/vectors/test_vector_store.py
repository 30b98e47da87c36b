import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmsearch import files
from mmsearch.errors import CollectionDamaged, StorageError
from mmsearch.normalise import unit_rows
from mmsearch.types import Block, EmbeddingSpace
from mmsearch.vectors import rows as rows_module
from mmsearch.vectors.store import VectorStore

SPACE = EmbeddingSpace("test", "1", "none", 4)
HEADER_BYTES = 64
ROW_BYTES = 16


def rows(count, seed=0):
    return unit_rows(np.random.default_rng(seed).standard_normal((count, 4)))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "spaces" / "vectors"


@pytest.fixture
def store(folder):
    return VectorStore(folder, SPACE)


def full_disk(*_):
    raise OSError(28, "No space left on device")


def test_appended_blocks_read_back_bit_for_bit(store, folder):
    first, second = store.append(1, 0, rows(3)), store.append(1, 3, rows(5, seed=1))
    other = store.append(2, 0, rows(2, seed=2))
    assert first == Block(1, 0, 3, files.blake2(rows(3).tobytes()))
    assert (second.first_row, second.end, other.file) == (3, 8, 2)
    for block, expected in ((first, rows(3)), (second, rows(5, seed=1)), (other, rows(2, seed=2))):
        assert np.array_equal(store.read(block), expected)
    assert sorted(path.name for path in folder.iterdir()) == ["00000001.f32", "00000002.f32"]
    assert store.size_bytes == 2 * HEADER_BYTES + 10 * ROW_BYTES
    assert store.damaged_blocks([first, second, other]) == []


def test_the_file_is_a_header_and_little_endian_rows(store, folder):
    store.append(1, 0, rows(3))
    data = (folder / "00000001.f32").read_bytes()
    assert data[:8] == b"MMSVECS\n"
    assert data[8:16] == bytes([1, 0, 1, 0, 4, 0, 0, 0])
    assert data[16:64] == SPACE.space_id.encode() + bytes(32)
    assert data[64:] == rows(3).astype("<f4").tobytes()


def test_rows_of_any_memory_layout_are_written_in_order(store):
    columns_first = np.asfortranarray(rows(6))[::2]
    assert np.array_equal(store.read(store.append(1, 0, columns_first)), rows(6)[::2])


@pytest.mark.parametrize(
    "vectors",
    [np.zeros((2, 3)), np.zeros(4), np.zeros((0, 4)), np.full((1, 4), np.nan), np.full((1, 4), np.inf)],
)
def test_vectors_that_do_not_fit_are_refused(store, folder, vectors):
    with pytest.raises(ValueError, match=r"shape \(n, 4\)|NaN"):
        store.append(1, 0, vectors.astype(np.float32))
    assert not folder.exists()


def test_what_a_crash_left_behind_is_written_over(store, folder):
    committed = store.append(1, 0, rows(2))
    store.append(1, 2, rows(50, seed=1))  # never committed
    again = store.append(1, 2, rows(3, seed=2))
    assert np.array_equal(store.read(committed), rows(2))
    assert np.array_equal(store.read(again), rows(3, seed=2))
    assert np.array_equal(store.rows(1, 5), np.concatenate([rows(2), rows(3, seed=2)]))
    assert (folder / "00000001.f32").stat().st_size == HEADER_BYTES + 52 * ROW_BYTES, "files never shrink"


def test_a_file_of_which_nothing_is_committed_is_started_anew(store, folder):
    folder.mkdir(parents=True)
    (folder / "00000001.f32").write_bytes(b"garbage")
    block = store.append(1, 0, rows(2))
    assert np.array_equal(store.read(block), rows(2))


@pytest.mark.parametrize("step", ["fsync of the rows", "fsync of the header", "rename"])
def test_a_failure_at_any_step_changes_nothing_committed(store, folder, monkeypatch, step):
    committed = store.append(1, 0, rows(2))
    target = {"fsync of the rows": (1, 2), "fsync of the header": (2, 0), "rename": (2, 0)}[step]
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace" if step == "rename" else "fsync", full_disk)
        with pytest.raises(StorageError, match="No space left"):
            store.append(*target, rows(4, seed=1))
    assert store.damaged_blocks([committed]) == []
    assert not any(path.suffix == ".tmp" for path in folder.iterdir())
    again = store.append(*target, rows(4, seed=2))
    assert np.array_equal(store.read(again), rows(4, seed=2))
    assert np.array_equal(store.read(committed), rows(2))


def test_a_disk_that_fills_up_amid_the_rows_leaves_the_committed_ones(store, folder):
    resource = pytest.importorskip("resource")
    committed = store.append(1, 0, rows(2))
    size = (folder / "00000001.f32").stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, before[1]))
    try:
        with pytest.raises(StorageError, match=r"Cannot write .*00000001\.f32"):
            store.append(1, 2, rows(5000, seed=1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (folder / "00000001.f32").stat().st_size > size, "part of the rows was written"
    assert store.damaged_blocks([committed]) == []
    assert np.array_equal(store.read(store.append(1, 2, rows(3, seed=2))), rows(3, seed=2))


def test_appending_behind_rows_that_are_gone_is_damage_not_a_hole(store, folder):
    store.append(1, 0, rows(2))
    with pytest.raises(CollectionDamaged, match="ends before row 7"):
        store.append(1, 7, rows(2))
    with pytest.raises(CollectionDamaged, match="missing"):
        store.append(2, 1, rows(2))
    assert [path.name for path in folder.iterdir()] == ["00000001.f32"]


def test_a_reader_keeps_its_rows_while_the_writer_appends_and_removes(store, folder):
    store.append(1, 0, rows(3))
    mapped = store.rows(1, 3)
    for turn in range(5):
        store.append(1, 3, rows(1000, seed=turn))
    assert np.array_equal(mapped, rows(3))
    assert store.remove_unreferenced(keep=[]) == 1
    store.append(1, 0, rows(3, seed=9))
    assert np.array_equal(mapped, rows(3))


def test_mapped_rows_cannot_be_written_to(store):
    store.append(1, 0, rows(3))
    mapped = store.rows(1, 2)
    assert mapped.shape == (2, 4)
    with pytest.raises(ValueError, match="read-only"):
        mapped[0, 0] = 1


def test_no_rows_can_be_mapped_too(store):
    store.append(1, 0, rows(3))
    assert store.rows(1, 0).shape == (0, 4)


def test_gather_takes_rows_from_all_files_in_the_order_asked_for(store):
    store.append(1, 0, rows(5))
    store.append(7, 0, rows(5, seed=1))
    wanted_files, wanted_rows = np.array([7, 1, 7, 1, 1]), np.array([4, 0, 0, 3, 0])
    gathered = store.gather(wanted_files, wanted_rows)
    both = {1: rows(5), 7: rows(5, seed=1)}
    assert np.array_equal(gathered, [both[f][r] for f, r in zip(wanted_files, wanted_rows, strict=True)])
    gathered[:] = 0  # a copy: the file stays
    assert np.array_equal(store.rows(1, 5), rows(5))
    assert store.gather(np.array([], dtype=np.int64), np.array([], dtype=np.int64)).shape == (0, 4)


def test_gather_checks_bounds(store):
    store.append(1, 0, rows(5))
    with pytest.raises(CollectionDamaged, match="ends before row 6"):
        store.gather(np.array([1, 1]), np.array([0, 5]))
    with pytest.raises(CollectionDamaged, match="missing"):
        store.gather(np.array([3]), np.array([0]))
    with pytest.raises(ValueError, match="count from 0"):
        store.gather(np.array([1]), np.array([-1]))


def test_files_of_another_space_are_refused(store, folder):
    block = store.append(1, 0, rows(3))
    for other in (EmbeddingSpace("test", "2", "none", 4), EmbeddingSpace("test", "1", "none", 2)):
        with pytest.raises(CollectionDamaged, match="another space"):
            VectorStore(folder, other).rows(1, 1)
        assert VectorStore(folder, other).damaged_blocks([block])[0][0] == block


def test_a_new_file_is_whole_with_a_block_a_piece(store):
    blocks = store.write_new(3, iter([(rows(2), None), (rows(4, seed=1), None)]))
    assert [(block.file, block.first_row, block.rows) for block in blocks] == [(3, 0, 2), (3, 2, 4)]
    assert np.array_equal(store.rows(3, 6), np.concatenate([rows(2), rows(4, seed=1)]))
    assert store.damaged_blocks(blocks) == []
    appended = store.append(3, 6, rows(1, seed=2))
    assert np.array_equal(store.read(appended), rows(1, seed=2))


def test_a_new_file_that_fails_midway_is_not_there_at_all(store, folder, monkeypatch):
    def pieces():
        yield rows(2), None
        raise CollectionDamaged("a source row is damaged")

    with pytest.raises(CollectionDamaged, match="source"):
        store.write_new(3, pieces())
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(StorageError, match="No space left"):
        store.write_new(3, [(rows(2), None)])
    assert list(folder.iterdir()) == []


def test_only_our_own_files_are_removed(store, folder):
    assert store.remove_unreferenced(keep=[]) == 0
    assert store.size_bytes == 0
    for number in (1, 2, 3):
        store.append(number, 0, rows(1))
    with pytest.raises(KeyboardInterrupt), files.replacing(folder / "00000004.f32") as temporary:
        raise KeyboardInterrupt
    temporary.write_bytes(b"left by a killed process")
    (folder / "notes.txt").write_bytes(b"not ours")
    assert store.remove_unreferenced(keep={2}) == 3
    assert sorted(path.name for path in folder.iterdir()) == ["00000002.f32", "notes.txt"]


def test_a_block_that_reaches_beyond_the_file_is_damage_whatever_its_size(store):
    store.append(1, 0, rows(3))
    beyond = Block(1, 2**40, 2**50, "0" * 32)
    with pytest.raises(CollectionDamaged, match="ends before row"):
        store.read(beyond)
    ((found, reason),) = store.damaged_blocks([beyond])
    assert found == beyond
    assert "ends before row" in reason


def test_damage_is_told_by_block_with_file_and_rows(store, folder, monkeypatch):
    monkeypatch.setattr(rows_module, "_CHUNK_BYTES", 24)  # not a whole number of rows
    blocks = [store.append(1, 0, rows(3)), store.append(1, 3, rows(3, seed=1)), store.append(2, 0, rows(2))]
    path = folder / "00000001.f32"
    data = bytearray(path.read_bytes())
    data[HEADER_BYTES + 4 * ROW_BYTES] ^= 1
    path.write_bytes(data)
    (folder / "00000002.f32").unlink()
    damaged = store.damaged_blocks(blocks)
    assert [block for block, _ in damaged] == blocks[1:]
    assert damaged[0][1] == f"Rows 3 to 5 of {path} do not match their checksum."
    assert damaged[1][1] == f"{folder / '00000002.f32'} is missing."
    assert np.array_equal(store.read(blocks[0]), rows(3))
    with pytest.raises(CollectionDamaged, match="Rows 3 to 5 of"):
        store.read(blocks[1])


@given(place=st.integers(0, HEADER_BYTES + 10 * ROW_BYTES - 1), change=st.integers(1, 255))
@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_single_flipped_byte_is_found(store, folder, place, change):
    blocks = [store.append(1, 0, rows(6)), store.append(1, 6, rows(4, seed=1))]
    path = folder / "00000001.f32"
    data = bytearray(path.read_bytes())
    data[place] ^= change
    path.write_bytes(data)
    damaged = [block for block, _ in store.damaged_blocks(blocks)]
    row = (place - HEADER_BYTES) // ROW_BYTES
    assert damaged == (blocks if row < 0 else blocks[:1] if row < 6 else blocks[1:])
    for block in damaged:
        with pytest.raises(CollectionDamaged):
            store.read(block)
    if row < 0:
        with pytest.raises(CollectionDamaged):
            store.rows(1, 1)
