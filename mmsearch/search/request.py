"""A search as it was asked for: the same on the command line, in Python and as a JSON object."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, get_args

from mmsearch.errors import QueryError
from mmsearch.queries import Combine, Mode
from mmsearch.search.terms import TERM_KINDS, Term, TermKind, negated, read_terms
from mmsearch.types import MODALITIES, Modality

OneOrMore = str | Sequence[str]

MAX_DEPTH = 100_000  # k + offset: what one search may be asked to rank
_MEDIA: dict[str, TermKind] = {
    "text": "text",
    "image": "image",
    "audio": "audio",
    "like": "item",
    "vector": "vector",
    "negative": "text",
}


@dataclass(frozen=True, slots=True)
class Request:
    """All that `Collection.search` is told; None means: as the settings say.

    Attributes:
        where: A filter, in the language of docs/where.md.
        sort: Fields to sort by, such as "-taken,name".
        log: Whether to note the query for `mmsearch log`.
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

    def __post_init__(self) -> None:
        if (self.k is not None and self.k < 1) or self.offset < 0:
            raise QueryError(f"k must be at least 1 and offset at least 0, not {self.k} and {self.offset}.")
        if (self.k or 0) + self.offset > MAX_DEPTH:
            raise QueryError(f"k and offset together may be {MAX_DEPTH:,}.", remedy="Narrow the search by a filter.")
        if not 0 <= self.min_score <= 1:
            raise QueryError(f"min_score must be from 0 to 1, not {self.min_score}.")
        _check_name("mode", self.mode, (None, *get_args(Mode)))
        _check_name("combine", self.combine, get_args(Combine))

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


def from_json(request: Mapping[str, Any], *, base: str | None = None) -> Request:
    """Read a request such as {"text": "dog", "negative": "beach", "where": "year >= 2020", "k": 5}.

    Args:
        request: Has the names of `Collection.search`'s arguments, and "parts": a list of objects such as
            {"image": "a.jpg", "weight": -0.5} whose one other key is text, image, audio, item or vector.
        base: The folder from which relative paths of pictures, sounds and vectors count.

    Raises:
        QueryError: A name is unknown or a value of the wrong type.
    """
    known = {each.name for each in fields(Request)} - {"terms"}
    if unknown := sorted(set(request) - known - set(_MEDIA) - {"parts"}):
        raise QueryError(f"A query has no {unknown[0]!r}; known: {', '.join(sorted(known | set(_MEDIA) | {'parts'}))}.")
    terms = [_term(part) for part in _list_of("parts", request.get("parts", []), dict)]
    for name, kind in _MEDIA.items():
        if name in request:
            read = read_terms(_plain(name, request[name]), kind)
            terms += negated(read) if name == "negative" else read
    options = {name: _option(name, request[name]) for name in known & set(request)}
    return Request(tuple(_based(term, base) for term in terms), **options)


def listed(one_or_more: OneOrMore) -> list[str]:
    """Return one text, or several, as a list."""
    return [one_or_more] if isinstance(one_or_more, str) else list(one_or_more)


def parse_modalities(names: OneOrMore) -> frozenset[Modality]:
    """Read "image,text", ["image,text"] or ["image", "text"].

    Raises:
        QueryError: One is unknown.
    """
    given = {name.strip() for each in listed(names) for name in each.split(",") if name.strip()}
    if unknown := sorted(given - set(MODALITIES)):
        raise QueryError(f"There is no modality {unknown[0]!r}; known: {', '.join(MODALITIES)}.")
    return frozenset(modality for modality in MODALITIES if modality in given)


def parse_quotas(given: str | Iterable[str] | Mapping[str, int]) -> dict[Modality, int]:
    """Read "image=5,audio=3", a list of such, or a mapping.

    Raises:
        QueryError: A modality is unknown, or a number is not one.
    """
    if isinstance(given, Mapping):
        pairs = [(name, str(number)) for name, number in given.items()]
    else:
        texts = [text for each in ([given] if isinstance(given, str) else given) for text in each.split(",")]
        pairs = [(name.strip(), number.strip()) for name, _, number in (text.partition("=") for text in texts if text)]
    quotas: dict[Modality, int] = {}
    for name, number in pairs:
        if not number.isdecimal():
            raise QueryError(f"A quota is written image=5, not {name}={number}.")
        quotas |= dict.fromkeys(parse_modalities(name), int(number))
    return quotas


def _check_name(what: str, given: object, known: Sequence[object]) -> None:
    if given not in known:
        raise QueryError(f"There is no {what} {given!r}; known: {', '.join(str(each) for each in known if each)}.")


def _term(part: Mapping[str, Any]) -> Term:
    kinds = [kind for kind in TERM_KINDS if kind in part]
    if len(kinds) != 1 or set(part) - {kinds[0], "weight"}:
        raise QueryError(f"A part of a query has one of {', '.join(TERM_KINDS)}, and may have a weight: {part}.")
    weight = part.get("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < abs(weight) < 1e7:
        raise QueryError(f"The weight of a part must be a number other than 0, not {weight!r}.")
    return Term(kinds[0], part[kinds[0]], float(weight))


def _plain(name: str, value: Any) -> Any:  # noqa: ANN401 - JSON
    """Check what a JSON object has for texts, files and items; a list of numbers is one vector."""
    if name == "vector" and isinstance(value, list) and value and not isinstance(value[0], list | str):
        return [value]
    for each in value if isinstance(value, list) else [value]:
        if not isinstance(each, str | int | list) or isinstance(each, bool):
            raise QueryError(f"{name!r} of a query must be text, not {each!r}.")
    return value


def _option(name: str, value: Any) -> Any:  # noqa: ANN401 - JSON
    if name == "modality":
        return parse_modalities(value if isinstance(value, str) else _list_of(name, value, str))
    if name == "quotas":
        return parse_quotas(_is_a(name, value, str | dict))
    kinds: dict[str, Any] = {"k": int, "offset": int, "min_score": float | int}
    kinds |= dict.fromkeys(("group", "dedupe", "explain", "log"), bool)
    return value if value is None and name in {"k", "mode", "log"} else _is_a(name, value, kinds.get(name, str))


def _is_a(name: str, value: Any, kind: Any) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise QueryError(f"{name!r} of a query cannot be {value!r}.")
    return value


def _list_of(name: str, value: Any, kind: Any) -> list[Any]:  # noqa: ANN401 - JSON
    return [_is_a(name, each, kind) for each in _is_a(name, value, list)]


def _based(term: Term, base: str | None) -> Term:
    """Let the relative path of a file count from a folder."""
    is_file = term.kind in ("image", "audio", "vector") and isinstance(term.value, str)
    return replace(term, value=os.path.join(base, os.path.expanduser(term.value))) if base and is_file else term


def _jsonable(value: Any) -> Any:  # noqa: ANN401 - whatever was given
    if isinstance(value, str | int):
        return value
    return os.fspath(value) if isinstance(value, os.PathLike) else f"<{type(value).__name__}>"
