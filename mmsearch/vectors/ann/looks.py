"""What a structure proposes for queries whose nearest rows are known: how deep one must read to have found enough.

One batch of searches at one number of probes tells the recall at every number of candidates, since what is proposed is
compared exactly afterwards: a near row is found if it is among the candidates.
"""

from dataclasses import dataclass, field
from time import perf_counter
from typing import Self

import numpy as np
import numpy.typing as npt

from mmsearch.types import Vectors
from mmsearch.vectors.ann.rows import MappedRows
from mmsearch.vectors.ann.structure import Structure
from mmsearch.vectors.ann.truth import nearest
from mmsearch.vectors.plan import Effort
from mmsearch.vectors.ranking import Positions, Scores, rounding_slack

Shares = npt.NDArray[np.float32]  # (m, depth) share of the nearest k of a query among so many candidates
SHALLOW, DEEP = 10, 100  # how many of the nearest must be found
MOST_CANDIDATES = 2000  # fetching them costs as much as looking into a hundred cells of a thousand rows
_SURE = 2.0  # standard errors


@dataclass(frozen=True, slots=True)
class Look:
    """What was proposed with so many probes.

    Attributes:
        shallow: Shares of the nearest 10.
        deep: Shares of the nearest 100.
        ms: Time of one query among many.
    """

    probes: int
    shallow: Shares
    deep: Shares
    ms: float

    @property
    def depth(self) -> int:
        """How many candidates were proposed."""
        return int(self.shallow.shape[1])


@dataclass(frozen=True, eq=False)
class Known:
    """Queries (m, d) and the scores (m, 100) of the rows that are nearest to them.

    Rows with the score of the last one that counts are as good: of copies any will do.
    """

    rows: MappedRows
    structure: Structure
    queries: Vectors
    scores: Scores
    _looks: dict[int, Look] = field(default_factory=dict)

    @classmethod
    def find(cls, rows: MappedRows, structure: Structure, queries: Vectors, *, threads: int) -> Self:
        """Find out what is nearest to unit rows (m, d)."""
        scores, _ = nearest(rows, queries, min(DEEP, len(rows)), threads=threads)
        return cls(rows, structure, queries, scores)

    def look(self, probes: int) -> Look:
        """Let the structure propose, or remember what it did."""
        if probes not in self._looks:
            self._looks[probes] = self._look(probes)
        return self._looks[probes]

    def found(self, effort: Effort, k: int) -> Shares:
        """Return which share of its nearest k a search with some effort finds for each query (m,).

        A search to which fewer rows are proposed than it asked for compares all, and finds all.
        """
        _, places = self.structure.propose(self.queries, min(effort.depth(k), len(self.rows)), effort.probes)
        shares = self._shares(self._scored(places), k)[:, -1]
        return np.where((places >= 0).all(axis=1), shares, np.float32(1))

    def depth(self, probes: int) -> int:
        """Return how many candidates so many probes can give: a graph gives as many as its search is broad."""
        return min(MOST_CANDIDATES if self.structure.cells else probes, len(self.rows))

    def _look(self, probes: int) -> Look:
        start = perf_counter()
        _, places = self.structure.propose(self.queries, self.depth(probes), probes)
        ms = 1e3 * (perf_counter() - start) / len(self.queries)
        scores = self._scored(places)
        return Look(probes, self._shares(scores, SHALLOW), self._shares(scores, DEEP), ms)

    def _scored(self, places: Positions) -> Scores:
        """Return the exact scores (m, depth) of the rows at some places."""
        scores: Scores = np.full(places.shape, -np.inf, dtype=np.float32)
        for query, its, at in zip(self.queries, scores, places, strict=True):
            its[at >= 0] = self.rows.take(at[at >= 0]) @ query
        return scores

    def _shares(self, scores: Scores, k: int) -> Shares:
        k = min(k, self.scores.shape[1])
        enough = self.scores[:, k - 1, np.newaxis] - rounding_slack(self.rows.dim)
        found = np.cumsum(scores >= enough, axis=1)
        return np.minimum(found / np.float32(k), 1, dtype=np.float32)


def least_depth(shares: Shares, wanted: float, *, sure: bool) -> int | None:
    """Return the least number of candidates among which the wanted share is, on average; None if there is none.

    Args:
        shares: (m, depth) of some queries.
        wanted: The share.
        sure: It must be exceeded by two standard errors, so that other queries likely find as much.
    """
    means = shares.mean(axis=0)
    if sure:
        means = means - _SURE * shares.std(axis=0) / np.sqrt(len(shares))
    good = np.flatnonzero(means >= wanted)
    return int(good[0]) + 1 if len(good) else None
