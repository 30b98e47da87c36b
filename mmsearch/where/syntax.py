"""Conditions as values: what a parsed filter is made of."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Scalar: TypeAlias = str | float | int | bool
Operator = Literal["=", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Field:
    """A field as it is named in a filter.

    Attributes:
        column: Where it stands in the text, from 1, for error messages.
    """

    name: str
    column: int = 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field compared with a value."""

    field: Field
    operator: Operator
    value: Scalar


Condition: TypeAlias = Comparison


@dataclass(frozen=True, slots=True)
class Order:
    """A field to sort by."""

    field: Field
    descending: bool = False
