"""Stage 1: a request becomes a query: its parts are decoded or looked up, its filter and order are read."""

from mmsearch.catalog.catalog import Catalog
from mmsearch.config import Limits, SearchConfig
from mmsearch.errors import QueryError
from mmsearch.queries import Filter, Query, Rerank
from mmsearch.search.parts import query_parts
from mmsearch.search.request import MAX_RERANK_DEPTH, Request
from mmsearch.types import EncoderSpec
from mmsearch.vectors.store import VectorStore
from mmsearch.where.syntax import Order


def parse(
    request: Request, *, spec: EncoderSpec, limits: Limits, config: SearchConfig, catalog: Catalog, store: VectorStore
) -> Query:
    """Make a query of a request.

    Raises:
        QueryError: Its parts do not fit together, or the filter cannot be read (`FilterError`).
        ItemNotFound: It names something that is not in the collection.
        MediaError: A picture or sound cannot be read.
        ModalityUnsupported: The model takes no pictures, or no sounds.
    """
    if not request.terms:
        _check_list(request)
    parts, excluded = query_parts(request.terms, spec, limits, catalog, store)
    if parts and not any(part.weight > 0 for part in parts):
        raise _nothing()
    mode = request.mode or ("hybrid" if config.hybrid else "vector")
    if mode == "text" and parts and not any(part.text for part in parts if part.weight > 0):
        raise QueryError("A search by words (mode text) needs words.", remedy="Give a text, or leave out the mode.")
    return Query(
        parts=tuple(parts),
        filter=_filter(request, excluded),
        k=request.k or config.k,
        offset=request.offset,
        mode=mode,
        combine=request.combine,
        group=request.group,
        dedupe=request.dedupe,
        min_score=request.min_score,
        quotas=dict(request.quotas),
        order=_order(request.sort),
        explain=request.explain,
        rerank=_rerank(request, config),
    )


def _check_list(request: Request) -> None:
    """Refuse what a list, which has no ranking, cannot do; a least score and groups have no effect there."""
    if not (request.where or request.modality or request.sort):
        raise _nothing()
    if request.dedupe:
        raise QueryError(
            "A list without a query leaves out no copies (dedupe).",
            remedy="`mmsearch dupes` finds copies; or give something to search for.",
        )
    if request.quotas:
        raise QueryError(
            "A list without a query has no quotas.", remedy="Narrow it by a modality, or give something to search for."
        )
    if request.explain:
        raise QueryError(
            "A list without a query has no scores to explain.",
            remedy="Leave out explain, or give something to search for.",
        )


def _nothing() -> QueryError:
    return QueryError(
        "There is nothing to search for.", remedy="Give a text, --image, --audio or --like; or --where to list."
    )


def _filter(request: Request, excluded: frozenset[int]) -> Filter:
    if not request.where.strip():
        return Filter(request.modality, excluded)
    from mmsearch.where.parse import parse_where  # the parser's tables, which most searches can do without

    return Filter(request.modality, excluded, parse_where(request.where), request.where)


def _rerank(request: Request, config: SearchConfig) -> Rerank | None:
    """Choose between the query's word and the settings; whoever says how to re-rank wants it."""
    said = bool(request.reranker or request.rerank_depth or request.budget_ms)
    wanted = said if request.rerank is None else request.rerank
    if not wanted and (request.rerank is False or not config.rerank):
        return None
    return Rerank(
        model=request.reranker or config.reranker,
        depth=request.rerank_depth or min(config.rerank_depth, MAX_RERANK_DEPTH),
        budget_ms=request.budget_ms or config.budget_ms or None,
        wanted=wanted,
    )


def _order(sort: str) -> tuple[Order, ...]:
    if not sort.strip():
        return ()
    from mmsearch.where.order import parse_order

    return parse_order(sort)
