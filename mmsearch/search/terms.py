"""The grammar of one part of a query.

    part      = [weight ":"] value                  everywhere: "2:cat", "-0.5:crowd", image="0.5:a.jpg"
    shorthand = [weight ":"] [kind ":"] value       on the command line only, as TEXT and after --not
    weight    = a number, below 0 to steer away
    kind      = "text" | "image" | "audio" | "item" | "vector"

Programs pass on what their users type, so that a text which they give is never more than a text: no kind in it makes it
the name of a file. The shorthand is for those who type at a shell of their own. A text that begins like a weight is
written "1:12:30 train", on the command line also "text:12:30 train".
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from mmsearch.errors import ItemNotFound, QueryError
from mmsearch.search.arguments import shown

TermKind = Literal["text", "image", "audio", "item", "vector"]
TERM_KINDS: tuple[TermKind, ...] = get_args(TermKind)
MAX_TERMS = 100
MAX_TEXT_CHARS = 100_000
MAX_WEIGHT = 10**7  # exclusive

_WEIGHTED = re.compile(r"(?P<weight>-?[0-9]{1,6}(?:\.[0-9]{1,6})?):(?P<rest>\S.*)", re.DOTALL)
_OF_KIND = re.compile(rf"(?P<kind>{'|'.join(TERM_KINDS)}):(?P<rest>\S.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a query as it was given.

    Attributes:
        value: A text; a path, bytes, pixels or samples; an id or path of an item; a vector.
    """

    kind: TermKind
    value: Any
    weight: float = 1.0

    @property
    def name(self) -> str:
        """What to call it: what was written, or its kind if that cannot be shown."""
        shown = self.value if isinstance(self.value, str | int) else getattr(self.value, "name", None)
        named = str(shown) if shown not in (None, "") else "given as data"
        return named if self.kind == "text" else f"{self.kind} {named}"


def read_term(text: str, kind: TermKind = "text") -> Term:
    """Read one part of a known kind that was written as a text: only its weight is taken off.

    Raises:
        QueryError: Nothing is left to search for, or the weight is 0.
    """
    weight, rest = split_weight(text)
    return Term(kind, rest, weight)


def read_shorthand(text: str) -> Term:
    """Read one part as a user types it at a shell, who may say its kind.

    Raises:
        QueryError: As `read_term`.
    """
    term = read_term(text)
    match = _OF_KIND.fullmatch(term.value)
    if match is None:
        return term
    kind = next(each for each in TERM_KINDS if each == match["kind"])
    return Term(kind, match["rest"], term.weight)


def read_terms(given: object, kind: TermKind) -> list[Term]:
    """Make terms of one value or a list of them; those that are texts may have a weight."""
    values = given if isinstance(given, list | tuple) else [given]
    return [read_term(value, kind) if isinstance(value, str) else Term(kind, value) for value in values]


def sound_terms(given: object) -> list[Term]:
    """Make terms of sounds; (samples, rate) is one sound, not two."""
    one = isinstance(given, tuple) and len(given) == 2 and not isinstance(given[0], str | bytes | os.PathLike)
    return [Term("audio", given)] if one else read_terms(given, "audio")


def vector_terms(given: Any) -> list[Term]:  # noqa: ANN401 - whatever holds numbers
    """Make terms of one vector or several: numbers (d,) or (n, d), or .npy files; a list of numbers is one vector."""
    if isinstance(given, list | tuple):
        several = not given or hasattr(given[0], "__len__") or isinstance(given[0], os.PathLike)
        return read_terms(given if several else [given], "vector")
    return read_terms(list(given) if getattr(given, "ndim", 1) == 2 else given, "vector")


def negated(terms: Sequence[Term]) -> list[Term]:
    """Turn each weight round.

    Raises:
        QueryError: One is below 0 already, and would be searched for.
    """
    if any(term.weight < 0 for term in terms):
        raise QueryError("What is not wanted has a weight above 0.", remedy="Leave out the minus: --not 0.5:crowd.")
    return [replace(term, weight=-term.weight) for term in terms]


def split_weight(term: str) -> tuple[float, str]:
    """Split '2:cat' into (2.0, 'cat'); a term without a weight counts 1.

    Raises:
        QueryError: Nothing is left to search for, or the weight is 0.
    """
    match = _WEIGHTED.fullmatch(term)
    weight, rest = (float(match["weight"]), match["rest"]) if match else (1.0, term)
    if not rest.strip():
        raise QueryError("A part of the query is empty.")
    if weight == 0:
        raise QueryError(f"The weight of {shown(term)} is 0, so it would not count.", remedy="Leave it out.")
    return weight, rest


def check_term(term: Term) -> None:
    """Check what can be told without a model, a file or a collection.

    Raises:
        QueryError: It is empty or endless, has no usable weight, or its value is not of its kind.
        ItemNotFound: No id is so large.
    """
    value = term.value
    if not 0 < abs(term.weight) < MAX_WEIGHT:
        raise QueryError(f"The weight of a part must be a number other than 0 below {MAX_WEIGHT:,}.")
    if isinstance(value, str) and not value.strip():
        raise QueryError(f"A part of the query is empty: it cannot search for the {term.kind} {shown(value)}.")
    if isinstance(value, str) and len(value) > MAX_TEXT_CHARS:
        raise QueryError(f"A text to search for may have {MAX_TEXT_CHARS:,} characters, not {len(value):,}.")
    if term.kind == "text" and not isinstance(value, str):
        raise QueryError(f"A query cannot search for the text {shown(value)}: it is no text.")
    if term.kind == "item":
        _check_item(value)


def _check_item(item: object) -> None:
    if isinstance(item, bool) or not isinstance(item, str | int | os.PathLike):
        raise QueryError(f"An item is named by its id or its path, not by {type(item).__name__}.")
    if (isinstance(item, int) and abs(item) >= 2**63) or (
        isinstance(item, str) and item.isdecimal() and len(item) > 19
    ):
        raise ItemNotFound("No item has so large an id.")
