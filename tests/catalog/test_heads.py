import pytest

from mmsearch.catalog.catalog import Catalog
from mmsearch.catalog.records import StoredHead
from mmsearch.errors import CollectionDamaged


def put(catalog, **weights):
    with catalog.write() as writer:
        return writer.put_heads(weights, {modality: {"helps": True} for modality in weights})


def undo(catalog):
    with catalog.write() as writer:
        return writer.undo_heads()


def harm(catalog, version):
    with catalog.write() as writer:
        writer._connection.exec_driver_sql(f"UPDATE heads SET weights = x'00' WHERE version = {version}")


def test_the_newest_of_each_modality_is_in_use(catalog):
    assert catalog.heads() == ()
    assert put(catalog, image=b"one", audio=b"two") == 1
    assert put(catalog, image=b"three") == 2
    assert catalog.heads() == (StoredHead("audio", 1, b"two"), StoredHead("image", 2, b"three"))


def test_versions_are_undone_from_the_newest_and_their_numbers_not_used_again(catalog):
    put(catalog, image=b"one", audio=b"two")
    put(catalog, image=b"three")
    assert undo(catalog) == ("image",)
    assert catalog.heads() == (StoredHead("audio", 1, b"two"), StoredHead("image", 1, b"one"))
    assert put(catalog, audio=b"four") == 3
    assert undo(catalog) == ("audio",)
    assert undo(catalog) == ("audio", "image")
    assert (undo(catalog), catalog.heads()) == ((), ())


def test_the_revision_counts_on_only_if_something_changes(catalog):
    assert undo(catalog) == ()
    assert catalog.revision() == 0
    put(catalog, image=b"one")
    assert catalog.revision() == 1
    undo(catalog)
    assert catalog.revision() == 2
    with catalog.write() as writer:
        writer.drop_damaged_heads()
    assert catalog.revision() == 2


def test_readers_see_heads_when_they_are_committed(catalog, catalog_path):
    with Catalog.open(catalog_path, write=False) as reader:
        with catalog.write() as writer:
            writer.put_heads({"image": b"one"}, {"image": {}})
            assert reader.heads() == ()
        assert reader.heads() == (StoredHead("image", 1, b"one"),)


def test_a_transaction_that_fails_installs_nothing(catalog):
    with pytest.raises(KeyError), catalog.write() as writer:
        writer.put_heads({"image": b"one", "audio": b"two"}, {"image": {}})
    assert catalog.heads() == ()


def test_damaged_heads_are_told_and_dropped(catalog):
    put(catalog, image=b"one")
    put(catalog, image=b"two", audio=b"three")
    harm(catalog, 1)
    assert catalog.heads() == (StoredHead("audio", 2, b"three"), StoredHead("image", 2, b"two"))
    (problem,) = catalog.check()
    assert problem.what == "a head of `adapt` is damaged"
    with catalog.write() as writer:
        writer.drop_damaged_heads()
    assert catalog.check() == ()
    assert catalog.heads() == (StoredHead("audio", 2, b"three"), StoredHead("image", 2, b"two"))
    assert undo(catalog) == ("audio", "image")
    assert catalog.heads() == ()


def test_a_damaged_head_is_not_handed_out(catalog):
    put(catalog, image=b"one")
    harm(catalog, 1)
    with pytest.raises(CollectionDamaged, match="head for image, version 1, does not match its checksum"):
        catalog.heads()
