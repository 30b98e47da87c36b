"""Why a filter cannot be read, in plain words: what stands there, and what could."""

from lark import Lark
from lark.exceptions import UnexpectedInput, UnexpectedToken

from mmsearch.errors import FilterError
from mmsearch.where.place import Place

_VALUE = "a value"
# What a set of terminals means together; the first that is all there is said.
_EXPECTED = (
    ({"BARE"}, _VALUE),
    ({"OPERATOR"}, "an operator: =, !=, <, <=, >, >=, IN, LIKE, GLOB, BETWEEN or IS NULL"),
    ({"NAME"}, "a field such as name, size or taken"),
    ({"$END"}, "AND, OR or the end"),
    ({"COMMA", "RPAR"}, "',' or ')'"),
    ({"COMMA"}, "','"),
    ({"RPAR"}, "')'"),
    ({"LPAR"}, "'('"),
    ({"_AND"}, "AND, as in BETWEEN 1 AND 5"),
    ({"_NULL"}, "NULL, as in IS NULL or IS NOT NULL"),
    ({"_LIKE"}, "IN, LIKE, GLOB or BETWEEN"),
)


def explained(error: UnexpectedInput, text: str, parser: Lark) -> FilterError:
    """Say what was expected, after what, and where."""
    at_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    position = len(text.rstrip()) if at_end else error.pos_in_stream or 0
    before, rest = text[:position], text[position:].lower()
    place = Place(text, position + 1)
    if rest[:1] in ("'", '"', "`"):
        return place.error(f"the {rest[0]} is never closed")
    wanted = _wanted(before, parser)
    if wanted == _VALUE and rest.startswith("null"):
        return place.error("nothing is equal to NULL; write IS NULL or IS NOT NULL")
    return place.error(f"expected {wanted}{_after(before)}")


def _wanted(before: str, parser: Lark) -> str:
    """Say what could come next: what the end of the filter there would be refused for."""
    terminals = {"$END"}
    try:
        parser.parse(before)
    except UnexpectedToken as error:
        terminals = set(error.accepts or error.expected)
    return next((words for needed, words in _EXPECTED if needed <= terminals), "something else")


def _after(before: str) -> str:
    words = before.split()
    return f" after {words[-1][-40:]!r}" if words else ""
