"""Long lists of values in SQL: one expanding IN holds only so many."""

from collections.abc import Collection, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

MAX_VALUES = 5_000  # SQLite takes 32,766 variables a statement


def chunks(values: Collection[T]) -> Iterator[list[T]]:
    """Split into lists that fit into one statement, in order."""
    remaining = iter(values)
    while chunk := list(islice(remaining, MAX_VALUES)):
        yield chunk
