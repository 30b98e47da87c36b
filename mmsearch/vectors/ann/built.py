"""The part of an index that was built and never changes: sorted ids, mapped rows, and what proposes where to look.

Every score comes from the rows. They are found in one of three ways, whichever costs least by what was measured when
the index was built: fetch the rows that may be found and compare each (few may), ask the structure and compare what it
proposes, or compare all rows and skip those that may not be found.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np

from mmsearch.types import Candidates, Ids, Vectors
from mmsearch.vectors.ann.masking import propose_inside, serves
from mmsearch.vectors.ann.proposer import Proposer
from mmsearch.vectors.ann.rows import MappedRows
from mmsearch.vectors.ann.scope import Scope
from mmsearch.vectors.ann.structure import Structure
from mmsearch.vectors.plan import IndexDetails
from mmsearch.vectors.ranking import IndexDamaged, Positions, Scores, contenders, products, rank, rounding_slack

_BLOCK_ROWS = 8192  # fetched at once: 12 MB at 384 dimensions
_MARGIN = 32  # results fetched beyond k, to see whether the k-th one ties with others
_MOST_PROPOSED = 20_000  # of more, a scan is as fast
_MOST_GATHERED = 0.25  # beyond this share of all rows a scan that skips the others is as fast

Way = Literal["gather", "structure", "scan"]


@dataclass(frozen=True)
class Built:
    """What was built. Several threads may search.

    Attributes:
        ids: (n,), sorted, so that a row's place is its id's rank.
        rows: The rows (n, d) at these places.
        structure: None for a scan.
        proposer: What is asked instead of the structure, such as a GPU.
    """

    ids: Ids
    rows: MappedRows
    structure: Structure | None
    details: IndexDetails
    proposer: Proposer | None = None

    def search(self, queries: Vectors, k: int, scope: Scope) -> list[Candidates]:
        """Return the best k in the scope for each query (m, d), unit rows."""
        if not k or not scope.count:
            return [Candidates(self.ids[:0], np.empty(0, dtype=np.float32))] * len(queries)
        way = self.way(scope, k, len(queries))
        if way == "structure":
            return self._by_structure(queries, k, scope)
        return self._gathered(queries, k, scope) if way == "gather" else self._scanned(queries, k, scope)

    def way(self, scope: Scope, k: int, queries: int = 1) -> Way:
        """Choose how so many queries find the best k in a scope."""
        costs, everything = self.details.costs, len(self.ids)
        gather = scope.count * (costs.gather_ns + (queries - 1) * costs.scan_ns)
        scan = queries * everything * costs.scan_ns
        exact: Way = "gather" if scope.count <= _MOST_GATHERED * everything or k >= scope.count else "scan"
        depth = self.details.effort.depth(k)
        if depth > min(_MOST_PROPOSED, scope.count) or self._asked(scope, depth) is None:
            return exact
        return "structure" if self._asking_ns(scope, depth, queries) < min(gather, scan) else exact

    def _asking_ns(self, scope: Scope, depth: int, queries: int) -> float:
        """Estimate what asking the structure costs, in nanoseconds."""
        costs, cells = self.details.costs, self.structure.cells if self.structure else 0
        probes = self._probes(scope)
        compared = probes * len(self.ids) / cells if cells else probes
        return queries * (1e3 * costs.structure_start_us + compared * costs.structure_ns + depth * costs.gather_ns)

    def _probes(self, scope: Scope) -> int:
        """Look into so many more cells as fewer rows in each may be found."""
        cells = self.structure.cells if self.structure else 0
        probes = ceil(self.details.effort.probes * len(self.ids) / scope.count)
        return min(probes, cells) if cells else probes

    def _asked(self, scope: Scope, depth: int) -> Proposer | None:
        """Choose who proposes: what stands for the structure if it can, else the structure."""
        able = (each for each in (self.proposer, self.structure) if each is not None)
        return next((each for each in able if serves(each, depth, scope.count, len(self.ids))), None)

    def _by_structure(self, queries: Vectors, k: int, scope: Scope) -> list[Candidates]:
        depth = self.details.effort.depth(k)
        asked = self._asked(scope, depth)
        if asked is None:  # a GPU that failed just now
            return self._scanned(queries, k, scope)
        if asked.takes_masks:
            _, proposed = asked.propose(queries, depth, self._probes(scope), scope.mask)
            # Where what may be found lies far from the query, the cells that were looked into have too little of it.
            complete = np.count_nonzero(proposed >= 0, axis=1) >= depth
        else:
            wanted = depth if asked.rounding is None else k
            _, proposed, complete = propose_inside(asked, queries, depth, self._probes(scope), scope.mask, wanted)
        return [
            self._best(query, places[places >= 0], k) if whole else self._exactly(query, k, scope)
            for query, places, whole in zip(queries, proposed, complete, strict=True)
        ]

    def _exactly(self, query: Scores, k: int, scope: Scope) -> Candidates:
        return self._scanned(query[np.newaxis], k, scope)[0]

    def _best(self, query: Scores, places: Positions, k: int) -> Candidates:
        """Rank the rows at some places."""
        rows = self.rows.take(places)
        near = contenders(products(query[np.newaxis], rows)[0], k, self._slack)
        return rank(query, self.ids[places], rows.__getitem__, near, k)

    def _gathered(self, queries: Vectors, k: int, scope: Scope) -> list[Candidates]:
        """Compare all rows of the scope, fetched in blocks."""
        places = scope.places
        scores = np.empty((len(queries), len(places)), dtype=np.float32)
        for start in range(0, len(places), _BLOCK_ROWS):
            block = slice(start, start + _BLOCK_ROWS)
            scores[:, block] = products(queries, self.rows.take(places[block]))
        near = (places[contenders(its, k, self._slack)] for its in scores)
        return [self._ranked(query, its, k) for query, its in zip(queries, near, strict=True)]

    def _scanned(self, queries: Vectors, k: int, scope: Scope) -> list[Candidates]:
        """Let FAISS compare all rows, and settle the last places exactly."""
        k = min(k, scope.count)
        scores, places = self.rows.scan(queries, min(k + _MARGIN, scope.count), scope.mask)
        if places.size and places.min() < 0:  # FAISS passes over rows of NaN
            raise IndexDamaged("The index has rows that cannot be compared.")
        settled = (self._settled(*each, k, scope) for each in zip(queries, scores, places, strict=True))
        return [self._ranked(query, its, k) for query, its in zip(queries, settled, strict=True)]

    def _settled(self, query: Scores, scores: Scores, places: Positions, k: int, scope: Scope) -> Positions:
        """Fetch more until the k-th score stands clear of what was left out; return the contenders."""
        while len(scores) < scope.count and scores[k - 1] - scores[-1] <= self._slack:
            depth = min(4 * len(scores), scope.count)
            (scores,), (places,) = self.rows.scan(query[np.newaxis], depth, scope.mask)
        return places[contenders(scores, k, self._slack)]

    def _ranked(self, query: Scores, places: Positions, k: int) -> Candidates:
        return rank(query, self.ids, self.rows.take, places, k)

    @property
    def _slack(self) -> float:
        return rounding_slack(self.rows.dim)
