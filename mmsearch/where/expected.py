"""Why a filter cannot be read, in plain words: what stands there, and what could."""

from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from mmsearch.errors import FilterError
from mmsearch.where.place import Place

# What a set of terminals means together; the first that is met is said.
_VALUE = "a value"
_EXPECTED = (
    ({"BARE"}, _VALUE),
    ({"OPERATOR"}, "an operator: =, !=, <, <=, >, >=, IN, LIKE, GLOB, BETWEEN or IS NULL"),
    ({"NAME"}, "a field such as name, size or taken"),
    ({"_OR"}, "AND, OR or the end"),
    ({"COMMA", "RPAR"}, "',' or ')'"),
    ({"COMMA"}, "','"),
    ({"RPAR"}, "')'"),
    ({"LPAR"}, "'('"),
    ({"_AND"}, "AND, as in BETWEEN 1 AND 5"),
    ({"_NULL"}, "NULL, as in IS NULL or IS NOT NULL"),
    ({"_LIKE"}, "IN, LIKE, GLOB or BETWEEN"),
)


def explained(error: UnexpectedInput, text: str) -> FilterError:
    """Say what was expected, after what, and where."""
    position = len(text.rstrip()) if _at_end(error) else error.pos_in_stream or 0
    place = Place(text, position + 1)
    rest = text[position:].lower()
    if rest[:1] in ("'", '"', "`"):
        return place.error(f"the {rest[0]} is never closed")
    wanted = _expected(error)
    if wanted == _VALUE and rest.startswith("null"):
        return place.error("nothing is equal to NULL; write IS NULL or IS NOT NULL")
    return place.error(f"expected {wanted}{_after(text[:position])}")


def _at_end(error: UnexpectedInput) -> bool:
    return isinstance(error, UnexpectedToken) and error.token.type == "$END"


def _expected(error: UnexpectedInput) -> str:
    if isinstance(error, UnexpectedToken):
        terminals = set(error.accepts or error.expected)
    else:
        terminals = set(error.allowed or ()) if isinstance(error, UnexpectedCharacters) else set()
    return next((words for needed, words in _EXPECTED if needed <= terminals), "something else")


def _after(before: str) -> str:
    words = before.split()
    return f" after {words[-1][-40:]!r}" if words else ""
