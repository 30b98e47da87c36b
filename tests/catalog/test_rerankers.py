import pytest

from mmsearch.catalog.catalog import Catalog
from mmsearch.catalog.records import StoredReranker
from mmsearch.errors import CollectionDamaged


def put(catalog, weights, **report):
    with catalog.write() as writer:
        return writer.put_reranker(weights, report)


def undo(catalog):
    with catalog.write() as writer:
        return writer.undo_reranker()


def harm(catalog, version, change="weights = x'00'"):
    with catalog.write() as writer:
        writer._connection.exec_driver_sql(f"UPDATE rerankers SET {change} WHERE version = {version}")


def test_the_newest_is_in_use_with_what_was_measured(catalog):
    assert (catalog.reranker(), catalog.reranker_version()) == (None, 0)
    assert put(catalog, b"one", gain=0.1) == 1
    assert put(catalog, b"two", gain={"image": 0.2, "text": "d\udcffj\N{LATIN SMALL LETTER A WITH ACUTE}"}) == 2
    assert catalog.reranker() == StoredReranker(2, b"two", {"gain": {"image": 0.2, "text": "d\udcffj\u00e1"}})
    assert catalog.reranker_version() == 2


def test_the_one_before_is_in_use_again_after_an_undoing_and_no_version_is_used_twice(catalog):
    put(catalog, b"one")
    put(catalog, b"two")
    assert undo(catalog)
    assert catalog.reranker() == StoredReranker(1, b"one", {})
    assert put(catalog, b"three") == 3
    assert [undo(catalog), undo(catalog), undo(catalog)] == [True, True, False]
    assert (catalog.reranker(), catalog.reranker_version()) == (None, 0)


def test_those_in_use_are_listed_newest_first_and_the_oldest_of_many_left_out(catalog):
    assert catalog.rerankers() == ()
    for number in range(1, 11):
        put(catalog, bytes([number]), number=number)
    undo(catalog)
    listed = catalog.rerankers()
    assert [each.version for each in listed] == [9, 8, 7, 6, 5, 4, 3, 2]
    assert listed[1] == StoredReranker(8, b"\x08", {"number": 8})
    harm(catalog, 2)
    with pytest.raises(CollectionDamaged, match="version 2 does not match"):
        catalog.rerankers()
    harm(catalog, 9)
    with catalog.write() as writer:
        assert writer.drop_damaged_rerankers() == 2
    assert [each.version for each in catalog.rerankers()] == [8, 7, 6, 5, 4, 3, 1]


def test_the_vectors_stay_as_they_are(catalog):
    put(catalog, b"one")
    undo(catalog)
    with catalog.write() as writer:
        assert writer.drop_damaged_rerankers() == 0
    assert catalog.revision() == 0


def test_readers_see_it_when_it_is_committed(catalog, catalog_path):
    with Catalog.open(catalog_path, write=False) as reader:
        with catalog.write() as writer:
            writer.put_reranker(b"one", {})
            assert reader.reranker_version() == 0
        assert reader.reranker() == StoredReranker(1, b"one", {})


def test_a_transaction_that_fails_installs_nothing(catalog):
    with pytest.raises(TypeError), catalog.write() as writer:
        writer.put_reranker(b"one", {"gain": object()})
    assert catalog.reranker() is None


@pytest.mark.parametrize("change", ["weights = x'00'", "report = 'nonsense'", "digest = ''"])
def test_a_damaged_one_is_told_not_handed_out_and_dropped(catalog, change):
    put(catalog, b"one")
    put(catalog, b"two")
    put(catalog, b"three")
    harm(catalog, 1, change)
    assert catalog.reranker().weights == b"three"
    harm(catalog, 3, change)
    assert catalog.reranker_version() == 3
    with pytest.raises(CollectionDamaged, match="re-ranker of version 3 does not match its checksum"):
        catalog.reranker()
    assert [(problem.what, problem.where) for problem in catalog.check()] == [
        ("a re-ranker of `train reranker` is damaged", "The re-ranker of version 1 does not match its checksum."),
        ("a re-ranker of `train reranker` is damaged", "The re-ranker of version 3 does not match its checksum."),
    ]
    with catalog.write() as writer:
        assert writer.drop_damaged_rerankers() == 2
    assert (catalog.check(), catalog.reranker()) == ((), StoredReranker(2, b"two", {}))
    assert undo(catalog)
    assert catalog.reranker() is None


def test_a_damaged_one_can_be_undone(catalog):
    put(catalog, b"one")
    harm(catalog, 1)
    assert undo(catalog)
    assert (catalog.check(), catalog.reranker()) == ((), None)
