"""The grammar of one part of a query, the same on the command line, in Python and in JSON.

    part   = [weight ":"] [kind ":"] value
    weight = a number, below 0 to steer away: "2:cat", "-0.5:crowd"
    kind   = "text" | "image" | "audio" | "item" | "vector"

Without a kind it is what the option says, such as a file for --image, and else a text. A text that begins like a
weight or a kind is written "1:text:12:30 train".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from mmsearch.errors import QueryError

TermKind = Literal["text", "image", "audio", "item", "vector"]
TERM_KINDS: tuple[TermKind, ...] = get_args(TermKind)
MAX_TERMS = 100
MAX_TEXT_CHARS = 100_000

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
    """Read one part that was written as a text.

    Args:
        text: As the grammar above has it.
        kind: What it is if it does not say; only texts may say.

    Raises:
        QueryError: Nothing is left to search for, or the weight is 0.
    """
    weight, rest = split_weight(text)
    match = _OF_KIND.fullmatch(rest) if kind == "text" else None
    if match:
        kind = next(each for each in TERM_KINDS if each == match["kind"])
        rest = match["rest"]
    if kind == "text" and len(rest) > MAX_TEXT_CHARS:
        raise QueryError(f"A text to search for may have {MAX_TEXT_CHARS:,} characters, not {len(rest):,}.")
    return Term(kind, rest, weight)


def read_terms(given: object, kind: TermKind) -> list[Term]:
    """Make terms of one value or a list of them; those that are texts may have a weight."""
    values = given if isinstance(given, list | tuple) else [given]
    return [read_term(value, kind) if isinstance(value, str) else Term(kind, value) for value in values]


def negated(terms: Sequence[Term]) -> list[Term]:
    """Turn each weight round."""
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
        raise QueryError(f"The weight of {term!r} is 0, so it would not count.", remedy="Leave it out.")
    return weight, rest
