import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mmsearch.errors import CollectionDamaged, StorageError
from mmsearch.files import blake2
from mmsearch.types import Block, EmbeddingSpace
from mmsearch.vectors.tokens import TokenStore, dequantise, quantise, token_type

SPACE = EmbeddingSpace("test", "1", "none", 4)
HEADER_BYTES = 64
ROW_BYTES = 4 + 4

values = st.floats(-(2.0**99), 2.0**99, width=32)
few_rows = st.tuples(st.integers(0, 6), st.integers(1, 5))


def coded(count, seed=0):
    return quantise(np.random.default_rng(seed).standard_normal((count, 4)).astype(np.float32))


def where(*places):
    """Turn (file, row, count) a segment into the arrays that `gather` takes."""
    return tuple(np.array(places, dtype=np.int64).reshape(-1, 3).T)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "spaces" / "tokens"


@pytest.fixture
def store(folder):
    return TokenStore(folder, SPACE, "r1")


def full_disk(*_):
    raise OSError(28, "No space left on device")


def change(path, place, new):
    data = bytearray(path.read_bytes())
    data[place : place + len(new)] = new
    path.write_bytes(data)


@given(tokens=arrays.arrays(np.float32, few_rows, elements=values))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_no_value_is_off_by_more_than_half_a_step(tokens):
    result = quantise(tokens)
    assert result.dtype == token_type(tokens.shape[1])
    error = np.abs(dequantise(result).astype(np.float64) - tokens).max(axis=1, initial=0)
    scale = result["scale"].astype(np.float64)
    assert np.allclose(scale, np.abs(tokens).max(axis=1, initial=0) / 127, rtol=1e-6, atol=1e-32)
    assert (error <= scale / 2 * (1 + 1e-4) + 1e-30).all()
    assert np.array_equal(quantise(dequantise(result))["codes"], result["codes"]), "what is read can be stored again"


def test_each_row_has_a_scale_of_its_own():
    result = quantise(np.array([[1.27, -0.64, 0.0], [0.0, 0.0, 0.0], [127e6, 1.0, -127e6]], np.float32))
    assert result["scale"].tolist() == pytest.approx([0.01, 0.0, 1e6])
    assert result["codes"].tolist() == [[127, -64, 0], [0, 0, 0], [127, 0, -127]]
    assert dequantise(result)[0].tolist() == pytest.approx([1.27, -0.64, 0.0])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 2e30])
def test_what_cannot_be_rounded_is_refused(bad):
    with pytest.raises(ValueError, match="NaN, infinity or a value beyond"):
        quantise(np.array([[0.0, bad]], np.float32))
    with pytest.raises(ValueError, match=r"shape \(t, d\)"):
        quantise(np.zeros(4, np.float32))


def test_segments_come_back_from_all_files_in_the_order_asked_for(store):
    store.append(1, 0, coded(5))
    store.append(1, 5, coded(3, seed=1))
    store.append(7, 0, coded(4, seed=2))
    wanted = where((7, 1, 3), (1, 4, 2), (1, 0, 1), (1, 4, 2))
    first = np.concatenate([coded(5), coded(3, seed=1)])
    expected = [coded(4, seed=2)[1:4], first[4:6], first[:1], first[4:6]]
    for found, records in zip(store.gather_coded(*wanted), expected, strict=True):
        assert np.array_equal(found, records)
    for found, records in zip(store.gather(*wanted), expected, strict=True):
        assert found.dtype == np.float32
        assert np.array_equal(found, dequantise(records))
    assert (store.gather(*where()), store.gather_coded(*where())) == ([], [])


def test_what_was_gathered_is_a_copy(store):
    store.append(1, 0, coded(3))
    (found,) = store.gather_coded(*where((1, 0, 3)))
    found["scale"] = 0
    assert np.array_equal(store.gather_coded(*where((1, 0, 3)))[0], coded(3))


def test_the_file_is_a_header_and_packed_rows(store, folder):
    block = store.append(1, 0, coded(3))
    data = (folder / "00000001.i8").read_bytes()
    assert data[:8] == b"MMSTOKS\n"
    assert data[8:16] == bytes([1, 0, 2, 0, 4, 0, 0, 0])
    assert data[16:64] == SPACE.space_id.encode() + blake2(b"r1").encode()
    assert data[64:] == b"".join(each["scale"].tobytes() + each["codes"].tobytes() for each in coded(3))
    assert block == Block(1, 0, 3, blake2(data[64:]))
    assert store.size_bytes == HEADER_BYTES + 3 * ROW_BYTES


def test_files_of_another_space_or_revision_are_refused(store, folder):
    block = store.append(1, 0, coded(3))
    others = [
        TokenStore(folder, SPACE, "r2"),
        TokenStore(folder, SPACE, ""),
        TokenStore(folder, EmbeddingSpace("test", "2", "none", 4), "r1"),
        TokenStore(folder, EmbeddingSpace("test", "1", "none", 2), "r1"),
    ]
    for other in others:
        with pytest.raises(CollectionDamaged, match="another revision of the tokens"):
            other.gather(*where((1, 0, 1)))
        with pytest.raises(CollectionDamaged, match="another revision of the tokens"):
            other.append(1, 3, np.zeros(1, other._row_type))
        assert [each for each, _ in other.damaged_blocks([block])] == [block]
    assert store.damaged_blocks([block]) == []


def test_records_of_another_type_are_refused(store, folder):
    bad_scale = coded(2)
    bad_scale["scale"][1] = np.nan
    for bad in (coded(0), coded(4).reshape(2, 2), np.zeros(2, token_type(3)), np.zeros(2), bad_scale):
        with pytest.raises(ValueError, match=r"expected records|a scale of the tokens"):
            store.append(1, 0, bad)
    assert not folder.exists()


def test_records_of_any_memory_layout_are_written_in_order(store):
    store.append(1, 0, coded(6)[::-2])
    assert np.array_equal(store.gather_coded(*where((1, 0, 3)))[0], coded(6)[::-2])


@pytest.mark.parametrize("scale", [np.nan, np.inf, -1.0, 3e38])
def test_a_scale_that_was_never_written_is_damage(store, folder, scale):
    store.append(1, 0, coded(3))
    change(folder / "00000001.i8", HEADER_BYTES + ROW_BYTES, np.float32(scale).tobytes())
    for gather in (store.gather, store.gather_coded):
        with pytest.raises(CollectionDamaged, match="a scale that was never written"):
            gather(*where((1, 0, 1), (1, 1, 2)))
        assert len(gather(*where((1, 2, 1)))) == 1


def test_places_beyond_the_file_are_damage_whatever_their_size(store):
    store.append(1, 0, coded(3))
    for row, count in ((0, 4), (3, 1), (2**62, 1), (0, 2**62), (2**63 - 1, 2**63 - 1)):
        with pytest.raises(CollectionDamaged, match="ends before row"):
            store.gather(*where((1, 0, 1), (1, row, count)))
    with pytest.raises(CollectionDamaged, match="missing"):
        store.gather(*where((2, 0, 1)))
    for row, count in ((-1, 1), (0, -1)):
        with pytest.raises(ValueError, match="0 or more"):
            store.gather(*where((1, row, count)))


def test_a_truncated_file_is_damage(store, folder):
    block = store.append(1, 0, coded(3))
    os.truncate(folder / "00000001.i8", HEADER_BYTES + 3 * ROW_BYTES - 1)
    with pytest.raises(CollectionDamaged, match="ends before row 3"):
        store.gather(*where((1, 2, 1)))
    assert len(store.gather(*where((1, 0, 2)))[0]) == 2
    ((damaged, reason),) = store.damaged_blocks([block])
    assert (damaged, "ends before row 3" in reason) == (block, True)


@given(place=st.integers(0, HEADER_BYTES + 10 * ROW_BYTES - 1), flip=st.integers(1, 255))
@settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_single_flipped_byte_is_found(store, folder, place, flip):
    blocks = [store.append(1, 0, coded(6)), store.append(1, 6, coded(4, seed=1))]
    path = folder / "00000001.i8"
    change(path, place, bytes([path.read_bytes()[place] ^ flip]))
    row = (place - HEADER_BYTES) // ROW_BYTES
    assert [block for block, _ in store.damaged_blocks(blocks)] == (
        blocks if row < 0 else blocks[:1] if row < 6 else blocks[1:]
    )


def test_what_a_crash_left_behind_is_written_over(store, folder):
    committed = store.append(1, 0, coded(2))
    store.append(1, 2, coded(50, seed=1))  # never committed
    again = store.append(1, 2, coded(3, seed=2))
    assert store.damaged_blocks([committed, again]) == []
    assert np.array_equal(store.gather_coded(*where((1, 0, 5)))[0], np.concatenate([coded(2), coded(3, seed=2)]))
    assert (folder / "00000001.i8").stat().st_size == HEADER_BYTES + 52 * ROW_BYTES, "files never shrink"


def test_a_file_of_which_nothing_is_committed_is_started_anew_whatever_its_revision(store, folder):
    TokenStore(folder, SPACE, "old").append(1, 0, coded(9))
    assert store.damaged_blocks([store.append(1, 0, coded(2))]) == []


def test_a_failing_disk_changes_nothing_committed(store, folder, monkeypatch):
    committed = store.append(1, 0, coded(2))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full_disk)
        for write in (
            lambda: store.append(1, 2, coded(4, seed=1)),
            lambda: store.append(2, 0, coded(4, seed=1)),
            lambda: store.write_new(3, [coded(4, seed=1)]),
        ):
            with pytest.raises(StorageError, match="No space left"):
                write()
    assert store.damaged_blocks([committed]) == []
    assert [path.name for path in folder.iterdir()] == ["00000001.i8"]
    assert store.damaged_blocks([committed, store.append(1, 2, coded(4, seed=2))]) == []


def test_a_new_file_is_whole_with_a_block_a_piece(store):
    blocks = store.write_new(3, iter([coded(2), coded(4, seed=1)]))
    assert [(block.file, block.first_row, block.rows) for block in blocks] == [(3, 0, 2), (3, 2, 4)]
    assert np.array_equal(store.gather_coded(*where((3, 0, 6)))[0], np.concatenate([coded(2), coded(4, seed=1)]))
    assert store.damaged_blocks([*blocks, store.append(3, 6, coded(1))]) == []


def test_a_reader_is_not_disturbed_by_files_that_are_removed_or_not_ours(store, folder):
    for number in (1, 2, 3):
        store.append(number, 0, coded(1))
    (folder / "00000001.f32").write_bytes(b"not ours")
    assert store.remove_unreferenced(keep={2}) == 2
    assert sorted(path.name for path in folder.iterdir()) == ["00000001.f32", "00000002.i8"]
