import signal
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from mmsearch.catalog import engine
from mmsearch.catalog.catalog import Catalog
from mmsearch.errors import CollectionLocked

KILLED_WRITER = """
import sys, time
from pathlib import Path
from mmsearch.catalog.catalog import Catalog
with Catalog.open(Path(sys.argv[1]), write=True) as catalog, catalog.write() as writer:
    writer.remove_assets([1, 2])
    writer.add_root("/half-done")
    print("in the middle", flush=True)
    time.sleep(60)
"""


def test_readers_see_the_old_state_until_the_commit(catalog, catalog_path, put):
    put("/a.jpg")
    with closing(Catalog.open(catalog_path, write=False)) as reader:
        with catalog.write() as writer:
            writer.remove_assets([1])
            for other in (reader, catalog):
                assert other.counts().assets == 1
                assert other.revision() == 1
        assert reader.counts().assets == 0
        assert reader.revision() == 2


def test_a_snapshot_stays_as_it_was(catalog, put):
    put("/a.jpg")
    with catalog.snapshot():
        revision = catalog.revision()
        with catalog.write() as writer:
            writer.remove_assets([1])
        assert catalog.revision() == revision == 1
        with catalog.snapshot():
            assert catalog.locations().ids.tolist() == [1]
        assert catalog.locations().ids.tolist() == [1]
    assert catalog.locations().ids.tolist() == []
    assert catalog.revision() == 2


def test_threads_read_whole_transactions_while_one_writes(catalog, put, make_file):
    """Each transaction replaces two files at once: a reader must never see one of them alone."""
    torn, done = [], threading.Event()

    def read():
        while not done.is_set():
            with catalog.snapshot():
                count = len(catalog.locations())
                if count != catalog.counts().assets or count % 2:
                    torn.append(count)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for thread in readers:
        thread.start()
    for number in range(25):
        put(f"/{number}-a.jpg", f"/{number}-b.jpg")
    done.set()
    for thread in readers:
        thread.join()
    assert torn == []
    assert len(catalog.locations()) == 50


def test_threads_take_turns_at_writing(catalog):
    def write(name):
        for number in range(5):
            with catalog.write() as writer:
                writer.add_root(f"/{name}/{number}")

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(catalog.roots()) == 10


def test_a_second_writer_is_told(catalog, catalog_path, monkeypatch):
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 0.05)
    with (
        Catalog.open(catalog_path, write=True) as other,
        catalog.write(),
        pytest.raises(CollectionLocked, match="locked"),
        other.write(),
    ):
        pass


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 here")
def test_a_writer_killed_in_the_middle_leaves_the_old_state(catalog, catalog_path, put):
    put("/a.jpg", "/b.jpg")
    with subprocess.Popen(
        [sys.executable, "-c", KILLED_WRITER, str(catalog_path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout.readline() == "in the middle\n"
        writer.kill()
    catalog.close()
    with Catalog.open(catalog_path, write=True) as reopened:
        assert reopened.locations().ids.tolist() == [1, 2]
        assert reopened.roots() == ()
        assert reopened.revision() == 1
        assert reopened.check() == ()
        with reopened.write() as again:
            assert again.remove_assets([1]) == 1
