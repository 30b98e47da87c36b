"""What the ways to find rows cost on this machine, in this index: medians, so that a busy moment counts for little."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from statistics import median
from time import perf_counter
from typing import TypeVar

import numpy as np

from mmsearch.types import Vectors
from mmsearch.vectors.ann.rows import MappedRows
from mmsearch.vectors.ann.structure import Structure
from mmsearch.vectors.faiss_index import FaissIndex
from mmsearch.vectors.plan import Costs, Effort, IndexDetails
from mmsearch.vectors.ranking import Scores

Input = TypeVar("Input")

# So that the structure is asked whatever the rows would cost.
_ALWAYS_ASK = Costs(gather_ns=1.0, scan_ns=1e9, structure_ns=0.0, structure_start_us=0.0)
_K = 10
_SINGLE_SEARCHES = 60
_SCANS = 5
_FETCHED_ROWS = 8192
_MUCH_HARDER = 4  # times as many probes: the difference shows what a row costs that the structure compares
_SEED = 5


def latency_ms(index: FaissIndex, queries: Vectors, details: IndexDetails) -> float:
    """Return the median time of a search of 10 by one of the queries (m, d), with some details."""
    searcher = index.with_details(details)
    return _median_ms(lambda query: searcher.search(query, _K), _one_by_one(queries, _SINGLE_SEARCHES))


def asking_ms(index: FaissIndex, queries: Vectors, effort: Effort) -> float:
    """Return the same of a search that asks the structure."""
    return latency_ms(index, queries, replace(index.details, effort=effort, costs=_ALWAYS_ASK))


def scan_ms(rows: MappedRows, queries: Vectors) -> float:
    """Return the median time of a scan of all rows."""
    return _median_ms(lambda query: rows.scan(query, min(_K, len(rows))), _one_by_one(queries, _SCANS))


def costs(rows: MappedRows, structure: Structure, queries: Vectors, effort: Effort, flat_ms: float) -> Costs:
    """Measure what fetching, scanning and asking cost.

    Args:
        rows: Of the index.
        structure: Of the index.
        queries: (m, d).
        effort: With which it is asked.
        flat_ms: Time of a scan.
    """
    few = min(effort.probes, structure.cells // _MUCH_HARDER or effort.probes)
    many = _MUCH_HARDER * few
    few_ms, many_ms = (_proposing_ms(structure, queries, effort.depth(_K), probes) for probes in (few, many))
    each = len(rows) / structure.cells if structure.cells else 1.0  # a graph counts steps
    structure_ns = max(1e6 * (many_ms - few_ms) / ((many - few) * each), 0.01)
    start_us = max(1e3 * few_ms - 1e-3 * structure_ns * few * each, 1.0)
    return Costs(
        gather_ns=_gather_ns(rows, queries[0]),
        scan_ns=1e6 * flat_ms / len(rows),
        structure_ns=structure_ns,
        structure_start_us=start_us,
    )


def _proposing_ms(structure: Structure, queries: Vectors, depth: int, probes: int) -> float:
    return _median_ms(lambda query: structure.propose(query, depth, probes), _one_by_one(queries, _SINGLE_SEARCHES))


def _gather_ns(rows: MappedRows, query: Scores) -> float:
    """Return the time to fetch and compare one of many rows from all over the index."""
    random = np.random.default_rng(_SEED)
    count = min(_FETCHED_ROWS, len(rows))
    lists = (np.sort(random.choice(len(rows), count, replace=False)) for _ in range(_SCANS))
    return 1e6 * _median_ms(lambda places: rows.take(places) @ query, lists) / count


def _one_by_one(queries: Vectors, count: int) -> Iterable[Vectors]:
    return (queries[number % len(queries), np.newaxis] for number in range(count))


def _median_ms(work: Callable[[Input], object], inputs: Iterable[Input]) -> float:
    times = []
    for each in inputs:
        start = perf_counter()
        work(each)
        times.append(perf_counter() - start)
    return 1e3 * median(times)
