"""What is timed of a large collection, each in a process of its own: opening, changing, and a reader meanwhile."""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

import mmsearch
from benchmarks.index_life_set import commit, path_of
from mmsearch.types import Block, Vectors
from mmsearch.vectors.store import VectorStore

NAME = "default"
Spent = tuple[float, float | None]
"""Milliseconds by the clock on the wall, and of CPU if that is known."""
SEARCH: dict[str, Any] = {"mode": "vector", "rerank": False}

_COLD = """
import time

def now():
    return 1000 * time.perf_counter(), 1000 * time.process_time()

ticks = [now()]
import json, sys, numpy, mmsearch
ticks.append(now())
vector = numpy.load(sys.argv[2])
collection = mmsearch.open(sys.argv[3], home=sys.argv[1])
ticks.append(now())
hits = collection.search(vector=vector, mode="vector", rerank=False)
ticks.append(now())
collection.search(vector=vector, mode="vector", rerank=False)
ticks.append(now())
assert len(hits) == 10
parts = zip(("import mmsearch", "open", "first search", "second search"), ticks, ticks[1:])
spent = {name: (end[0] - begun[0], end[1] - begun[1]) for name, begun, end in parts}
print(json.dumps([spent, hits.profile]))
"""


@dataclass(frozen=True)
class Cost:
    """What a change took.

    Attributes:
        seconds: By the clock on the wall, the start of Python not included.
        cpu_s: Of all threads.
        rows_read: Of the stored vectors.
        bytes_written: To files, SQLite's included.
        index: Kind and number of the generation that was in use afterwards.
    """

    seconds: float
    cpu_s: float
    rows_read: int
    bytes_written: int
    index: str


def cold_starts(home: Path, vector: Path, runs: int) -> dict[str, Spent]:
    """Open and answer a query by vector in new processes: what each part takes, medians."""
    command = [sys.executable, "-c", _COLD, str(home), str(vector), NAME]
    parts = [_cold_start(command) for _ in range(runs)]
    return {name: _median([each.get(name, (0.0, None)) for each in parts]) for name in parts[0]}


def _cold_start(command: list[str]) -> dict[str, Spent]:
    printed, whole = _run(command)
    spent, stages = json.loads(printed)
    within = {f"first search, stage {stage!r}": (milliseconds, None) for stage, milliseconds in stages.items()}
    return {"whole process": whole, **{name: (wall, cpu) for name, (wall, cpu) in spent.items()}, **within}


def _run(command: list[str]) -> tuple[str, Spent]:
    """Run a program; return what it prints, and what the whole process took."""
    before, begun = _cpu_s(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    wall, cpu = time.perf_counter() - begun, _cpu_s(resource.RUSAGE_CHILDREN) - before
    return done.stdout, (1000 * wall, 1000 * cpu)


def _median(spent: list[Spent]) -> Spent:
    walls, cpus = [wall for wall, _ in spent], [cpu for _, cpu in spent if cpu is not None]
    return float(np.median(walls)), float(np.median(cpus)) if cpus else None


def cold_commands(home: Path, text: str, options: list[str], runs: int) -> Spent:
    """Run `mmsearch search` so many times: what the whole process takes, medians."""
    command = [str(Path(sys.executable).parent / "mmsearch"), "--home", str(home), "search", text, "--json", *options]
    return _median([_run(command)[1] for _ in range(runs)])


def filtered(home: Path, vector: Vectors, where: str) -> tuple[float, float, int]:
    """Search with a filter in a process that has searched without: milliseconds at first and repeated, and results."""
    with mmsearch.open(NAME, home=home) as collection:
        collection.search(vector=vector, **SEARCH)
        spent, found = [], 0
        for _ in range(11):
            begun = time.perf_counter()
            found = len(collection.search(vector=vector, where=where, **SEARCH))
            spent.append(1000 * (time.perf_counter() - begun))
        return spent[0], float(np.median(spent[1:])), found


def build(home: Path, kind: str) -> Cost:
    """Make an index of a new collection."""
    return _cost(home, lambda collection: collection.optimize(asked=kind))


def add(home: Path, rows: Vectors, first: int) -> Cost:
    """Commit files and look after the index, as `mmsearch index` does once it has embedded them."""

    def change(collection: mmsearch.Collection) -> None:
        commit(collection, rows, first)
        _publish(collection)

    return _cost(home, change)


def remove(home: Path, first: int, count: int) -> Cost:
    """Forget files."""
    paths = [path_of(number) for number in range(first, first + count)]
    return _cost(home, lambda collection: collection.remove(*paths))


def merge(home: Path) -> Cost:
    """Fold what came since into the index, if so much came that it is due."""
    return _cost(home, lambda collection: collection.optimize())


class CountingStore(VectorStore):
    """Stored vectors that count what is read of them, in all of the process."""

    rows_read = 0

    def read(self, block: Block) -> Vectors:
        """Count, and read."""
        CountingStore.rows_read += block.rows
        return super().read(block)

    def rows(self, file: int, count: int) -> Vectors:
        """Count, and read."""
        CountingStore.rows_read += count
        return super().rows(file, count)

    def gather(self, files: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]) -> Vectors:
        """Count, and read."""
        CountingStore.rows_read += len(rows)
        return super().gather(files, rows)


@contextmanager
def reader(home: Path) -> Iterator[Callable[[Vectors], tuple[float, str]]]:
    """Keep a process with the collection open, which has searched already.

    Yields:
        A function that lets it search by a vector (1, d): milliseconds, and the path that came first.
    """
    here, there = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_answer, args=(home, there), daemon=True)
    process.start()

    def ask(vector: Vectors) -> tuple[float, str]:
        here.send(vector)
        answer: tuple[float, str] = here.recv()
        return answer

    try:
        yield ask
    finally:
        here.send(None)
        process.join()


def sizes(home: Path) -> dict[str, int]:
    """Return the bytes of each part on disk."""
    folder = home / NAME
    found: dict[str, int] = {}
    for path in folder.rglob("*"):
        if path.is_file():
            part = next((each for each in ("vectors", "generations", "tokens") if each in path.parts), "catalog")
            found[part] = found.get(part, 0) + path.stat().st_size
    return found


def _answer(home: Path, connection: Connection) -> None:
    with mmsearch.open(NAME, home=home) as collection:
        while (vector := connection.recv()) is not None:
            begun = time.perf_counter()
            best = collection.search(vector=vector, k=1, **SEARCH)
            connection.send((1000 * (time.perf_counter() - begun), best[0].path))


def _publish(collection: mmsearch.Collection) -> None:
    with collection._storage.writing() as shelves:
        collection._publish(shelves)


def _cost(home: Path, change: Callable[[mmsearch.Collection], Any]) -> Cost:
    written, cpu = _bytes_written(), _cpu_s()
    with patch("mmsearch.storage.VectorStore", CountingStore), mmsearch.open(NAME, home=home) as collection:
        seconds = _seconds(lambda: change(collection))
        newest = collection._storage.reading().catalog.generation()
    index = f"{newest.kind} {newest.number}" if newest else "none"
    return Cost(seconds, _cpu_s() - cpu, CountingStore.rows_read, _bytes_written() - written, index)


def _bytes_written() -> int:
    counts = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(counts["wchar"])


def _cpu_s(whose: int = resource.RUSAGE_SELF) -> float:
    used = resource.getrusage(whose)
    return used.ru_utime + used.ru_stime


def _seconds(step: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    step()
    return time.perf_counter() - begun
