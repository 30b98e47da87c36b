import os
import threading

import pytest

from mmsearch.catalog.catalog import Catalog
from mmsearch.types import FailedFile, FileStat, KnownFile, WaitingFile


def paths(catalog):
    return [asset.path for asset in catalog.find_assets("/")]


def test_what_was_not_seen_goes(catalog, put):
    assets = put("/photos/a.jpg", "/photos/b.jpg", "/photos/sub/c.jpg", "/music/d.mp3")
    with catalog.seen() as seen:
        seen.add([assets["/photos/a.jpg"]])
        seen.add([])
        assert seen.count_missing("/photos") == 2
        with catalog.write() as writer:
            assert writer.sweep("/photos", seen, []) == 2
    assert paths(catalog) == ["/music/d.mp3", "/photos/a.jpg"]
    assert catalog.locations().ids.tolist() == [1, 4]
    assert catalog.revision() == 2


def test_what_the_run_put_counts_as_seen(catalog, put, make_file):
    put(make_file("/p/old.jpg", "aa"), make_file("/p/gone.jpg", "bb"), make_file("/p/touched.jpg", "cc"))
    with catalog.seen() as seen:
        with catalog.write() as writer:
            writer.put_indexed([make_file("/p/new.jpg")], vector_file=1, first_row=9)
            writer.put_failed(FailedFile(FileStat("/p/bad.jpg", 1, 1), "media_damaged", "cut off"))
            writer.put_waiting(WaitingFile(FileStat("/p/x.mp3", 1, 1), "audio"))
            writer.put_known(KnownFile(FileStat("/p/moved.jpg", 100, 1), "aa"), exists=lambda _path: False)
            writer.put_known(KnownFile(FileStat("/p/touched.jpg", 100, 5), "cc"), exists=lambda _path: True)
        with catalog.write() as writer:
            assert writer.sweep("/p", seen, []) == 1
    assert paths(catalog) == ["/p/bad.jpg", "/p/moved.jpg", "/p/new.jpg", "/p/touched.jpg", "/p/x.mp3"]


def test_what_is_undone_was_not_seen(catalog, put):
    put("/p/a.jpg")
    with catalog.seen() as seen:
        with pytest.raises(LookupError), catalog.write() as writer:
            put_and_fail(writer, seen)
        assert catalog.lookup(["/p/b.jpg"]) == {}
        assert seen.count_missing("/p") == 1


def put_and_fail(writer, seen):
    seen.add([1])
    writer.put_failed(FailedFile(FileStat("/p/b.jpg", 1, 1), "media_damaged", "cut off"))
    writer.put_known(KnownFile(FileStat("/p/c.jpg", 1, 1), "unheard of"), exists=os.path.exists)


def test_only_ready_files_are_counted_but_all_go(catalog, put):
    put("/p/a.jpg")
    with catalog.write() as writer:
        writer.put_failed(FailedFile(FileStat("/p/bad.jpg", 1, 1), "media_damaged", "cut off"))
    with catalog.seen() as seen, catalog.write() as writer:
        assert writer.sweep("/p", seen, []) == 1
    assert paths(catalog) == []


def test_folders_that_could_not_be_read_are_spared(catalog, put):
    put("/p/a.jpg", "/p/locked/b.jpg", "/p/locked/deep/c.jpg", "/p/locked2/d.jpg", "/p/e.jpg")
    with catalog.seen() as seen:
        spared = ["/p/locked", "/p/e.jpg", *(f"/q/{number}" for number in range(1500))]
        assert seen.count_missing("/p", spared) == 2
        with catalog.write() as writer:
            assert writer.sweep("/p", seen, spared) == 2
        assert paths(catalog) == ["/p/e.jpg", "/p/locked/b.jpg", "/p/locked/deep/c.jpg"]
        assert seen.count_missing("/p", []) == 3


def test_wildcards_and_odd_bytes_in_names_are_names(catalog, put):
    odd = os.fsdecode(b"/a_%/caf\xe9/x.jpg")
    put("/a_%/x.jpg", odd, "/abc/x.jpg", "/a_%2/x.jpg", "/a_", "/A_%/x.jpg")
    with catalog.seen() as seen, catalog.write() as writer:
        assert writer.sweep("/a_%", seen, [os.fsdecode(b"/a_%/caf\xe9")]) == 1
    assert paths(catalog) == ["/A_%/x.jpg", "/a_", "/a_%2/x.jpg", "/abc/x.jpg", odd]


def test_a_root_that_is_one_file(catalog, put):
    put("/p/a.jpg", "/p/a.jpg.txt", "/p/a.jp")
    with catalog.seen() as seen, catalog.write() as writer:
        assert writer.sweep("/p/a.jpg", seen, []) == 1
    assert paths(catalog) == ["/p/a.jp", "/p/a.jpg.txt"]


def test_each_run_starts_with_nothing_seen(catalog, put):
    put("/p/a.jpg")
    with catalog.seen() as seen:
        seen.add([1])
        with pytest.raises(RuntimeError, match="one set"), catalog.seen():
            pass
    with catalog.seen() as seen:
        assert seen.count_missing("/p") == 1
    with catalog.write(), pytest.raises(RuntimeError, match="before writing"), catalog.seen():
        pass


def test_a_dry_run_counts_through_a_reader(catalog, catalog_path, put):
    put("/p/a.jpg", "/p/b.jpg")
    with Catalog.open(catalog_path, write=False) as reader, reader.seen() as seen:
        seen.add([1])
        assert seen.count_missing("/p") == 1
    assert paths(catalog) == ["/p/a.jpg", "/p/b.jpg"]


def test_adding_from_another_thread_waits_for_the_transaction(catalog, put):
    put("/p/a.jpg", "/p/b.jpg")
    with catalog.seen() as seen:
        started = threading.Event()

        def add():
            started.set()
            seen.add([1])

        thread = threading.Thread(target=add)
        with catalog.write() as writer:
            thread.start()
            started.wait()
            seen.add([2])
            writer.add_root("/p")
        thread.join()
        assert seen.count_missing("/p") == 0
