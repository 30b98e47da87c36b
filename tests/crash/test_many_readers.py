"""Processes and threads that search while one process adds, removes, publishes and folds: each answer is right."""

import os
import random
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from made_vectors import PER_FILE, path_of, put

import mmsearch
from mmsearch.ingest import due
from mmsearch.vectors.plan import IndexDetails, Measured, Recipe

FLAT_BELOW = 30 * PER_FILE
LEAST_FILES, MOST_FILES = 20, 60


@pytest.fixture
def sizes(monkeypatch):
    """The policy in small, so that a few files change the index: it becomes cells, is folded, and flat again."""
    monkeypatch.setattr(due, "FLAT_CHANGES", 2 * PER_FILE)
    monkeypatch.setattr(due, "FLAT_SHARE", 0)
    monkeypatch.setattr(due, "FOLD_TAIL", 3 * PER_FILE)

    def choose(count, dim, wishes, *, memory_bytes):
        return (Recipe("ivf-flat", "IVF8,Flat") if count >= FLAT_BELOW else Recipe("flat"),)

    def tune(index, queries, source, wishes):
        return IndexDetails(index.details.recipe, measured=Measured(1, 1, 1, 1, 1, source))

    monkeypatch.setattr("mmsearch.vectors.ann.choose.choose", choose)
    monkeypatch.setattr("mmsearch.vectors.ann.tune.tune", tune)


class Writer:
    """Adds and removes files, and says so in the log."""

    def __init__(self, collection, log):
        self.collection, self.log, self.random = collection, log, random.Random(5)
        self.there, self.next, self.kinds = [], 0, set()

    def note(self, state, numbers):
        with self.log.open("a") as file:
            file.writelines(f"{state} {number}\n" for number in numbers)

    def add(self, count):
        for number in range(self.next, self.next + count):
            self.note("adding", [number])
            put(self.collection, PER_FILE, first=number)
            self.note("added", [number])
            self.there.append(number)
        self.next += count

    def remove(self, count):
        gone = [self.there.pop(self.random.randrange(len(self.there))) for _ in range(count)]
        self.note("removing", gone)
        self.collection.remove(*map(path_of, gone))  # and publishes or folds, if that is due
        self.note("removed", gone)

    def work_until(self, end):
        growing = True
        while time.monotonic() < end:
            growing = len(self.there) < MOST_FILES if growing else len(self.there) < LEAST_FILES
            self.add(4 if growing else 1)
            self.remove(1 if growing else 5)
            if self.random.random() < 0.2:
                self.collection.optimize(force=self.random.random() < 0.3)
            if self.random.random() < 0.05:
                self.collection.rebuild()
            generation = self.collection._storage.reading().catalog.generation()
            self.kinds.add((generation.kind, generation.number))


@contextmanager
def readers(home, log, processes, threads):
    script = Path(__file__).parent / "reading_process.py"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    running = [
        subprocess.Popen(
            [sys.executable, script, home, log, str(seed), str(threads)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in range(processes)
    ]
    try:
        assert [each.stdout.readline() for each in running] == ["ready\n"] * processes
        yield running
    finally:
        (log.parent / "stop").touch()
        for each in running:
            each.wait(60)


def check(home, encoder, folder, *, seconds, processes, threads):
    log = folder / "log"
    (folder / "note.txt").write_text("a note")
    with mmsearch.open("photos", home=home, model=encoder) as collection:
        collection.index(folder / "note.txt")
        collection.remove(folder / "note.txt")
        writer = Writer(collection, log)
        writer.add(25)
        with readers(home, log, processes, threads) as running:
            writer.work_until(time.monotonic() + seconds)
        ended = [(each.returncode, *each.communicate()) for each in running]
        assert [(code, errors) for code, _, errors in ended] == [(0, "")] * processes
        assert min(int(searches) for _, searches, _ in ended) >= 10
        assert collection.verify() == []
        hits = collection.search(vector=[1.0] * 64, k=1000)
        assert {hit.path for hit in hits} == {path_of(number) for number in writer.there}
    return {kind for kind, _ in writer.kinds}, len(writer.kinds)


@pytest.mark.usefixtures("sizes")
def test_each_answer_is_of_a_committed_state(home, encoder, folder):
    kinds, generations = check(home, encoder, folder, seconds=5, processes=2, threads=2)
    assert "ivf-flat" in kinds
    assert generations >= 4


@pytest.mark.slow
@pytest.mark.usefixtures("sizes")
def test_each_answer_is_of_a_committed_state_for_long(home, encoder, folder):
    kinds, generations = check(home, encoder, folder, seconds=90, processes=3, threads=3)
    assert kinds == {"flat", "ivf-flat"}
    assert generations >= 30
