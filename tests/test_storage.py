import numpy as np
import pytest

from mmsearch.errors import CollectionDamaged
from mmsearch.storage import Storage
from mmsearch.vectors.tokens import quantise

REVISION = "hashing-tokens-1"


@pytest.fixture
def storage(tmp_path):
    storage = Storage(tmp_path / "photos", "hashing", "hashing")
    yield storage
    storage.close()


def gather(shelves):
    one = np.ones(1, np.int64)
    return shelves.tokens.gather(one, 0 * one, one)


def test_a_new_collection_keeps_the_tokens_that_its_model_gives(storage):
    assert storage.encoder().spec.tokens == REVISION
    with storage.peeking() as shelves:
        assert shelves.catalog.token_revision() == REVISION
    storage.make()
    assert storage.reading().catalog.token_revision() == REVISION


def test_a_collection_can_do_without_tokens(storage):
    storage.make(keep_tokens=False)
    assert storage.reading().catalog.token_revision() == ""


def test_the_store_of_tokens_is_that_of_the_revision_that_is_kept_now(storage):
    storage.make()
    tokens = quantise(np.ones((3, storage.reading().space.dim), np.float32))
    with storage.writing() as shelves:
        shelves.tokens.append(1, 0, tokens)
        assert np.allclose(gather(shelves)[0], 1)
        with shelves.catalog.write() as writer:
            writer.keep_tokens("another")
        for each in (shelves, storage.reading()):
            with pytest.raises(CollectionDamaged, match="another revision of the tokens"):
                gather(each)
    (path,) = storage.folder.glob("spaces/*/tokens/*")
    assert path.name == "00000001.i8"
