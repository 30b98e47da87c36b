"""One writer at a time, in words that help; readers are never in the way."""

import os
import subprocess
import sys
import threading

import pytest
from library import FIRST, make_first, make_second, texts

import mmsearch
from mmsearch.errors import CollectionLocked
from mmsearch.testing.media import write_text

HOLD = """
import sys, mmsearch
from counting_encoder import CountingEncoder
def wait(progress):
    print("writing", flush=True)
    sys.stdin.read()
mmsearch.open("photos", model=CountingEncoder()).index(sys.argv[1], on_progress=wait)
"""


@pytest.fixture
def indexed(collection, folder):
    make_first(folder)
    collection.index(folder)
    return collection


@pytest.fixture
def other_writer(indexed, folder):
    """Another process that is in the middle of a run until its stdin is closed."""
    make_second(folder)
    command = [sys.executable, "-c", HOLD, str(folder)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        assert process.stdout.readline() == b"writing\n"
        yield process
        process.kill()


def test_the_second_writer_is_told_who_writes_while_readers_go_on(indexed, folder, other_writer):
    for write in (
        lambda: indexed.index(folder),
        lambda: indexed.remove(folder / "0.txt"),
        indexed.rebuild,
        lambda: indexed.verify(repair=True),
    ):
        with pytest.raises(CollectionLocked, match=f"process {other_writer.pid} since 20"):
            write()
    assert texts(indexed) == FIRST
    assert indexed.verify() == []
    assert indexed.index(folder, dry_run=True).added > 0


def test_when_the_writer_is_killed_the_next_one_may_write(indexed, folder, other_writer):
    other_writer.kill()
    other_writer.wait()
    assert indexed.index(folder).added == 6


def test_readers_in_threads_see_whole_states_while_a_writer_works(indexed, folder, encoder, monkeypatch):
    monkeypatch.setenv("MMSEARCH_INGEST_BATCH_FILES", "1")
    seen, stop = [], threading.Event()

    def read():
        with mmsearch.open("photos", home=indexed.folder.parent, model="hashing:64") as reader:
            while not stop.is_set():
                seen.append({os.path.basename(hit.path): hit.text for hit in reader.search("word", k=50)})

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        with mmsearch.open("photos", home=indexed.folder.parent, model=encoder) as writer:
            for round_ in range(3):
                for number in range(6):
                    write_text(folder / f"extra {number}.txt", f"word {number} of round {'i' * round_}")
                writer.index(folder)
            writer.rebuild()
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert len(seen) > 10
    assert all(FIRST.items() <= state.items() for state in seen)
    assert seen[-1]["extra 5.txt"] == "word 5 of round ii"
