"""Why a filter cannot be read, in plain words: what stands there, and what could."""

import re

from lark import Lark
from lark.exceptions import UnexpectedInput, UnexpectedToken

from mmsearch.errors import FilterError
from mmsearch.where.fields import PLACE_TESTS
from mmsearch.where.place import Place

_VALUE = "a value"
_FIELD = "a field such as name, size or taken"
_OPERATOR = "an operator: =, !=, <, <=, >, >=, IN, LIKE, GLOB, BETWEEN or IS NULL"
# What a set of terminals means together; the first that is all there is said.
_EXPECTED = (
    ({"BARE"}, _VALUE),
    ({"OPERATOR"}, _OPERATOR),
    ({"NAME"}, _FIELD),
    ({"$END"}, "AND, OR or the end"),
    ({"COMMA", "RPAR"}, "',' or ')'"),
    ({"COMMA"}, "','"),
    ({"RPAR"}, "')'"),
    ({"LPAR"}, "'('"),
    ({"_AND"}, "AND, as in BETWEEN 1 AND 5"),
    ({"_NULL"}, "NULL, as in IS NULL or IS NOT NULL"),
    ({"_LIKE"}, "IN, LIKE, GLOB or BETWEEN"),
)
_IN_BACKTICKS = "a field with blanks or odd signs is written in backticks: `my field`"
_CLOSED = re.compile(r"""'[^']*'|"[^"]*"|`[^`]*`""")
_REST_OF_NAME = re.compile(  # what follows the first word of such a field: up to five others, and an operator
    r"""[^\w=<>!()'",`]*(?:\b(?!(?:and|or)\b)\w+[^\w=<>!()'",`]*){1,5}?(?:[=<>!]|\b(?:in|like|glob|between|is)\b)""",
    re.IGNORECASE,
)
_IN_PLACE_TEST = re.compile(r"(?<![\w.:-])(near|within)\s*\([^()'\"]*$", re.ASCII | re.IGNORECASE)


def explained(error: UnexpectedInput, text: str, parser: Lark) -> FilterError:
    """Say what was expected, after what, and where."""
    at_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    position = len(text.rstrip()) if at_end else error.pos_in_stream or 0
    before, rest = text[:position], text[position:].lower()
    place = Place(text, position + 1)
    if rest[:1] in ("'", '"', "`") and not _CLOSED.match(rest):
        return place.error(f"the {rest[0]} is never closed")
    wanted = _wanted(before, parser)
    if wanted == _VALUE and rest.startswith("null"):
        return place.error("nothing is equal to NULL; write IS NULL or IS NOT NULL")
    return place.error(f"expected {wanted}{_after(before)}{_hint(wanted, before, rest)}")


def _wanted(before: str, parser: Lark) -> str:
    """Say what could come next: what the end of the filter there would be refused for."""
    terminals = {"$END"}
    try:
        parser.parse(before)
    except UnexpectedToken as error:
        terminals = set(error.accepts or error.expected)
    return next((words for needed, words in _EXPECTED if needed <= terminals), "something else")


def _hint(wanted: str, before: str, rest: str) -> str:
    """Say what was probably meant, for mistakes that many make."""
    if within := _IN_PLACE_TEST.search(before):
        test = next(each for each in PLACE_TESTS if each.name == within[1].lower())
        return f"; {test.name} takes {test.arguments}: {test.example}"
    if wanted == _FIELD and rest[:1] in ("'", '"'):
        return f"; quotes are for values, and {_IN_BACKTICKS}"
    if wanted == _OPERATOR and _REST_OF_NAME.match(rest):
        return f"; {_IN_BACKTICKS}"
    return ""


def _after(before: str) -> str:
    words = before.split()
    return f" after {words[-1][-40:]!r}" if words else ""
