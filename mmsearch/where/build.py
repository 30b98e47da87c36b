"""The tree of a parsed filter becomes a condition; values are read as their fields need them."""

from collections.abc import Iterable
from datetime import datetime

from lark import Token, Transformer, v_args

from mmsearch.where.fields import BUILTIN_FIELDS, FieldInfo, field_at
from mmsearch.where.place import Place
from mmsearch.where.syntax import (
    And,
    Between,
    Comparison,
    Condition,
    Field,
    Glob,
    IsNull,
    Like,
    Near,
    Not,
    OneOf,
    Operator,
    Or,
    Scalar,
    Within,
)
from mmsearch.where.values import Written, read_number, read_value

MAX_TESTS = 200  # SQLite takes expressions of a depth of 1,000
MAX_VALUES = 1_000  # in one list

_OPERATORS: dict[str, tuple[Operator, bool]] = {
    "=": ("=", True),
    "==": ("=", True),
    "!=": ("=", False),
    "<>": ("=", False),
    "<": ("<", True),
    "<=": ("<=", True),
    ">": (">", True),
    ">=": (">=", True),
}
_KM = {"km": 1.0, "m": 0.001}


@v_args(inline=True)
class ConditionBuilder(Transformer[Token, Condition]):
    """Makes a condition of a tree, from the leaves up: a method for each rule of the grammar.

    Args:
        text: The filter.
        now: What relative dates count from.
    """

    def __init__(self, text: str, now: datetime) -> None:
        super().__init__()
        self._text = text
        self._now = now
        self._tests = 0

    def field(self, name: Token) -> Field:
        """Take a name, which may be quoted by backticks."""
        self._tests += 1
        if self._tests > MAX_TESTS:
            raise self._place(name).error(f"a filter may have {MAX_TESTS} conditions; a list is written: tag IN (a, b)")
        return field_at(name.strip("`"), self._place(name))

    def value(self, token: Token) -> Written:
        """Take a value out of its quotes."""
        quote = token[0] if token.type == "STRING" else ""
        text = str(token)[1:-1].replace(quote * 2, quote) if quote else str(token)
        return Written(text, bool(quote), self._place(token))

    def comparison(self, field: Field, operator: Token, value: Written) -> Condition:
        """Make `!=` the opposite of `=`."""
        meaning, holds = _OPERATORS[operator]
        return _or_not(Comparison(field, meaning, self._read(field, value)), not holds)

    def one_of(self, field: Field, *rest: Token | Written) -> Condition:
        """Make a list."""
        negated, values = _negation(rest)
        if len(values) > MAX_VALUES:
            raise values[MAX_VALUES].place.error(f"a list may have {MAX_VALUES:,} values")
        return _or_not(OneOf(field, tuple(self._read(field, value) for value in values)), negated)

    def between(self, field: Field, *rest: Token | Written) -> Condition:
        """Make a range."""
        negated, (low, high) = _negation(rest)
        return _or_not(Between(field, self._read(field, low), self._read(field, high)), negated)

    def like(self, field: Field, *rest: Token | Written) -> Condition:
        """Make a pattern in any case."""
        negated, (pattern,) = _negation(rest)
        return _or_not(Like(field, self._pattern("LIKE", field, pattern)), negated)

    def glob(self, field: Field, *rest: Token | Written) -> Condition:
        """Make a pattern in the same case."""
        negated, (pattern,) = _negation(rest)
        return _or_not(Glob(field, self._pattern("GLOB", field, pattern)), negated)

    def is_null(self, field: Field, *negation: Token) -> Condition:
        """Make a test for absence."""
        return _or_not(IsNull(field), bool(negation))

    def within(self, *corners: Written) -> Condition:
        """Make a box; either latitude may come first, but of the longitudes the one that the box begins with."""
        south, north = sorted((_degrees(corners[0], 90), _degrees(corners[2], 90)))
        west, east = _degrees(corners[1], 180), _degrees(corners[3], 180)
        if 0 < west - east < 180:  # over the date line and most of the world: the corners are in the wrong order
            raise corners[1].place.error(
                f"the box would go east from here around the world; the western longitude, {east:g}, comes first"
            )
        return Within(south, west, north, east)

    def near(self, lat: Written, lon: Written, distance: Written) -> Condition:
        """Make a circle."""
        km = read_number(distance.text, _KM)
        if km is None or km < 0:
            raise distance.place.error("expected a distance in km, such as 5 or 300m")
        return Near(_degrees(lat, 90), _degrees(lon, 180), km)

    def negated(self, *parts: Token | Condition) -> Condition:
        """Count the NOTs: two cancel out."""
        (condition,) = (part for part in parts if not isinstance(part, Token))
        return _or_not(condition, len(parts) % 2 == 0)

    def all_of(self, *terms: Condition) -> Condition:
        """Join with AND."""
        return And(terms)

    def any_of(self, *terms: Condition) -> Condition:
        """Join with OR."""
        return Or(terms)

    def _read(self, field: Field, value: Written) -> Scalar:
        return read_value(_info(field), value, self._now)

    def _pattern(self, operator: str, field: Field, pattern: Written) -> str:
        info = _info(field)
        if info and info.kind not in ("text", "choice"):
            raise pattern.place.error(
                f"{operator} is for texts, but {info.name} is a {info.kind}; write {info.example}"
            )
        return pattern.text

    def _place(self, token: Token) -> Place:
        return Place(self._text, (token.start_pos or 0) + 1)


def _info(field: Field) -> FieldInfo | None:
    return BUILTIN_FIELDS.get(field.name)


def _negation(parts: Iterable[Token | Written]) -> tuple[bool, list[Written]]:
    """Tell whether there is a NOT before the values, and return these."""
    values = [part for part in parts if isinstance(part, Written)]
    return any(isinstance(part, Token) for part in parts), values


def _or_not(test: Condition, negated: bool) -> Condition:
    if not negated:
        return test
    return test.term if isinstance(test, Not) else Not(test)


def _degrees(written: Written, limit: float) -> float:
    degrees = read_number(written.text)
    if degrees is None or abs(degrees) > limit:
        raise written.place.error(f"expected degrees from -{limit} to {limit}")
    return degrees
