"""A filter as text becomes a condition, by the grammar in grammar.lark."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from mmsearch.where.place import Place
from mmsearch.where.syntax import Condition

if TYPE_CHECKING:
    from lark import Lark

MAX_CHARS = 10_000
MAX_DEPTH = 50  # parentheses within parentheses

_BRACKETS = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|[()]")


def parse_where(text: str, *, now: datetime | None = None) -> Condition:
    """Read a filter such as "taken >= 2020 AND (tag = beach OR size > 5MB)"; docs/where.md has the language.

    Args:
        text: At most 10,000 characters.
        now: What relative dates such as 'yesterday' count from; by default the time of this call.

    Raises:
        FilterError: It cannot be read; the message points at the place.
    """
    _check_limits(text)
    from lark.exceptions import UnexpectedInput, VisitError

    from mmsearch.where.build import ConditionBuilder
    from mmsearch.where.expected import explained

    parser = _parser()
    try:
        tree = parser.parse(text)
    except UnexpectedInput as error:
        raise explained(error, text, parser) from None
    try:
        condition: Condition = ConditionBuilder(text, now or datetime.now()).transform(tree)
    except VisitError as error:
        raise error.orig_exc from None
    return condition


@cache
def _parser() -> Lark:
    # Not at the top: importing lark and making the tables takes some 50 ms, which a search without a filter saves.
    from lark import Lark

    grammar = files("mmsearch.where").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer="contextual", maybe_placeholders=False)


def _check_limits(text: str) -> None:
    if len(text) > MAX_CHARS:
        raise Place(text, MAX_CHARS + 1).error(f"a filter may have {MAX_CHARS:,} characters, not {len(text):,}")
    depth = 0
    for match in _BRACKETS.finditer(text):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth > MAX_DEPTH:
            raise Place(text, match.start() + 1).error(f"more than {MAX_DEPTH} parentheses are open here")
