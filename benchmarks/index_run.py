"""The steps of one engine's measurement, each in a new process, so that none finds what another left in memory."""

import resource
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

import numpy as np

from benchmarks.index_engines import Engine, Opened, Search
from benchmarks.index_measures import Spread, allowed_ids, milliseconds, nearest, recall, time_beside
from benchmarks.index_set import QUERIES, K, VectorSet
from mmsearch.types import Ids, Vectors

SHARES = (0.5, 0.1, 0.01, 0.001, 0.0001)
BATCH = 300
_LIMIT_S = 6.0  # of CPU time for the single queries of one effort or filter
_RECALL_LIMIT_S = 20.0
_RECALL_QUERIES = 50  # at once
_FILTERED_QUERIES = 100
_SEED = 5
Given = ParamSpec("Given")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Made:
    """What building took.

    Attributes:
        what: Was built.
        seconds: By the clock on the wall, tuning included.
        cpu_s: Of all threads, tuning included.
        tuning_cpu_s: Of this for tuning.
        bytes_a_vector: Of the files.
    """

    what: str
    seconds: float
    cpu_s: float
    tuning_cpu_s: float
    bytes_a_vector: float


@dataclass(frozen=True)
class Opening:
    """Milliseconds of a new process, the files being in the system's memory already."""

    imports_ms: float
    load_ms: float
    first_query_ms: float


@dataclass(frozen=True)
class Point:
    """One effort.

    Attributes:
        effort: As the engine names it.
        recall: Queries of a kind -> share of their true nearest K that was found.
        median_ms: Of single queries by text.
        late_ms: The 95th percentile.
        scan_ms: Of FAISS's scan of float32 in memory, timed in between.
        faster: How many times as fast as that.
        batch_qps: Queries a second if so many are asked at once.
        batch_faster: The same ratio for them.
    """

    effort: str
    recall: dict[str, float]
    median_ms: float
    late_ms: float
    scan_ms: float
    faster: float
    batch_qps: float
    batch_faster: float


@dataclass(frozen=True)
class Filtered:
    """One filter, asked by text.

    Attributes:
        share: Of all vectors that it lets through.
        spread: How these lie.
        effort: As the engine names it.
        recall: Against a scan of those that may be found.
        complete: Share of queries with as many results as there can be.
        leaks: Results that the filter forbids.
        median_ms: The filter being new to the engine each time.
        late_ms: The 95th percentile of that.
        again_ms: Median, the filter having been asked before.
        faster: How many times as fast, being new, as an unfiltered scan of FAISS.
    """

    share: float
    spread: Spread
    effort: str
    recall: float
    complete: float
    leaks: int
    median_ms: float
    late_ms: float
    again_ms: float
    faster: float


@dataclass(frozen=True)
class Measurement:
    """All of one engine."""

    engine: str
    made: Made
    opening: Opening
    points: tuple[Point, ...]
    filtered: tuple[Filtered, ...]


def in_new_process(step: Callable[Given, Result], *args: Given.args, **options: Given.kwargs) -> Result:
    """Call a function in a process that is started for it."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(step, *args, **options).result()


def measure(
    engine: Engine, data: VectorSet, folder: Path, threads: int, *, wanted: float, filters: bool
) -> Measurement:
    """Build, open and ask an engine.

    Args:
        engine: Which.
        data: What to build it from.
        folder: An empty one, to build it in.
        threads: To build with. Queries are asked by one.
        wanted: Recall that filters are measured at.
        filters: Measure them.
    """
    made = in_new_process(make, engine, data, folder, threads)
    opening = in_new_process(time_opening, engine, data, folder)
    points = in_new_process(ask_all, engine, data, folder)
    filtered = in_new_process(ask_filtered, engine, data, folder, effort_for(points, wanted)) if filters else ()
    return Measurement(engine.name, made, opening, points, filtered)


def make(engine: Engine, data: VectorSet, folder: Path, threads: int) -> Made:
    """Build it into an empty folder, and tune."""
    begun, cpu = time.perf_counter(), _cpu_s()
    what = engine.build(data, folder, threads)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    built = _cpu_s()
    what = " ".join(filter(None, (what, engine.tune(data, folder))))
    return Made(what, time.perf_counter() - begun, _cpu_s() - cpu, _cpu_s() - built, size / len(data))


def time_opening(engine: Engine, data: VectorSet, folder: Path) -> Opening:
    """Open it twice in a process: the second time nothing has to be imported any more."""
    query = data.queries("texts")[:1]
    begun = time.perf_counter()
    opened = engine.open(folder, data.dim)
    opened.search(opened.efforts[-1])(query, K)
    first = time.perf_counter()
    del opened
    again = time.perf_counter()
    opened = engine.open(folder, data.dim)
    search = opened.search(opened.efforts[-1])
    loaded = time.perf_counter()
    search(query, K)
    done = time.perf_counter()
    return Opening(*(1000 * seconds for seconds in (first - begun - (done - again), loaded - again, done - loaded)))


def ask_all(engine: Engine, data: VectorSet, folder: Path) -> tuple[Point, ...]:
    """Ask all queries at each effort."""
    opened, scan = engine.open(folder, data.dim), scan_of(data)
    return tuple(_point(opened.search(effort), effort, data, scan) for effort in opened.efforts)


def ask_filtered(engine: Engine, data: VectorSet, folder: Path, effort: str) -> tuple[Filtered, ...]:
    """Ask some queries by text with each filter."""
    opened, scan = engine.open(folder, data.dim), scan_of(data)
    return tuple(
        _filtered(opened, effort, data, scan, share, spread) for spread in ("random", "clusters") for share in SHARES
    )


def scan_of(data: VectorSet) -> Search:
    """Return what all is compared with: FAISS's scan of all rows in memory, its BLAS set as mmsearch sets it."""
    import faiss

    from mmsearch.threads import searching

    index = faiss.IndexFlatIP(data.dim)
    index.add(np.array(data.rows))

    def search(queries: Vectors, k: int) -> Ids:
        with searching(faiss, data.dim):
            places: Ids = index.search(queries, k)[1]
        return places

    return search


def effort_for(points: Sequence[Point], wanted: float) -> str:
    """Return the least effort that was made or tuned for a recall, or the greatest there is."""
    reaching = (point for point in points if point.recall["texts"] >= wanted)
    tuned = (point for point in points if point.effort.startswith(f"{wanted:g} "))
    return next(tuned, next(reaching, points[-1])).effort


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _point(search: Search, effort: str, data: VectorSet, scan: Search) -> Point:
    ask, compare = (lambda queries: search(queries, K)), (lambda queries: scan(queries, K))
    texts = data.queries("texts")
    timed = time_beside(ask, compare, texts[:BATCH], _LIMIT_S)
    batch = np.resize(texts, (BATCH, data.dim))
    compared, ours = milliseconds(compare, batch), milliseconds(ask, batch)
    compared = (compared + milliseconds(compare, batch)) / 2
    recalls: dict[str, float] = {kind: _recall(ask, data.queries(kind), data.truth(kind)) for kind in QUERIES}
    return Point(
        effort,
        recalls,
        median_ms=timed.median,
        late_ms=timed.late,
        scan_ms=timed.scan,
        faster=timed.faster,
        batch_qps=1000 * BATCH / ours,
        batch_faster=compared / ours,
    )


def _recall(ask: Callable[[Vectors], Ids], queries: Vectors, truth: Ids) -> float:
    """Ask as many queries as there is time for."""
    found: list[Ids] = []
    begun = time.process_time()
    for start in range(0, len(queries), _RECALL_QUERIES):
        found.append(ask(queries[start : start + _RECALL_QUERIES]))
        if time.process_time() - begun > _RECALL_LIMIT_S:
            break
    places = np.concatenate(found)
    return recall(places, truth[: len(places)])


def _filtered(opened: Opened, effort: str, data: VectorSet, scan: Search, share: float, spread: Spread) -> Filtered:
    allowed = allowed_ids(data.clusters, share, spread, _SEED)
    queries = data.queries("texts")[:_FILTERED_QUERIES]
    anew = opened.search_among(effort, allowed, again=False)
    again = opened.search_among(effort, allowed, again=True)
    timed = time_beside(lambda asked: anew(asked, K), lambda asked: scan(asked, K), queries, _LIMIT_S)
    repeated = time_beside(lambda asked: again(asked, K), lambda asked: scan(asked, K), queries, _LIMIT_S)
    asked = queries[: len(timed.each)]  # those that there was time for
    found = np.concatenate([anew(query[np.newaxis], K) for query in asked])
    truth = nearest(data.rows, asked, K, allowed)
    return Filtered(
        share,
        spread,
        effort,
        recall(found, truth),
        complete=float(((found >= 0).sum(axis=1) >= truth.shape[1]).mean()),
        leaks=int(np.count_nonzero(~np.isin(found[found >= 0], allowed))),
        median_ms=timed.median,
        late_ms=timed.late,
        again_ms=repeated.median,
        faster=timed.faster,
    )
