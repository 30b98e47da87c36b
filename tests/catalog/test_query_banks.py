import json

import pytest

from mmsearch.catalog.catalog import Catalog
from mmsearch.errors import CollectionDamaged


def put(catalog, data):
    with catalog.write() as writer:
        return writer.put_banks(data, {"image": {"helps": True}})


def undo(catalog):
    with catalog.write() as writer:
        return writer.undo_banks()


def harm(catalog, number):
    with catalog.write() as writer:
        writer._connection.exec_driver_sql(f"UPDATE query_banks SET vectors = x'00' WHERE id = {number}")


def test_the_newest_is_in_use_and_undone_first(catalog):
    assert (catalog.banks(), catalog.bank_number()) == (None, None)
    assert [put(catalog, b"one"), put(catalog, b"two")] == [1, 2]
    assert (catalog.banks(), catalog.bank_number()) == (b"two", 2)
    assert undo(catalog)
    assert (catalog.banks(), catalog.bank_number()) == (b"one", 1)
    assert put(catalog, b"three") == 3
    assert [undo(catalog), undo(catalog), undo(catalog)] == [True, True, False]
    assert (catalog.banks(), catalog.bank_number()) == (None, None)


def test_what_was_measured_is_kept_and_no_vector_changes(catalog):
    put(catalog, b"one")
    assert catalog.revision() == 0
    with catalog.write() as writer:
        (report,) = writer._connection.exec_driver_sql("SELECT report FROM query_banks").scalars()
    assert json.loads(report) == {"image": {"helps": True}}


def test_readers_see_it_when_it_is_committed(catalog, catalog_path):
    with Catalog.open(catalog_path, write=False) as reader:
        with catalog.write() as writer:
            writer.put_banks(b"one", {})
            assert reader.banks() is None
        assert reader.banks() == b"one"


def test_a_damaged_one_is_told_not_handed_out_and_dropped(catalog):
    put(catalog, b"one")
    put(catalog, b"two")
    put(catalog, b"three")
    harm(catalog, 1)
    assert catalog.banks() == b"three"
    harm(catalog, 3)
    with pytest.raises(CollectionDamaged, match="bank of queries number 3 does not match its checksum"):
        catalog.banks()
    assert [problem.what for problem in catalog.check()] == ["a bank of `calibrate` is damaged"] * 2
    with catalog.write() as writer:
        writer.drop_damaged_banks()
    assert (catalog.check(), catalog.banks()) == ((), b"two")
    assert undo(catalog)
    assert catalog.banks() is None


def test_a_damaged_one_can_be_undone_and_then_harms_nobody(catalog):
    put(catalog, b"one")
    harm(catalog, 1)
    assert catalog.bank_number() == 1
    assert undo(catalog)
    assert (catalog.check(), catalog.banks()) == ((), None)
