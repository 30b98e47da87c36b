"""Which re-ranker looks at the hits of a query again, or why none does."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from mmsearch.catalog.catalog import Catalog
from mmsearch.errors import ModelError, ModelNotFound, UsageError
from mmsearch.protocols import Reranker
from mmsearch.queries import Query, Rerank
from mmsearch.search.blame import blamed
from mmsearch.search.documents import works_on_tokens
from mmsearch.search.rerankers import RerankerCache
from mmsearch.types import EncoderSpec, Modality


@dataclass(frozen=True, slots=True)
class Plan:
    """What the second stage of a search is to do.

    Attributes:
        reranker: None if it does nothing.
        wanted: As it was asked for.
        notices: Why it does nothing.
    """

    reranker: Reranker | None = None
    wanted: Rerank = field(default_factory=Rerank)
    notices: tuple[str, ...] = ()

    @property
    def depth(self) -> int:
        """So many hits are looked at."""
        return 0 if self.reranker is None else self.wanted.depth


def planned(
    query: Query, kinds: Collection[Modality], spec: EncoderSpec, catalog: Catalog, rerankers: RerankerCache
) -> Plan:
    """Choose a re-ranker; call it inside `from_one_state`.

    Args:
        query: What is searched for.
        kinds: Modalities of which something may be found.
        spec: Of the encoder.
        catalog: Of the collection.
        rerankers: Of the collection.

    Raises:
        ModelNotFound, UsageError: The user names a re-ranker that is none.
        CollectionDamaged: The collection's own one is not what was installed.
    """
    wanted = query.rerank
    if wanted is None or query.offset >= wanted.depth:  # what comes behind the hits that are looked at stays
        return Plan()
    if _unsuitable(query):
        return Plan(notices=told(query))
    try:
        reranker = rerankers.named(wanted.model) if wanted.model else rerankers.usual(spec.space)
        why = _no_use(reranker, kinds) or _no_tokens(reranker, spec, catalog)
    except (ModelError, UsageError) as error:
        if wanted.wanted and isinstance(error, ModelNotFound | UsageError):
            raise
        return Plan(notices=(not_reranked(str(error)),))
    if why is None:
        return Plan(reranker, wanted)
    return Plan(notices=(not_reranked(why),) if wanted.wanted else ())


def told(query: Query) -> tuple[str, ...]:
    """Say why the hits of a query cannot be re-ranked, whatever the re-ranker, if the user expects that they are."""
    why = _unsuitable(query)
    return (not_reranked(why),) if why and query.rerank and query.rerank.wanted else ()


def _unsuitable(query: Query) -> str | None:
    if not query.parts:
        return "a list has no ranking; give a text to search for."
    if query.mode == "text":
        return "a search by words alone is as exact as it can be; choose the mode hybrid or vector."
    if len(query.parts) > 1 or query.parts[0].text is None:
        return "only the hits of a query of one text are; search for one text alone."
    return None


def not_reranked(why: str) -> str:
    """Write a notice."""
    return f"Not re-ranked: {why}"


def judged_kinds(reranker: Reranker) -> dict[Modality, float]:
    """Return the modalities of documents that a re-ranker has a say on, in order of name, each with its weight.

    Raises:
        ModelError: The re-ranker cannot say it.
    """
    with blamed(reranker):
        return {kind: float(weight) for kind, weight in sorted(reranker.weights.items()) if weight > 0}


def _no_use(reranker: Reranker | None, kinds: Collection[Modality]) -> str | None:
    if reranker is None:
        return "no re-ranker is known to help here; name one, such as maxsim."
    judged = judged_kinds(reranker)
    if not judged:
        return f"{reranker.name} has no say on any kind of file; name another one, such as maxsim."
    if not kinds or not judged.keys().isdisjoint(kinds):
        return None
    return f"{reranker.name} judges {', '.join(judged)} only, and nothing of that kind may be found."


def _no_tokens(reranker: Reranker | None, spec: EncoderSpec, catalog: Catalog) -> str | None:
    if reranker is None or not works_on_tokens(reranker):
        return None
    if not spec.tokens:
        return f"the model {spec.space.model} gives no tokens, on which {reranker.name} works; name another re-ranker."
    kept = catalog.token_revision()
    if not kept:
        return "this collection keeps no tokens; `mmsearch rebuild --tokens` makes them."
    if kept != spec.tokens:
        return "the tokens that this collection keeps are outdated; `mmsearch rebuild --tokens` makes them anew."
    return None
