"""The features beside the vectors: written, read, copied and checked as one row with them."""

import numpy as np
import pytest

from mmsearch.errors import CollectionDamaged
from mmsearch.normalise import unit_rows
from mmsearch.types import EmbeddingSpace
from mmsearch.vectors.store import VectorStore

SPACE = EmbeddingSpace("test", "1", "none", 4)
HEADER_BYTES, ROW_BYTES = 64, 4 * 4 + 3 * 2


def rows(count, seed=0):
    random = np.random.default_rng(seed)
    return unit_rows(random.standard_normal((count, 4))), random.standard_normal((count, 3)).astype(np.float16)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "vectors"


@pytest.fixture
def store(folder):
    return VectorStore(folder, SPACE, feature_dim=3)


def ones(count):
    return np.ones(count, np.int64)


def test_vectors_and_features_come_back_bit_for_bit(store, folder):
    vectors, features = rows(5)
    block = store.append(1, 0, vectors[:2], features[:2])
    store.append(1, 2, vectors[2:], features[2:])
    assert (folder / "00000001.f32").stat().st_size == HEADER_BYTES + 5 * ROW_BYTES
    assert np.array_equal(store.read(block), vectors[:2])
    assert np.array_equal(store.rows(1, 5), vectors)
    wanted = np.array([4, 0, 2, 0])
    assert np.array_equal(store.gather(ones(4), wanted), vectors[wanted])
    found = store.gather_features(ones(4), wanted)
    assert found.dtype == np.float16
    assert np.array_equal(found, features[wanted])
    assert store.gather_features(ones(0), ones(0)).shape == (0, 3)


def test_a_row_is_its_vector_and_then_its_features(store, folder):
    vectors, features = rows(2)
    store.append(1, 0, vectors, features)
    data = (folder / "00000001.f32").read_bytes()
    assert int.from_bytes(data[32:36], "little") == 3
    assert data[HEADER_BYTES:] == b"".join(
        vector.astype("<f4").tobytes() + feature.astype("<f2").tobytes()
        for vector, feature in zip(vectors, features, strict=True)
    )


def test_without_features_there_are_zeros(store):
    vectors, _ = rows(2)
    store.append(1, 0, vectors)
    assert np.array_equal(store.gather(ones(2), np.arange(2)), vectors)
    assert not store.gather_features(ones(2), np.arange(2)).any()


def test_a_new_file_takes_both_and_may_be_made_of_another(store):
    vectors, features = rows(5)
    store.append(1, 0, vectors, features)
    order = np.array([3, 1, 4])
    blocks = store.write_new(2, [(store.gather(ones(3), order), store.gather_features(ones(3), order))])
    assert store.damaged_blocks(blocks) == []
    assert np.array_equal(store.gather(2 * ones(3), np.arange(3)), vectors[order])
    assert np.array_equal(store.gather_features(2 * ones(3), np.arange(3)), features[order])


@pytest.mark.parametrize("place", [HEADER_BYTES + ROW_BYTES - 1, HEADER_BYTES + 2 * ROW_BYTES - 6])
def test_a_flipped_byte_in_the_features_is_found(store, folder, place):
    block = store.append(1, 0, *rows(3))
    path = folder / "00000001.f32"
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    assert [each for each, _ in store.damaged_blocks([block])] == [block]
    with pytest.raises(CollectionDamaged, match="do not match their checksum"):
        store.read(block)


def test_files_with_features_of_another_length_are_refused(store, folder):
    store.append(1, 0, *rows(3))
    for feature_dim in (0, 2, 4):
        with pytest.raises(CollectionDamaged, match="another space"):
            VectorStore(folder, SPACE, feature_dim).rows(1, 1)


@pytest.mark.parametrize("bad", [np.zeros((2, 4)), np.zeros((3, 3)), np.full((2, 3), np.inf), np.full((2, 3), 1e6)])
def test_features_that_do_not_fit_are_refused(store, folder, bad):
    with np.errstate(over="ignore"), pytest.raises(ValueError, match=r"shape|NaN or infinity"):
        store.append(1, 0, rows(2)[0], bad)
    assert not folder.exists()
