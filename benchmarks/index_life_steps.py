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
from mmsearch.ingest.publish import publish
from mmsearch.types import Block, Vectors
from mmsearch.vectors.store import VectorStore

NAME = "default"
SEARCH: dict[str, Any] = {"mode": "vector", "rerank": False}

_COLD = """
import time
begun = time.perf_counter()
import json, sys, numpy, mmsearch
imported = time.perf_counter()
vector = numpy.load(sys.argv[2])
collection = mmsearch.open(sys.argv[3], home=sys.argv[1])
opened = time.perf_counter()
hits = collection.search(vector=vector, mode="vector", rerank=False)
answered = time.perf_counter()
again = collection.search(vector=vector, mode="vector", rerank=False)
ended = time.perf_counter()
assert len(hits) == 10
inside = {"import mmsearch": imported - begun, "open": opened - imported, "first search": answered - opened}
inside |= {f"  its stage {stage!r}": spent / 1000 for stage, spent in hits.profile.items()}
print(json.dumps(inside | {"second search": ended - answered}))
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


def cold_starts(home: Path, vector: Path, runs: int) -> dict[str, float]:
    """Open and answer a query by vector in new processes; seconds of each part, medians."""
    parts: list[dict[str, float]] = []
    for _ in range(runs):
        begun = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", _COLD, str(home), str(vector), NAME], check=True, capture_output=True, text=True
        )
        parts.append({"whole process": time.perf_counter() - begun, **json.loads(done.stdout)})
    return {name: float(np.median([each.get(name, 0.0) for each in parts])) for name in parts[0]}


def cold_commands(home: Path, text: str, options: list[str], runs: int) -> npt.NDArray[np.float64]:
    """Run `mmsearch search` so many times; seconds of each whole process, sorted."""
    command = [str(Path(sys.executable).parent / "mmsearch"), "--home", str(home), "search", text, "--json", *options]
    return np.sort([_seconds(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(runs)])


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


def build(home: Path) -> Cost:
    """Make an index of a new collection."""

    def change(collection: mmsearch.Collection) -> None:
        _publish(collection)
        collection.optimize()

    return _cost(home, change)


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
        publish(shelves.catalog, shelves.store, shelves.tokens, shelves.generations)


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


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _seconds(step: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    step()
    return time.perf_counter() - begun
