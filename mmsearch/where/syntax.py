"""Conditions as values: what a parsed filter is made of.

    Condition
    ├── And, Or, Not                            of conditions
    ├── Comparison, Between, OneOf              a field and values
    ├── Like, Glob                              a field and a pattern
    ├── IsNull                                  a field that is absent
    └── Within, Near                            the place where a picture was taken

The logic is SQL's: what is said of an absent field is neither true nor false, and so is its opposite. A field with
several values meets a test if one of them does; `!=` and the other negative tests are the opposite, so that no value
may meet them. Tags are a set, which is empty rather than absent: its tests are false then, and their opposites true.
"""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from mmsearch.where.dates import Span
from mmsearch.where.place import NOWHERE, Place

Scalar: TypeAlias = str | float | Span
Operator = Literal["=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of files: the `name` of a `fields.FieldInfo`, or of a field of the user's own."""

    name: str
    place: Place = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field compared with a value. A `Span` is equal to all that lies in it, and below what comes after it."""

    field: Field
    operator: Operator
    value: Scalar


@dataclass(frozen=True, slots=True)
class Between:
    """A value from `low` to `high`, both included."""

    field: Field
    low: Scalar
    high: Scalar


@dataclass(frozen=True, slots=True)
class OneOf:
    """A value equal to one of several."""

    field: Field
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Like:
    """A text that fits a pattern, whatever its case: % is any characters, _ is one."""

    field: Field
    pattern: str


@dataclass(frozen=True, slots=True)
class Glob:
    """A text that fits a pattern in the same case: * is any characters, ? is one, [a-z] one of these."""

    field: Field
    pattern: str


@dataclass(frozen=True, slots=True)
class IsNull:
    """A field without a value."""

    field: Field


@dataclass(frozen=True, slots=True)
class Within:
    """A place in a box, in degrees; one whose west lies east of its east goes over the date line."""

    south: float
    west: float
    north: float
    east: float


@dataclass(frozen=True, slots=True)
class Near:
    """A place at most so many kilometres away, over the sphere."""

    lat: float
    lon: float
    km: float


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    term: "Condition"


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    terms: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of them."""

    terms: tuple["Condition", ...]


FieldTest: TypeAlias = Comparison | Between | OneOf | Like | Glob | IsNull
Condition: TypeAlias = FieldTest | Within | Near | Not | And | Or


@dataclass(frozen=True, slots=True)
class Order:
    """A field to sort by; files without it come last either way."""

    field: Field
    descending: bool = False
