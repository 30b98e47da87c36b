"""The read path, a line a stage: parse, embed, probe, find, score, present, arrange, judge, rerank, explain.

Parsing (parse.py) makes the `Query` that comes in here; rank.py joins the stages that depend on one another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from mmsearch.adapt.stored import Heads, heads_in_use
from mmsearch.catalog.catalog import Catalog
from mmsearch.config import Limits
from mmsearch.errors import CollectionDamaged
from mmsearch.protocols import Encoder, Reranker
from mmsearch.queries import Hit, Hits, Query
from mmsearch.rerank_types import Asked
from mmsearch.search.arrange import ranked
from mmsearch.search.documents import Material, asked
from mmsearch.search.encode import embed
from mmsearch.search.explain import explained
from mmsearch.search.indexes import IndexCache
from mmsearch.search.judge import judge
from mmsearch.search.lexical import lexical, required
from mmsearch.search.present import listed
from mmsearch.search.probe import probe_of
from mmsearch.search.profile import Profile
from mmsearch.search.rank import Ranking
from mmsearch.search.rerank import Reranked, rerank
from mmsearch.search.rerank_plan import not_reranked, planned, told
from mmsearch.search.state import SearchState
from mmsearch.search.stored import from_one_state
from mmsearch.search.subjects import as_files
from mmsearch.types import Candidates, Embedded, EncoderSpec, Ids, Modality
from mmsearch.vectors.ranking import IndexDamaged
from mmsearch.vectors.store import VectorStore
from mmsearch.where.syntax import Order

if TYPE_CHECKING:
    from mmsearch.vectors.tokens import TokenStore


def search(
    query: Query,
    *,
    encoder: Encoder,
    indexes: IndexCache,
    catalog: Catalog,
    store: VectorStore,
    tokens: Callable[[], TokenStore],
    limits: Limits,
) -> Hits:
    """Answer one query from one state of the catalog, whatever is written meanwhile.

    Args:
        query: From `parse`.
        encoder: Of the collection, as all below.
        indexes: What searches keep in memory.
        catalog: Of the state that is answered from.
        store: Of the vectors.
        tokens: Opens the tokens of the revision that is kept now.
        limits: What the decoding of a picture may cost, for re-rankers that look at pictures.

    Raises:
        QueryError: Its parts cancel each other out.
        FilterError: The filter names a field that is not there.
        ModelNotFound, UsageError: The user names a re-ranker that is none.
        CollectionDamaged: The stored vectors cannot be read. Without what only a re-ranker needs the answer is that of
            the first stage, with a notice.
    """
    profile = Profile()
    if not query.parts:
        return from_one_state(catalog, lambda: _list(query, catalog, profile))
    with profile.stage("embed"):
        embedded = embed(query.parts, encoder) if query.mode != "text" else []

    def answer(query: Query = query) -> Hits:
        with profile.stage("open"):
            state = indexes.state()
        ranking = _ranking(query, embedded, indexes, state, catalog, store, encoder.spec, profile)
        with profile.stage("rerank"):
            plan = planned(query, ranking.scopes.keys(), encoder.spec, catalog, indexes.rerankers)
        best = ranking.best(max(query.offset + query.k, plan.depth))
        verdict = _verdict(query, ranking, best[: query.k], encoder.spec)
        with profile.stage("rerank"):
            again = rerank(best, plan, partial(_asked, ranking, encoder), Material(catalog, store, tokens, limits))
        page = ranked(again.hits[: query.offset + query.k])[query.offset :]
        notices = (*again.notices, *state.notices)
        return Hits(_finished(page, ranking, again), verdict, profile=profile.stages, notices=notices)

    def checked(query: Query = query) -> Hits:
        try:
            return answer(query)
        except IndexDamaged as damage:
            indexes.distrust(damage.message)
            return answer(query)

    try:
        return from_one_state(catalog, checked)
    except CollectionDamaged as damage:
        if query.rerank is None:
            raise
        hits = from_one_state(catalog, lambda: checked(replace(query, rerank=None)))
        return replace(hits, notices=(not_reranked(str(damage)), *hits.notices))


def _list(query: Query, catalog: Catalog, profile: Profile) -> Hits:
    """Answer without a query: what the filter lets through, in the order that was asked for."""
    with profile.stage("list"):
        ids = catalog.listed(query.filter, query.order, query.k, query.offset)
        hits = [replace(hit, rank=query.offset + hit.rank) for hit in listed(ids, catalog)]
        total = catalog.matching_files(query.filter)
        return Hits(_with_fields(hits, catalog), total=total, profile=profile.stages, notices=told(query))


def _ranking(
    query: Query,
    embedded: Sequence[Embedded],
    indexes: IndexCache,
    state: SearchState,
    catalog: Catalog,
    store: VectorStore,
    spec: EncoderSpec,
    profile: Profile,
) -> Ranking:
    with profile.stage("filter"):
        scopes = state.filters.scopes(query.filter)
        dropped = catalog.standing_for(query.filter.exclude_assets)
    with profile.stage("words"):
        words = None if query.mode == "vector" else _words(query, scopes, catalog)
        quoted = None if query.mode == "vector" else required(query.parts, catalog)
        if quoted is not None:  # what is in quotes must be there, however near a segment is by its meaning
            scopes = {kind: quoted if ids is None else np.intersect1d(ids, quoted) for kind, ids in scopes.items()}
    with profile.stage("probe"):
        heads = _heads_for(embedded, catalog)
        probe = probe_of(query.parts, embedded, heads, query.combine) if embedded else None
        # A bank holds queries by text: what they say of hubs is not known to hold for other kinds of queries.
        banks = indexes.banks.current() if probe is not None and probe.asked == ("text",) else {}
    return Ranking(query, probe, words, scopes, dropped, state, catalog, store, spec, banks, profile)


def _words(query: Query, scopes: dict[Modality, Ids | None], catalog: Catalog) -> Candidates:
    """Look the words up among all that may be found."""
    limits = [ids for ids in scopes.values() if ids is not None]
    allowed = np.sort(np.concatenate(limits)) if limits and query.filter else None
    return lexical(query.parts, catalog, allowed, mode=query.mode)


def _heads_for(embedded: Sequence[Embedded], catalog: Catalog) -> Heads:
    """Read the heads in use, which takes milliseconds, only if the query has parts to adapt: not texts or items."""
    return heads_in_use(catalog) if any(each.features is not None for each in embedded) else {}


def _verdict(query: Query, ranking: Ranking, best: Sequence[Hit], spec: EncoderSpec) -> bool | None:
    """Judge what a single part finds; what several come to has no measured range, and signs alone mean nothing."""
    (part, *others) = query.parts
    if others or (part.text is not None and not any(sign.isalnum() for sign in part.text)):
        return None
    asked = None if query.mode == "text" else part.modality
    return judge(asked, [ranking.evidence(hit) for hit in best], spec)


def _asked(ranking: Ranking, encoder: Encoder, reranker: Reranker) -> Asked:
    """Make what a re-ranker is given of a query of one text."""
    assert ranking.probe is not None
    return asked(ranking.query.parts[0].text or "", ranking.probe.vectors[0], encoder, reranker)


def _finished(page: Sequence[Hit], ranking: Ranking, again: Reranked) -> tuple[Hit, ...]:
    """Add what only the hits that are shown need."""
    query, catalog = ranking.query, ranking.catalog
    with ranking.profile.stage("describe"):
        hits = _with_fields(page, catalog)
        if query.explain:
            hits = explained(hits, ranking, again.explanations)
        if query.group and not query.quotas:  # with quotas each hit shows the kind that it was counted as
            hits = as_files(hits, query.filter, catalog)
        return _sorted(hits, query.order, catalog) if query.order else hits


def _sorted(hits: Sequence[Hit], order: tuple[Order, ...], catalog: Catalog) -> tuple[Hit, ...]:
    """Put the hits of a page into the order that was asked for; its ranks stay the same set."""
    by_id = {hit.id: hit for hit in hits}
    ids = catalog.in_order(np.array(sorted(by_id), dtype=np.int64), order)
    ranks = sorted(hit.rank for hit in hits)
    return tuple(replace(by_id[id_], rank=rank) for rank, id_ in zip(ranks, ids.tolist(), strict=True))


def _with_fields(hits: Sequence[Hit], catalog: Catalog) -> tuple[Hit, ...]:
    known = catalog.fields_of([hit.subject for hit in hits])
    return tuple(replace(hit, fields=known[hit.subject]) if hit.subject in known else hit for hit in hits)
