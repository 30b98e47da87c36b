"""A value in SQL and what it can be compared with, by what it holds: a number, a text, a time, or any of them."""

import operator
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mmsearch.catalog.sql_functions import folded, storable
from mmsearch.where.dates import Span, span_of_year
from mmsearch.where.fold import fold
from mmsearch.where.syntax import Operator, Scalar

Column = sa.ColumnElement[Any]
Test = sa.ColumnElement[bool]

_COMPARE: dict[Operator, Callable[[Column, Any], Test]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_LIKE_A_DATE = "[0-9][0-9][0-9][0-9]-[0-9][0-9]*"
_LIKE_A_YEAR = "[0-9][0-9][0-9][0-9]"


@dataclass(frozen=True, slots=True)
class Cell(ABC):
    """One value; each test of it is true, false, or NULL if there is none."""

    value: Column

    @abstractmethod
    def compare(self, operator: Operator, value: Scalar) -> Test:
        """Compare with a value of the kind that `where.values` makes for it."""

    def between(self, low: Scalar, high: Scalar) -> Test:
        """Compare with both ends, which are included."""
        return sa.and_(self.compare(">=", low), self.compare("<=", high))

    def one_of(self, values: Sequence[Scalar]) -> Test:
        """Test for equality with one of several."""
        # Not a chain of OR, which would be too deep an expression for SQLite.
        return told(*(self.compare("=", value) for value in values), known=self.value.is_not(None))

    def like(self, pattern: str) -> Test:
        """Test for a pattern of % and _, whatever the case."""
        return folded(self.value).like(fold(storable(pattern)))

    def glob(self, pattern: str) -> Test:
        """Test for a pattern of *, ? and [...], in the same case."""
        return self.value.bool_op("GLOB")(storable(pattern))


class NumberCell(Cell):
    """A number."""

    def compare(self, operator: Operator, value: Scalar) -> Test:
        """Compare as numbers."""
        return _COMPARE[operator](self.value, value)

    def one_of(self, values: Sequence[Scalar]) -> Test:
        """Look into the list."""
        return self.value.in_(values)


class TextCell(Cell):
    """A text."""

    def compare(self, operator: Operator, value: Scalar) -> Test:
        """Compare in the order of code points, whatever the case."""
        return _COMPARE[operator](folded(self.value), _folded(value))

    def one_of(self, values: Sequence[Scalar]) -> Test:
        """Look into the list."""
        return folded(self.value).in_([_folded(value) for value in values])


class FolderCell(TextCell):
    """The path of a folder, which is equal to each folder that it lies in or below."""

    def compare(self, operator: Operator, value: Scalar) -> Test:
        """Compare whole names: a full path with the beginning, any other with every part."""
        if operator != "=":
            return TextCell.compare(self, operator, value)
        given = os.path.expanduser(str(value))
        wanted = _folded(given).strip(os.sep) + os.sep
        path = sa.func.rtrim(folded(self.value), os.sep) + os.sep  # the root is that already
        if not given.startswith(os.sep):
            return sa.func.instr(path, os.sep + wanted) > 0
        wanted = os.sep + wanted.lstrip(os.sep)
        return sa.func.substr(path, 1, len(wanted)) == wanted

    def one_of(self, values: Sequence[Scalar]) -> Test:
        """Compare with each."""
        return Cell.one_of(self, values)


@dataclass(frozen=True, slots=True)
class TimeCell(Cell):
    """A time.

    Attributes:
        ends: Writes both ends of a span as `value` is written.
    """

    ends: Callable[[Span], tuple[Any, Any]]

    def compare(self, operator: Operator, value: Scalar) -> Test:
        """Compare with what lies within, before or after a span."""
        if not isinstance(value, Span):
            raise TypeError(f"a time is compared with a span, not {value!r}")
        low, high = self.ends(value)
        tests: dict[Operator, Test] = {
            "=": sa.and_(self.value >= low, self.value < high),
            "<": self.value < low,
            "<=": self.value < high,
            ">": self.value >= high,
            ">=": self.value >= low,
        }
        return tests[operator]


@dataclass(frozen=True, slots=True)
class AnyCell(Cell):
    """A text that may also be a number or a date.

    Attributes:
        number: The same as a number, or NULL.
    """

    number: Column

    def compare(self, operator: Operator, value: Scalar) -> Test:
        """Compare as what is asked for: with a number only numbers, with a date only dates, with a text all."""
        if isinstance(value, Span):
            return self._compare_dates(operator, value)
        if isinstance(value, str):
            return TextCell(self.value).compare(operator, value)
        as_number = NumberCell(self.number).compare(operator, value)
        if value != int(value) or not 1000 <= value <= 9998:
            return as_number
        dates = self._compare_dates(operator, span_of_year(int(value)))
        return sa.or_(as_number, sa.and_(self.number.is_(None), dates))

    def _compare_dates(self, operator: Operator, span: Span) -> Test:
        is_date = sa.or_(self.value.bool_op("GLOB")(_LIKE_A_DATE), self.value.bool_op("GLOB")(_LIKE_A_YEAR))
        time = sa.func.replace(sa.func.substr(self.value, 1, 19), " ", "T", type_=sa.Text)
        return sa.and_(is_date, TimeCell(time, iso_ends).compare(operator, span))


def told(*holds: Test, known: Test) -> Test:
    """Return SQL: true if one of these holds, false if not, and NULL if there is nothing to hold of."""
    return sa.case(*((test, sa.true()) for test in holds), (known, sa.false()), else_=sa.null())


def iso_ends(span: Span) -> tuple[str, str]:
    """Write a span as texts between which the ISO texts of its times sort, however much of a time they say."""
    return span.texts


def _folded(value: Scalar) -> str:
    return fold(storable(str(value)))
