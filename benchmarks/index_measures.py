"""How indexes are judged: exact neighbours, recall, sets to filter by, times beside those of a scan."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from benchmarks.index_data import Clusters
from mmsearch.types import Ids, Vectors

Milliseconds = npt.NDArray[np.float64]
Spread = Literal["random", "clusters"]
_BLOCK_ROWS = 16_384
_ROUNDS = 5
_SCANS_A_ROUND = 3
_WARMING = 3  # queries whose time does not count, because the scan before has pushed all else out of the caches


def nearest(rows: Vectors, queries: Vectors, k: int, among: Ids | None = None) -> Ids:
    """Return the places (m, k) in rows (n, d) that are nearest to queries (m, d), among some (a,) if given.

    Fewer than k if there are fewer.
    """
    best = np.empty((len(queries), 0), dtype=np.float32)
    places = np.empty((len(queries), 0), dtype=np.int64)
    count = len(rows) if among is None else len(among)
    for start in range(0, count, _BLOCK_ROWS):
        stop = min(start + _BLOCK_ROWS, count)
        here = np.arange(start, stop) if among is None else among[start:stop]
        scores = queries @ (rows[start:stop] if among is None else rows[here]).T
        few = np.argpartition(-scores, min(k, len(here)) - 1, axis=1)[:, :k]
        best = np.hstack([best, np.take_along_axis(scores, few, axis=1)])
        places = np.hstack([places, here[few]])
        order = np.argsort(-best, axis=1, kind="stable")[:, :k]
        best, places = np.take_along_axis(best, order, axis=1), np.take_along_axis(places, order, axis=1)
    return places


def recall(found: Ids, truth: Ids) -> float:
    """Return which share of the true neighbours (m, t) was found (m, k), -1 for nothing; the mean over queries."""
    if not truth.size:
        return 1.0
    return float((truth[:, :, np.newaxis] == found[:, np.newaxis, :]).any(axis=2).mean())


def allowed_ids(clusters: Clusters, share: float, spread: Spread, seed: int) -> Ids:
    """Draw a share of all places (n,), sorted: at random, or cluster by cluster, as all pictures of some events."""
    random = np.random.default_rng(seed)
    wanted = max(1, round(share * len(clusters)))
    if spread == "random":
        return np.sort(random.choice(len(clusters), wanted, replace=False))
    turn = random.permutation(int(clusters.max()) + 1)
    return np.sort(np.argsort(turn[clusters], kind="stable")[:wanted])


def on_front(points: Sequence[tuple[float, float]]) -> list[bool]:
    """Say of each (recall, speed) whether no other is better in one of the two and as good in the other."""
    return [
        not any(other != mine and other[0] >= mine[0] and other[1] >= mine[1] for other in points) for mine in points
    ]


@dataclass(frozen=True)
class Timed:
    """Milliseconds of single queries, and how many times as long a scan of all takes that was timed in between.

    Attributes:
        scan: Milliseconds of that scan, median.
    """

    each: Milliseconds
    faster: float
    scan: float

    @property
    def median(self) -> float:
        """Milliseconds."""
        return float(np.median(self.each))

    @property
    def late(self) -> float:
        """Milliseconds, 95th percentile."""
        return float(np.percentile(self.each, 95))


def time_beside(
    ask: Callable[[Vectors], Any], scan: Callable[[Vectors], Any], queries: Vectors, limit_s: float
) -> Timed:
    """Time single queries (m, d), in rounds that each begin with a few scans, since machines are noisy.

    Args:
        ask: What is timed.
        scan: What it is compared with; the ratio is the median of the rounds'.
        queries: Fewer are asked if they take longer than the limit.
        limit_s: For `ask`, of CPU time.
    """
    each: list[float] = []
    ratios: list[float] = []
    all_scans: list[float] = []
    for batch in np.array_split(queries, min(_ROUNDS, len(queries))):
        scans = [milliseconds(scan, batch[i % len(batch)][np.newaxis]) for i in range(_SCANS_A_ROUND)]
        for query in batch[:_WARMING]:
            ask(query[np.newaxis])
        mine: list[float] = []
        for query in batch:
            mine.append(milliseconds(ask, query[np.newaxis]))
            if sum(mine) > 1000 * limit_s / _ROUNDS:
                break
        each += mine
        all_scans += scans
        ratios.append(float(np.median(scans) / np.median(mine)))
    return Timed(np.array(each), float(np.median(ratios)), float(np.median(all_scans)))


def milliseconds(ask: Callable[[Vectors], Any], queries: Vectors) -> float:
    """CPU time of this process, all its threads: of one thread that is what it takes on a machine that is idle."""
    begun = time.process_time()
    ask(queries)
    return 1000 * (time.process_time() - begun)
