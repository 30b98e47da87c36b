import json
import resource
import sqlite3
import threading
from contextlib import closing

import pytest

from mmsearch.catalog import engine, query_log
from mmsearch.catalog.catalog import Catalog
from mmsearch.catalog.query_log import QueryLog
from mmsearch.errors import CollectionLocked, ItemNotFound, SchemaTooNew, StorageError

DOG = '{"parts": [{"text": "dog", "weight": 1.0}]}'


@pytest.fixture
def log(catalog, catalog_path):
    return QueryLog(catalog_path)


@pytest.fixture
def hurried(monkeypatch):
    for name in ("NOTE_WAIT_S", "BUSY_TIMEOUT_S"):
        monkeypatch.setattr(query_log, name, 0.05)


def test_queries_and_what_was_said_of_their_hits(catalog, log):
    assert [log.note(DOG, 3), log.note('{"text": "cat"}', 0), log.note(DOG, 1)] == [1, 2, 3]
    log.click(1, ["/b.jpg", "/a.jpg"], good=True)
    log.click(1, ["/c.jpg"], good=False)
    log.click(3, ["/d.jpg"], good=False)
    first, last = catalog.clicked_queries()
    assert (first.id, first.request, first.hits, set(first.good), first.bad) == (
        1,
        json.loads(DOG),
        3,
        {"/a.jpg", "/b.jpg"},
        ("/c.jpg",),
    )
    assert (last.id, last.good, last.bad) == (3, (), ("/d.jpg",))
    assert [(each.id, each.good) for each in catalog.queries(2)] == [(3, ()), (2, ())]
    assert [each.id for each in catalog.queries()] == [3, 2, 1]
    assert first.asked_at.endswith("+00:00")


def test_the_last_word_on_a_file_counts(catalog, log):
    log.note(DOG, 3)
    log.click(1, ["/a.jpg", "/b.jpg"], good=True)
    log.click(1, ["/a.jpg", "/a.jpg"], good=False)
    (query,) = catalog.clicked_queries()
    assert (query.good, query.bad) == (("/b.jpg",), ("/a.jpg",))


@pytest.mark.parametrize("query_id", [2, -1, 1 << 62])
def test_a_query_that_is_not_kept_has_no_hits(log, query_id):
    log.note(DOG, 3)
    with pytest.raises(ItemNotFound, match=f"No query {query_id} is kept"):
        log.click(query_id, ["/a.jpg"], good=True)


def test_names_of_any_bytes(catalog, log):
    log.note(DOG, 1)
    log.click(1, ["/\udcff.jpg"], good=True)
    assert catalog.clicked_queries()[0].good == ("/\udcff.jpg",)


def test_the_oldest_are_forgotten_with_their_clicks(catalog, log, monkeypatch):
    monkeypatch.setattr(query_log, "MAX_QUERIES", 3)
    for _ in range(3):
        log.note(DOG, 1)
    log.click(1, ["/a.jpg"], good=True)
    log.click(2, ["/a.jpg"], good=True)
    assert log.note(DOG, 1) == 4
    assert [each.id for each in catalog.queries()] == [4, 3, 2]
    assert [each.id for each in catalog.clicked_queries()] == [2]
    assert catalog.check() == ()


def test_a_query_that_is_too_long_is_not_kept(catalog, log):
    fits = json.dumps({"text": "x" * (query_log.MAX_QUERY_BYTES - 12)})
    assert len(fits) == query_log.MAX_QUERY_BYTES
    log.note(fits, 0)
    with pytest.raises(ValueError, match="too long"):
        log.note(fits + " ", 0)
    assert [each.query for each in catalog.queries()] == [fits]


def test_forgetting_leaves_no_bytes_and_no_id_is_used_again(catalog, log, catalog_path):
    with closing(Catalog.open(catalog_path, write=False)) as reader:  # so that the log of SQLite stays
        reader.queries()
        for number in range(30):
            log.note(json.dumps({"text": f"secret wish {number}" + "y" * 2_000}), 1)
        log.click(3, ["/secret place.jpg"], good=True)
        assert log.clear() == 30
        assert (reader.queries(), reader.clicked_queries()) == ((), ())
        kept = b"".join(path.read_bytes() for path in catalog_path.parent.iterdir())
        assert b"secret" not in kept
    assert log.note(DOG, 1) == 31
    assert log.clear() == 1


def test_noting_changes_no_revision(catalog, log):
    before = catalog.revision()
    log.note(DOG, 1)
    log.click(1, ["/a.jpg"], good=True)
    assert catalog.revision() == before


def test_it_is_written_beside_a_run_that_is_not_writing_just_now(catalog, log, put):
    ids = put("/a.jpg", "/b.jpg")
    with catalog.seen() as seen:
        assert log.note(DOG, 1) == 1
        seen.add([ids["/a.jpg"]])
        assert log.note(DOG, 1) == 2
        with catalog.write() as writer:
            writer.sweep("/", seen, ())
        log.click(1, ["/a.jpg"], good=True)
    assert list(catalog.lookup(["/a.jpg", "/b.jpg"])) == ["/a.jpg"]
    assert len(catalog.queries()) == 2


def test_a_writer_in_the_middle_is_not_waited_for_for_long(catalog, log, hurried):
    with catalog.write() as writer:
        writer.add_root("/photos")
        with pytest.raises(CollectionLocked):
            log.note(DOG, 1)
        with pytest.raises(CollectionLocked):
            log.clear()
    assert log.note(DOG, 1) == 1
    assert catalog.roots() == ("/photos",)


def test_a_writer_that_soon_ends_is_waited_for(catalog, log):
    begun, noted = threading.Event(), []

    def note():
        begun.wait()
        noted.append(log.note(DOG, 1))

    noting = threading.Thread(target=note)
    noting.start()
    with catalog.write() as writer:
        begun.set()
        noting.join(0.1)
        assert noted == []
        writer.add_root("/photos")
    noting.join()
    assert noted == [1]


def test_many_threads_note_at_once(catalog, log):
    noting = [threading.Thread(target=log.note, args=(DOG, number)) for number in range(8)]
    for thread in noting:
        thread.start()
    for thread in noting:
        thread.join()
    assert sorted(each.hits for each in catalog.queries()) == list(range(8))


def test_a_catalog_that_a_newer_version_changed_is_left_alone(catalog, log, catalog_path):
    with closing(sqlite3.connect(catalog_path)) as direct, direct:
        direct.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaTooNew):
        log.note(DOG, 1)
    assert catalog.queries() == ()


def test_a_folder_that_cannot_be_written(catalog, log, catalog_path, monkeypatch):
    catalog.close()
    monkeypatch.setattr(engine, "_uri", lambda path, _access: f"{path.absolute().as_uri()}?mode=ro")
    with pytest.raises(StorageError):
        log.note(DOG, 1)


def test_a_full_disk(catalog, log, catalog_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, before[1]))
    try:
        with pytest.raises(StorageError):
            log.note(DOG, 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert catalog.queries() == ()
    assert log.note(DOG, 1) == 1


@pytest.mark.parametrize("query", ["", "[]", "nonsense", "[" * 5_000])
def test_a_record_that_is_no_request_is_shown_as_empty(catalog, log, query):
    log.note(query, 1)
    assert catalog.queries()[0].to_dict()["query"] == {}
