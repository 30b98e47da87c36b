"""Stages 3 to 6 for one query and one state of the collection: candidates, scores, fusion, one ranking of all kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mmsearch.adapt.stored import stored_vectors
from mmsearch.catalog.catalog import Catalog
from mmsearch.queries import Hit, Query
from mmsearch.search.arrange import MAX_MOMENTS, arrange
from mmsearch.search.background import Background
from mmsearch.search.calibrate import calibrated
from mmsearch.search.candidates import Near, cosines_of, nearest, scores_at
from mmsearch.search.compose import fused
from mmsearch.search.contents import SOME_IDS
from mmsearch.search.hybrid import hybrid
from mmsearch.search.judge import Evidence
from mmsearch.search.pool import Pool, Scores, make_pool, places_in_groups
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
# With several vectors the best in all of them together may be among the best in none: so many of each come first.
_SEVERAL_DEPTH = 1_000
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
        scored: Modality -> candidates, once `best` was called.
        pools: Modality -> those of them that were looked up.
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
    scored: dict[Modality, Pool] = field(default_factory=dict)
    pools: dict[Modality, Pool] = field(default_factory=dict)

    def best(self, wanted: int) -> tuple[Hit, ...]:
        """Return so many hits or more, best first, or all there are.

        What grouping and the like leave out is made up for: each kind is searched deeper until nothing that is
        not in its pool could come among the best.
        """
        depths = dict.fromkeys(self.scopes, wanted + _SLACK)  # how many of the nearest are scored
        shown = dict(depths)  # and how many of these are looked up
        hits: dict[Modality, tuple[Hit, ...]] = {}
        unsettled, deeper = list(depths), False
        while unsettled:
            for kind in unsettled:
                self.scored[kind] = self._searched(kind, depths[kind], deeper=deeper)
                self.pools[kind] = self.scored[kind].best(shown[kind])
            with self.profile.stage("present"):
                hits |= present({kind: self.pools[kind] for kind in unsettled}, self.catalog)
            with self.profile.stage("arrange"):
                ranking = arrange(hits.values(), self.query, self.catalog, self.store)
            unsettled, deeper = [kind for kind in depths if not self._settled(kind, self.pools, ranking, wanted)], True
            for kind in unsettled:
                exhausted = self._settled(kind, self.scored, ranking, wanted)
                depths[kind] *= 1 if exhausted else _DEEPER
                shown[kind] *= _DEEPER if exhausted or len(ranking) < wanted else 1
        return ranking if depths else ()

    def _searched(self, kind: Modality, depth: int, *, deeper: bool) -> Pool:
        """Score the nearest of one kind.

        In a list of files they are thinned, but not in the first round: that is mostly the last, and then nobody needs
        to know which segments belong to which file.
        """
        pool = self._pool(kind, depth)
        return self._thinned(pool, kind) if deeper and self.query.group else pool

    def allowed(self, kind: Modality) -> int:
        """Count the segments of a modality that may be found."""
        scope = self.scopes[kind]
        return len(self.state.index if scope is None else scope)

    def evidence(self, hit: Hit) -> Evidence:
        """Say what a hit among those of `best` is judged by."""
        pool = self.pools[hit.modality]
        here = pool.place_of(hit.id)
        return Evidence(hit.modality, float(pool.vector[here]), float(pool.words[here]))

    def background(self, vector: Vectors, kind: Modality) -> Background | None:
        """Return how a query vector (d,) scores in the collection at large."""
        return Background.of(self.state.contents.sample_of(kind), vector)

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

    def _settled(self, kind: Modality, pools: Mapping[Modality, Pool], ranking: tuple[Hit, ...], wanted: int) -> bool:
        """Tell whether no segment outside of the pool could still come among the wanted hits."""
        bound, quota = pools[kind].bound, self.query.quotas.get(kind)
        if bound < max(self.query.min_score, 0.0):
            return True
        if quota is not None and sum(hit.modality == kind for hit in ranking) >= quota:
            return True
        # Of equal scores of one kind the first were found; among several kinds one of another may come before.
        last = ranking[wanted - 1].score if len(ranking) >= wanted else -1.0
        return last > bound or (last == bound and len(self.scopes) == 1)

    def _thinned(self, pool: Pool, kind: Modality) -> Pool:
        """Keep the best few segments of each file, which is all that a list of files shows.

        If every file that may be found has one that nothing outside of the pool exceeds, there is no more to find.
        """
        with self.profile.stage("arrange"):
            best, places = places_in_groups(self.state.filters.subjects_of(pool.ids))
            found = int(np.count_nonzero(pool.scores[best] >= pool.bound))
            bound = -1.0 if self._are_all_files(kind, found) else pool.bound
            return pool.only(places <= MAX_MOMENTS, bound)

    def _are_all_files(self, kind: Modality, found: int) -> bool:
        """Tell whether so many files are all of which a segment of a modality may be found."""
        scope, contents = self.scopes[kind], self.state.contents
        # Mostly a few segments tell that there are more; to count them all takes going through the collection.
        if self._files_of(contents.some_of(kind) if scope is None else scope[:SOME_IDS]) > found:
            return False
        return self._files_of(contents.ids_of(kind) if scope is None else scope) == found

    def _files_of(self, ids: Ids) -> int:
        """Count the files of segments, but for those that may not be found."""
        ids = np.setdiff1d(ids, self.dropped, assume_unique=True)
        return len(np.unique(self.state.filters.subjects_of(ids)))

    def _pool(self, kind: Modality, depth: int) -> Pool:
        found = self._words_of(kind)
        if self.probe is None:
            ids = np.sort(found.ids)
            nothing = np.full(len(ids), np.nan, dtype=np.float32)
            words = scores_at(ids, found)
            return make_pool(ids, nothing, np.zeros_like(words), words, words, bound=-1.0)
        with self.profile.stage("index"):
            depth = self._first_depth(kind, depth)
            near = nearest(self.probe.positive, self.state.index, self.scopes[kind], self.dropped, depth)
            worded = found.ids[: max(_WORDS_DEPTH, depth)]
            ids = np.union1d(near.ids, worded) if len(worded) else near.ids
            by_one = near.by_one if len(self.probe.vectors) == 1 else None
            cosines = cosines_of(self.probe.vectors, self.state.index, ids, by_one)
        with self.profile.stage("score"):
            return self._scored(kind, ids, cosines, near, found, found.scores[len(worded) : len(worded) + 1])

    def _first_depth(self, kind: Modality, depth: int) -> int:
        """Say how many of the nearest are looked at to find the best `depth`."""
        assert self.probe is not None
        if kind in self.banks:
            return max(_BANK_DEPTH, 5 * depth)
        return max(_SEVERAL_DEPTH, depth) if len(self.probe.vectors) > 1 else depth

    def _scored(
        self, kind: Modality, ids: Ids, cosines: Scores, near: Near, found: Candidates, left_out: Scores
    ) -> Pool:
        """Score candidates; `left_out` (0 or 1,) is the best word score of what is none of them."""
        penalties = self.penalties(ids, kind)
        vector = self._of_vectors(cosines - penalties, kind)
        words = scores_at(ids, found)
        shown = cosines[0] if len(cosines) == 1 else np.full(len(ids), np.nan, dtype=np.float32)
        bound = -1.0 if near.complete else self._bound(kind, near.least - penalties.min(initial=0), left_out)
        return make_pool(ids, shown, vector, words, hybrid(vector, words) if len(found) else vector, bound)

    def _of_vectors(self, cosines: Scores, kind: Modality) -> Scores:
        """Turn the cosines (m, n) of the probe's vectors into one score (n,)."""
        assert self.probe is not None
        rows = self.calibrate(cosines, kind)
        return rows[0] if len(rows) == 1 else fused(rows, self.probe.weights)

    def _bound(self, kind: Modality, least: Scores, left_out: Scores) -> float:
        """Return what a segment can score at most that is farther from each positive vector than `least` (p,)."""
        assert self.probe is not None
        cosines = np.full((len(self.probe.vectors), 1), -1, dtype=np.float32)
        cosines[self.probe.weights > 0, 0] = least
        vector = self._of_vectors(cosines, kind)
        bound = float(hybrid(vector, left_out)[0]) if len(left_out) else float(vector[0])
        # Of equal scores by one vector the index has found the first; by several, one may come before what is found.
        return bound if len(cosines) == 1 else float(np.nextafter(bound, 1))

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
        contents = self.state.contents
        if len(contents.kinds) > 1:
            mine &= np.isin(self.words.ids, contents.among(kind, np.sort(self.words.ids)))
        return Candidates(self.words.ids[mine], self.words.scores[mine])
