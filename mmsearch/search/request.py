"""A search as it was asked for: the same on the command line, in Python and as a JSON object."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from math import inf
from typing import Any, get_args

from mmsearch.errors import QueryError
from mmsearch.queries import Combine, Mode
from mmsearch.registry import check_reranker_name
from mmsearch.search.arguments import number, parse_modalities, parse_quotas, several, shown, text, whole, yes_or_no
from mmsearch.search.terms import (
    TERM_KINDS,
    Term,
    check_term,
    negated,
    read_terms,
    sound_terms,
    vector_terms,
)
from mmsearch.types import Modality

MAX_DEPTH = 100_000  # k + offset: what one search may be asked to rank
MAX_RERANK_DEPTH = 10_000


@dataclass(frozen=True, slots=True)
class Request:
    """All that `Collection.search` is told; None means: as the settings say.

    Attributes:
        where: A filter, in the language of docs/where.md.
        sort: Fields to sort by, such as "-taken,name".
        log: Whether to note the query for `mmsearch log`.
        rerank: Whether the best hits are looked at again by a re-ranker.
        reranker: Its name, as `registry.make_reranker` takes it; "" as the settings say.
        rerank_depth: So many hits it looks at.
        budget_ms: It ends after so many milliseconds.
    """

    terms: tuple[Term, ...] = ()
    modality: frozenset[Modality] = frozenset()
    where: str = ""
    sort: str = ""
    mode: Mode | None = None
    combine: Combine = "add"
    k: int | None = None
    offset: int = 0
    group: bool = True
    dedupe: bool = False
    min_score: float = 0.0
    quotas: Mapping[Modality, int] = field(default_factory=dict)
    explain: bool = False
    log: bool | None = None
    rerank: bool | None = None
    reranker: str = ""
    rerank_depth: int | None = None
    budget_ms: float | None = None

    def __post_init__(self) -> None:
        if (self.k is not None and self.k < 1) or self.offset < 0:
            raise QueryError("k must be at least 1 and offset at least 0.")
        if (self.k or 0) + self.offset > MAX_DEPTH:
            raise QueryError(f"k and offset together may be {MAX_DEPTH:,}.", remedy="Narrow the search by a filter.")
        if not 0 <= self.min_score <= 1:
            raise QueryError(f"min_score must be from 0 to 1, not {self.min_score}.")
        if self.rerank_depth is not None and not 1 <= self.rerank_depth <= MAX_RERANK_DEPTH:
            raise QueryError(f"rerank_depth must be from 1 to {MAX_RERANK_DEPTH:,}, not {shown(self.rerank_depth)}.")
        if self.budget_ms is not None and not 0 < self.budget_ms < inf:
            raise QueryError(f"budget_ms must be above 0, not {self.budget_ms}.", remedy="Leave it out for no end.")
        if self.reranker:
            check_reranker_name(self.reranker)
        _check_name("mode", self.mode, (None, *get_args(Mode)))
        _check_name("combine", self.combine, get_args(Combine))
        for term in self.terms:
            check_term(term)

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object that `from_json` reads; data such as pixels are only named."""
        parts = [{each.kind: _jsonable(each.value), "weight": each.weight} for each in self.terms]
        given: dict[str, Any] = {"parts": parts} if parts else {}
        defaults = Request()
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name not in {"terms", "log", "explain"} and value != getattr(defaults, each.name):
                given[each.name] = sorted(value) if isinstance(value, frozenset) else value
        return given


_PARTS: dict[str, Callable[[Any], list[Term]]] = {
    "parts": lambda given: [_term(part) for part in several(given, "parts")],
    "text": lambda given: read_terms(given, "text"),
    "image": lambda given: read_terms(given, "image"),
    "audio": sound_terms,
    "like": lambda given: read_terms(given, "item"),
    "vector": vector_terms,
    "negative": lambda given: negated(read_terms(given, "text")),
}
_OPTIONS: dict[str, Callable[[Any, str], Any]] = {
    "modality": lambda given, _: parse_modalities(given),
    "quotas": lambda given, _: parse_quotas(given),
    "where": text,
    "sort": text,
    "mode": text,
    "combine": text,
    "k": whole,
    "offset": whole,
    "min_score": number,
    "group": yes_or_no,
    "dedupe": yes_or_no,
    "explain": yes_or_no,
    "log": yes_or_no,
    "rerank": yes_or_no,
    "reranker": text,
    "rerank_depth": whole,
    "budget_ms": number,
}


def make_request(given: Mapping[str, Any]) -> Request:
    """Make a request of the arguments of `Collection.search`; what is None counts as not given.

    This is where the types of all arguments are checked, whoever gave them.

    Raises:
        QueryError: A name is unknown or a value of the wrong type.
        ModelNotFound: There is no re-ranker of that name.
    """
    if unknown := sorted(map(str, set(given) - set(_PARTS) - set(_OPTIONS))):
        known = ", ".join(sorted([*_PARTS, *_OPTIONS]))
        raise QueryError(f"A query has no {shown(unknown[0])}; known: {known}.")
    said = {name: value for name, value in given.items() if value is not None}
    terms = [term for name, read in _PARTS.items() if name in said for term in read(said[name])]
    options = {name: read(said[name], name) for name, read in _OPTIONS.items() if name in said}
    return Request(tuple(terms), **options)


def from_json(request: Mapping[str, Any], *, base: str | None = None) -> Request:
    """Read a request such as {"text": "dog", "negative": "beach", "where": "year >= 2020", "k": 5}.

    Args:
        request: Has the names of `Collection.search`'s arguments. "parts" is a list of objects such as
            {"image": "a.jpg", "weight": -0.5} whose one other key is text, image, audio, item or vector; a text in it
            is taken as it is, without looking for a weight.
        base: The folder from which relative paths of pictures, sounds and vectors count.

    Raises:
        QueryError: A name is unknown or a value of the wrong type.
    """
    made = make_request(request)
    return made if base is None else replace(made, terms=tuple(_based(term, base) for term in made.terms))


def _check_name(what: str, given: object, known: Sequence[object]) -> None:
    if given not in known:
        raise QueryError(f"There is no {what} {shown(given)}; known: {', '.join(str(each) for each in known if each)}.")


def _term(part: object) -> Term:
    kinds = [kind for kind in TERM_KINDS if kind in part] if isinstance(part, Mapping) else []
    if not isinstance(part, Mapping) or len(kinds) != 1 or set(part) - {kinds[0], "weight"}:
        raise QueryError(
            f"A part of a query has one of {', '.join(TERM_KINDS)}, and may have a weight; not {shown(part)}."
        )
    weight = part.get("weight")
    return Term(kinds[0], part[kinds[0]], 1.0 if weight is None else number(weight, "weight"))


def _based(term: Term, base: str) -> Term:
    """Let the relative path of a file count from a folder."""
    is_file = term.kind in ("image", "audio", "vector") and isinstance(term.value, str)
    return replace(term, value=os.path.join(base, os.path.expanduser(term.value))) if is_file else term


def _jsonable(value: Any) -> Any:  # noqa: ANN401 - whatever was given
    if isinstance(value, str | int):
        return value
    return os.fspath(value) if isinstance(value, os.PathLike) else f"<{type(value).__name__}>"
