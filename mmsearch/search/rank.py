"""Stages 3 to 6 for one query and one state of the collection: candidates, scores, fusion, one ranking of all kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mmsearch.adapt.stored import stored_vectors
from mmsearch.catalog.catalog import Catalog
from mmsearch.queries import Hit, Query
from mmsearch.search.arrange import arrange
from mmsearch.search.background import Background
from mmsearch.search.calibrate import calibrated
from mmsearch.search.candidates import Near, cosines_of, nearest, scores_at
from mmsearch.search.compose import fused
from mmsearch.search.hybrid import hybrid
from mmsearch.search.pool import Pool, Scores, make_pool
from mmsearch.search.present import present
from mmsearch.search.probe import Probe
from mmsearch.search.profile import Profile
from mmsearch.search.state import SearchState
from mmsearch.types import Candidates, EncoderSpec, Ids, Modality, Vectors
from mmsearch.vectors.store import VectorStore

if TYPE_CHECKING:
    from mmsearch.hubness.bank import Banks

_SLACK = 10  # fetched on top: what is grouped into its file makes room for others
_DEEPER = 4
_WORDS_DEPTH = 1_000  # of all that has some word of the query, so many are looked at
_BANK_DEPTH = 200  # a bank of queries re-orders so many candidates, or five times as many as are wanted


@dataclass(slots=True)
class Ranking:
    """Ranks what one query finds.

    Attributes:
        probe: None if only words count.
        words: What the words find, in all kinds together; None if only vectors count.
        scopes: Modality -> ids that may be found; None stands for all.
        dropped: Ids that may not be found all the same.
        banks: Modality -> what takes from hubs there; empty if none is installed, or it does not apply.
        pools: Modality -> candidates, once `best` was called.
    """

    query: Query
    probe: Probe | None
    words: Candidates | None
    scopes: Mapping[Modality, Ids | None]
    dropped: Ids
    state: SearchState
    catalog: Catalog
    store: VectorStore
    spec: EncoderSpec
    banks: Banks
    profile: Profile
    pools: dict[Modality, Pool] = field(default_factory=dict)

    def best(self, wanted: int) -> tuple[Hit, ...]:
        """Return so many hits or more, best first, or all there are.

        What grouping and the like leave out is made up for: each kind is searched deeper until nothing that is
        not in its pool could come among the best.
        """
        depths = dict.fromkeys(self.scopes, wanted + _SLACK)
        hits: dict[Modality, tuple[Hit, ...]] = {}
        unsettled = list(depths)
        while unsettled:
            for kind in unsettled:
                self.pools[kind] = self._pool(kind, depths[kind]).best(depths[kind])
            with self.profile.stage("present"):
                hits |= present({kind: self.pools[kind] for kind in unsettled}, self.catalog)
            with self.profile.stage("arrange"):
                ranking = arrange(hits.values(), self.query, self.catalog, self.store)
            unsettled = [kind for kind in depths if not self._settled(kind, ranking, wanted)]
            depths |= {kind: _DEEPER * depths[kind] for kind in unsettled}
        return ranking if depths else ()

    def background(self, vector: Vectors, kind: Modality) -> Background | None:
        """Return how a query vector (d,) scores in the collection at large."""
        return Background.of(self.state.sample_of(kind), vector)

    def calibrate(self, cosines: Scores, kind: Modality) -> Scores:
        """Turn the cosines (m, n) of the probe's vectors into scores (m, n) in [0, 1]."""
        if self.probe is None:
            return cosines
        rows = zip(cosines, self.probe.asked, self.probe.vectors, strict=True)
        return np.stack([self._calibrated(row, asked, kind, vector) for row, asked, vector in rows])

    def _calibrated(self, cosines: Scores, asked: Modality | None, kind: Modality, vector: Vectors) -> Scores:
        measured = asked is not None and (asked, kind) in self.spec.levels  # then the collection has no say
        background = None if measured else self.background(vector, kind)
        return calibrated(cosines, asked, kind, self.spec, background)

    def _settled(self, kind: Modality, ranking: tuple[Hit, ...], wanted: int) -> bool:
        """Tell whether no segment outside of the pool could still come among the wanted hits."""
        bound, quota = self.pools[kind].bound, self.query.quotas.get(kind)
        if bound < max(self.query.min_score, 0.0):
            return True
        if quota is not None and sum(hit.modality == kind for hit in ranking) >= quota:
            return True
        return len(ranking) >= wanted and ranking[wanted - 1].score >= bound

    def _pool(self, kind: Modality, depth: int) -> Pool:
        found = self._words_of(kind)
        if self.probe is None:
            ids = np.sort(found.ids)
            nothing = np.full(len(ids), np.nan, dtype=np.float32)
            words = scores_at(ids, found)
            return make_pool(ids, nothing, np.zeros_like(words), words, words, bound=-1.0)
        with self.profile.stage("index"):
            depth = max(_BANK_DEPTH, 5 * depth) if kind in self.banks else depth
            near = nearest(self.probe.positive, self.state.index, self.scopes[kind], self.dropped, depth)
            looked_at = max(_WORDS_DEPTH, depth)
            ids = np.union1d(near.ids, found.ids[:looked_at]) if len(found) else near.ids
            by_one = near.by_one if len(self.probe.vectors) == 1 else None
            cosines = cosines_of(self.probe.vectors, self.state.index, ids, by_one)
        with self.profile.stage("score"):
            return self._scored(kind, ids, cosines, near, found, found.scores[looked_at : looked_at + 1])

    def _scored(
        self, kind: Modality, ids: Ids, cosines: Scores, near: Near, found: Candidates, left_out: Scores
    ) -> Pool:
        """Score candidates. Others have at most the least vector score found, and the best word score left out (1,)."""
        assert self.probe is not None
        rows = self.calibrate(cosines - self.penalties(ids, kind), kind)
        vector = rows[0] if len(rows) == 1 else fused(rows, self.probe.weights)
        words = scores_at(ids, found)
        shown = cosines[0] if len(cosines) == 1 else np.full(len(ids), np.nan, dtype=np.float32)
        bound = -1.0
        if not near.complete and len(rows) == 1 and kind not in self.banks:
            least = vector[np.isin(ids, near.ids)].min(keepdims=True)
            bound = float(hybrid(least, left_out if len(left_out) else np.zeros_like(least))[0])
        return make_pool(ids, shown, vector, words, hybrid(vector, words) if len(found) else vector, bound)

    def penalties(self, ids: Ids, kind: Modality) -> Scores:
        """Return what the bank takes from the cosine of each candidate (n,)."""
        if kind not in self.banks or not len(ids):
            return np.zeros(len(ids), dtype=np.float32)
        return self.banks[kind].penalties(stored_vectors(self.catalog, self.store, ids)[1])

    def _words_of(self, kind: Modality) -> Candidates:
        """Return what the words find of one modality."""
        if self.words is None or not len(self.words):
            return Candidates(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32))
        mine = ~np.isin(self.words.ids, self.dropped)
        if len(self.state.kinds) > 1:
            mine &= np.isin(self.words.ids, self.state.ids_of(kind))
        return Candidates(self.words.ids[mine], self.words.scores[mine])
