"""How hard an index has to look: the least effort that finds what is wished, by queries whose nearest rows are known.

Queries should be made by texts: their vectors lie off those of pictures, and other pictures as queries would show a
recall that no user gets. Half of the queries choose, the other half tells what was reached, so that the number that
is shown was not chosen for being high.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from math import ceil

import numpy as np

from mmsearch.config import machine_memory_bytes
from mmsearch.threads import build_threads
from mmsearch.types import Vectors
from mmsearch.vectors.ann import timing
from mmsearch.vectors.ann.choose import memory_note
from mmsearch.vectors.ann.looks import DEEP, SHALLOW, Known, Look, Shares, least_depth
from mmsearch.vectors.faiss_index import FaissIndex
from mmsearch.vectors.inputs import check_queries
from mmsearch.vectors.plan import Effort, IndexDetails, IndexWishes, Measured

MOST_QUERIES = 300
_SEED = 4
# Codes err most where many rows are near one another: what does for the mean query finds half of the nearest there. To
# compare so many costs a tenth of a search.
_FEWEST_CANDIDATES = 200
_STEP = 2**0.5  # between two numbers of probes that are tried
_BROADEST = 4096  # of the search of a graph
_FIRST_SHARE, _FIRST_BREADTH = 1 / 64, 64  # of the cells; where the sweep begins
_TRIED = 4  # numbers of probes that are timed: with more of them fewer candidates will do
_PATIENCE_MS = 20.0  # more probes are not tried when a search takes longer, and longer than a quarter of a scan
_PATIENCE_SHARE = 0.25
_TOLERANCE = 0.005  # about the standard error of 150 queries


def tune(index: FaissIndex, queries: Vectors, source: str, wishes: IndexWishes) -> IndexDetails:
    """Find the fastest effort that finds what is wished, and measure it and the costs on this machine.

    Args:
        index: As it was built.
        queries: (m, d), unit rows, better 100 than 10; of more than 300 some are drawn.
        source: Where they came from, for the user.
        wishes: Of the user.

    Returns:
        Details of the index, with effort, costs, what was measured, and a note for the user if a wish is not met. Of
        an exact scan nothing is measured.

    Raises:
        ValueError: There are no queries, or their shape does not fit.
    """
    rows, structure = index.built_rows, index.structure
    if rows is None or structure is None:
        return index.details
    drawn = _drawn(check_queries(queries, SHALLOW, dim=index.dim))
    flat_ms = timing.scan_ms(rows, drawn)
    sweep = _Sweep(index, Known.find(rows, structure, drawn, threads=build_threads()), wishes.min_recall, flat_ms)
    effort = sweep.best()
    costs = timing.costs(rows, structure, sweep.judges, effort, flat_ms)
    details = replace(index.details, effort=effort, costs=costs)
    measured = sweep.measured(details, source)
    return replace(details, measured=measured, note=_note(details, measured, wishes, index))


def meets(details: IndexDetails, wishes: IndexWishes) -> bool:
    """Tell whether an index finds what is wished, as far as so few queries can tell; else try the next recipe.

    A latency above the wish is none of its business: what comes next in `choose.choose` finds more and is slower.
    """
    return details.measured is None or details.measured.recall >= wishes.min_recall - _TOLERANCE


def _drawn(queries: Vectors) -> Vectors:
    """Mix the queries, so that both halves are of all sources."""
    if not len(queries):
        raise ValueError("an index is tuned with at least one query")
    return queries[np.random.default_rng(_SEED).permutation(len(queries))[:MOST_QUERIES]]


def _note(details: IndexDetails, measured: Measured, wishes: IndexWishes, index: FaissIndex) -> str:
    notes = []
    if not meets(replace(details, measured=measured), wishes):
        found = f"At best it finds {measured.recall:.3f} of the nearest {SHALLOW}"
        notes.append(f"{found}, less than the {wishes.min_recall:g} that are wished.")
    if measured.latency_ms > wishes.max_latency_ms:
        notes.append(f"A search takes {measured.latency_ms:.2g} ms, more than the {wishes.max_latency_ms:g} ms wished.")
    recipe, memory = details.recipe, machine_memory_bytes()
    notes.append(memory_note(recipe, index.dim, len(index), wishes, memory_bytes=memory))
    return " ".join(filter(None, notes))


@dataclass(frozen=True)
class _Sweep:
    """Tries efforts, from few probes to many.

    Attributes:
        wanted: Share of the nearest that must be found.
        flat_ms: Time of a scan.
    """

    index: FaissIndex
    known: Known
    wanted: float
    flat_ms: float

    @property
    def judges(self) -> Vectors:
        """The queries (m, d) that did not choose."""
        return self.known.queries[self._half :]

    def best(self) -> Effort:
        """Return the fastest effort that finds enough, or else the one that finds most."""
        for sure, deep in ((True, True), (True, False), (False, False)):
            if enough := list(islice(self._enough(sure, deep), _TRIED)):
                return min(enough, key=lambda effort: timing.asking_ms(self.index, self._choosers, effort))
        return self._most()

    def measured(self, details: IndexDetails, source: str) -> Measured:
        """Measure details on the queries that did not choose."""
        return Measured(
            recall=self._recall(details.effort, SHALLOW),
            recall_100=self._recall(details.effort, DEEP),
            latency_ms=timing.latency_ms(self.index, self.judges, details),
            flat_ms=self.flat_ms,
            queries=len(self.judges),
            source=source,
        )

    @property
    def _choosers(self) -> Vectors:
        return self.known.queries[: max(self._half, 1)]

    @property
    def _half(self) -> int:
        return len(self.known.queries) // 2

    @property
    def _cells(self) -> int:
        return self.known.structure.cells

    @property
    def _ladder(self) -> list[int]:
        """The numbers of probes that may be tried, ascending."""
        most = self._cells or min(_BROADEST, max(len(self.known.rows), SHALLOW))
        least = 1 if self._cells else SHALLOW
        steps = ceil(np.log(most / least) / np.log(_STEP))
        return sorted({min(round(least * _STEP**step), most) for step in range(steps + 1)})

    def _enough(self, sure: bool, deep: bool) -> Iterator[Effort]:
        """Yield efforts that find enough, from the least probes on."""
        ladder = self._ladder
        first = self._first
        while first > 0 and self._effort(ladder[first - 1], sure, deep):
            first -= 1
        for look in self._looks(first):
            if effort := self._effort(look.probes, sure, deep):
                yield effort

    def _looks(self, first: int) -> Iterator[Look]:
        """Look ever harder, beginning somewhere on the ladder, as long as it is bearable."""
        for probes in self._ladder[first:]:
            look = self.known.look(probes)
            yield look
            if self._is_slow(look):
                return

    @property
    def _first(self) -> int:
        """Where on the ladder the sweep begins."""
        probes = self._cells * _FIRST_SHARE or _FIRST_BREADTH
        return min(int(np.searchsorted(self._ladder, probes)), len(self._ladder) - 1)

    def _is_slow(self, look: Look) -> bool:
        return look.ms > max(self.flat_ms * _PATIENCE_SHARE, _PATIENCE_MS)

    def _reached(self, shares: Shares) -> float:
        """Return which share of the nearest is among all candidates."""
        return float(self._chosen(shares)[:, -1].mean())

    def _effort(self, probes: int, sure: bool, deep: bool) -> Effort | None:
        """Return the least effort with so many probes that finds enough of the nearest 10, and 100 if `deep`."""
        look = self.known.look(probes)
        candidates = least_depth(self._chosen(look.shallow), self.wanted, sure=sure)
        if candidates is None:
            return None
        depth = self._deep_enough(look, sure)
        if depth is None and deep:
            return None
        return Effort(probes, max(candidates, _FEWEST_CANDIDATES), _factor(depth or self._deepest(look)))

    def _deep_enough(self, look: Look, sure: bool) -> int | None:
        """Return among how many candidates enough of the nearest 100 are."""
        if self._cells:
            return least_depth(self._chosen(look.deep), self.wanted, sure=sure)
        for breadth in self._ladder:  # a graph is searched as broadly as it must propose
            if breadth >= max(look.probes, DEEP):
                broad = self.known.look(breadth)
                if least_depth(self._chosen(broad.deep), self.wanted, sure=sure):
                    return breadth
                if self._is_slow(broad):
                    break
        return None

    def _deepest(self, look: Look) -> int:
        """Return among how many candidates nearly all of the nearest 100 are that are proposed at all."""
        reached = self._chosen(look.deep).mean(axis=0)
        return int(np.flatnonzero(reached >= reached[-1] - _TOLERANCE)[0]) + 1

    def _most(self) -> Effort:
        """Return the effort that finds most, whatever it costs."""
        look = max(self._looks(self._first), key=lambda look: self._reached(look.shallow))
        reached = self._chosen(look.shallow).mean(axis=0)
        candidates = int(np.flatnonzero(reached >= reached[-1])[0]) + 1
        return Effort(look.probes, max(candidates, _FEWEST_CANDIDATES), _factor(self._deepest(look)))

    def _chosen(self, shares: Shares) -> Shares:
        return shares[: max(self._half, 1)]

    def _recall(self, effort: Effort, k: int) -> float:
        return float(self.known.found(effort, k)[self._half :].mean())


def _factor(depth: int) -> float:
    """Return how many candidates there must be for each of the nearest that are asked for."""
    return max(ceil(10 * depth / DEEP) / 10, 1.0)
