"""Stage 6c: a re-ranker looks at the best of the ranking again, and changes their order.

Hits move among the places of their own kind, and take over the score of the place they come to: `rerankers.blend` says
why. So the list is re-ordered as a whole before a page is cut out of it, and what lies behind the hits that are
looked at is not touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from mmsearch.errors import ModelError
from mmsearch.protocols import Reranker
from mmsearch.queries import Hit, Rerank
from mmsearch.rerank_types import Asked, Document
from mmsearch.rerankers.blend import Scores
from mmsearch.search.blame import blamed
from mmsearch.search.documents import Documents, Material
from mmsearch.search.rerank_budget import Budget, Clock
from mmsearch.search.rerank_order import Judged, explanations, reordered
from mmsearch.search.rerank_plan import Plan, judged_kinds, not_reranked
from mmsearch.types import Modality

BATCH = 16  # documents that are scored at once, at most


@dataclass(frozen=True, slots=True)
class Reranked:
    """A ranking after its best were looked at again.

    Attributes:
        notices: What the user should know of that.
        explanations: Id -> what the second stage says of a hit that it looked at.
    """

    hits: tuple[Hit, ...]
    notices: tuple[str, ...] = ()
    explanations: Mapping[int, dict[str, Any]] = field(default_factory=dict)


def rerank(
    hits: Sequence[Hit],
    plan: Plan,
    ask: Callable[[Reranker], Asked],
    material: Material,
    *,
    clock: Clock = perf_counter,
) -> Reranked:
    """Look at the first `plan.depth` hits again; call it inside `from_one_state`.

    Args:
        hits: Best first.
        plan: From `rerank_plan.planned`.
        ask: Makes what a re-ranker is given of the query; called if there is something to look at.
        material: Of the collection.
        clock: What is the time, for the budget, which begins when the re-ranker has been loaded.

    Returns:
        The hits in their new order, still by descending score; as they were, with a notice, if the re-ranker fails.

    Guarantees: without a budget, the same each time.

    Raises:
        CollectionDamaged: Vectors or tokens cannot be read.
    """
    reranker, wanted, head = plan.reranker, plan.wanted, hits[: plan.depth]
    if reranker is None:
        return Reranked(tuple(hits), plan.notices)
    try:
        weights = judged_kinds(reranker)
        places = _worth_a_look(head, weights)
        if not places:
            return Reranked(tuple(hits), _no_choice(head, reranker.name, weights) if wanted.wanted else ())
        with blamed(reranker):
            reranker.load()
        budget = Budget(wanted.budget_ms, BATCH, clock)
        documents = Documents([head[place] for place in places], reranker, material)
        judged = _judge(head, places, reranker, ask(reranker), documents, budget)
    except ModelError as error:
        return Reranked(tuple(hits), (not_reranked(str(error)),))
    notices = tuple(_remarks(judged, len(places), reranker.name, wanted, budget.used_ms)) if wanted.wanted else ()
    moved = reordered(head, judged, weights)
    return Reranked((*moved, *hits[plan.depth :]), notices, explanations(head, judged, reranker.name, weights))


def _worth_a_look(head: Sequence[Hit], judged: Collection[Modality]) -> list[int]:
    """Return the places of hits that a re-ranker may move: there must be two of a kind for that."""
    count = Counter(hit.modality for hit in head)
    kinds = {kind for kind in judged if count[kind] > 1}
    return [place for place, hit in enumerate(head) if hit.modality in kinds]


def _judge(
    head: Sequence[Hit], places: Sequence[int], reranker: Reranker, asked: Asked, documents: Documents, budget: Budget
) -> Judged:
    """Score the hits at some places, batch by batch, as long as there is time."""
    judged, done = Judged.nothing(len(head)), 0
    while size := budget.next_batch(len(places) - done):
        batch = places[done : done + size]
        with budget.batch(size):
            found = documents.of([head[place] for place in batch])
            for kind in sorted({head[place].modality for place in batch}):
                these = [place for place in batch if head[place].modality == kind and head[place].id in found]
                if these:
                    judged.scores[these] = _scored(reranker, asked, [found[head[place].id] for place in these])
        judged.looked[batch] = True
        done += size
    return judged


def _scored(reranker: Reranker, asked: Asked, documents: Sequence[Document]) -> Scores:
    with blamed(reranker):
        scores = np.asarray(reranker.score(asked, documents), dtype=np.float32)
        if scores.shape != (len(documents),):
            raise ModelError(f"{reranker.name} gave scores of shape {scores.shape} for {len(documents)} documents.")
        return scores


def _no_choice(head: Sequence[Hit], name: str, judged: Collection[Modality]) -> tuple[str, ...]:
    """Say why there was nothing to re-order, where it is not plain to see."""
    if len(head) < 2 or any(hit.modality in judged for hit in head):
        return ()
    kinds = ", ".join(judged)
    return (not_reranked(f"{name} judges {kinds} only, and none of the first {len(head):,} hits is of these."),)


def _remarks(judged: Judged, eligible: int, name: str, wanted: Rerank, used_ms: float) -> Iterator[str]:
    """Tell of hits that the re-ranker did not come to, or knows nothing of."""
    looked = int(judged.looked.sum())
    if looked < eligible:
        yield f"Re-ranked {looked:,} of {eligible:,} hits in {used_ms:,.0f} ms (budget {wanted.budget_ms:g} ms)."
    if looked and not np.isfinite(judged.scores).any():
        yield not_reranked(f"{name} has nothing to say of these {looked:,} hits.")
