"""What a record says of a media file besides captions: its other keys become the user's own fields."""

import math
import re
from collections.abc import Container, Iterable, Iterator
from functools import lru_cache
from itertools import islice
from numbers import Integral, Real

from mmsearch.media.sidecar import cleaned
from mmsearch.types import MAX_FIELD_VALUES, Fields, FieldValue
from mmsearch.where.fields import BUILTIN_FIELDS, normal_name

TAGS = "tags"
TAG_KEYS = frozenset({TAGS, *BUILTIN_FIELDS[TAGS].aliases})
"""The keys of a record, in lower case, that become the field `tags`."""

MAX_FIELDS = 64  # of one file, as one sidecar or table has them
MAX_NAME_CHARS = 64
MAX_TEXT_CHARS = 1_000

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_TAG = re.compile(r"[^,;]+")
_HUGE_BITS = 3_320  # of an integer with 1,000 digits


class FieldSheet:
    """Collects the fields of media files, record by record.

    The limits hold for each file, however many records are about it; what comes beyond them is left out.

    Attributes:
        values: How many there are by now.
    """

    def __init__(self) -> None:
        self.values = 0
        self._files: dict[str, dict[str, dict[FieldValue, None]]] = {}

    def add(self, about: str, record: object, *, without: Container[str] = ()) -> None:
        """Take the fields of one JSON object or table row; anything else has none.

        Args:
            about: Absolute path of the media file.
            record: Whatever JSON or a table can hold.
            without: Keys, in lower case, that are no fields.
        """
        fields = self._files.setdefault(about, {})
        for name, value in fields_in(record, without=without):
            if name not in fields and len(fields) == MAX_FIELDS:
                return  # a record may have a million keys
            values = fields.setdefault(name, {})
            if value not in values and len(values) < MAX_FIELD_VALUES:
                values[value] = None
                self.values += 1

    def fields(self) -> tuple[Fields, ...]:
        """Return what was collected; files without any field are left out."""
        return tuple(
            Fields(about, {name: tuple(values) for name, values in fields.items()})
            for about, fields in self._files.items()
            if fields
        )


def fields_in(record: object, *, without: Container[str] = ()) -> Iterator[tuple[str, FieldValue]]:
    """Yield (name, value) of all scalars in a record, one level of objects deep, also out of lists.

    Names are made by `field_name`.
    """
    for key, value in record.items() if isinstance(record, dict) else ():
        known = key.strip().lower() if isinstance(key, str) else ""  # a row that is too long has a key None
        if known in TAG_KEYS:
            yield from _plain_values(TAGS, _items(split_tags(value) if isinstance(value, str) else value))
        elif known and known not in without:
            yield from _named_values(known, value)


def _named_values(key: str, value: object) -> Iterator[tuple[str, FieldValue]]:
    """Yield the values of a key; those of objects under it as key.inner."""
    for each in _items(value):
        if isinstance(each, dict):
            for inner, scalar in each.items():
                yield from _plain_values(field_name(f"{key}.{inner}"), _items(scalar))
        else:
            yield from _plain_values(field_name(key), [each])


def _plain_values(name: str, values: Iterable[object]) -> Iterator[tuple[str, FieldValue]]:
    if name:
        yield from ((name, said) for each in values if (said := field_value(each)))


def _items(value: object) -> Iterator[object]:
    return islice(value if isinstance(value, list) else [value], MAX_FIELD_VALUES)


def field_name(key: str) -> str:
    """Make a name of a key. One that every file has by itself, or that begins with no letter, gets 'own.' before it.

    Returns:
        The name; empty if nothing or too much is left.
    """
    return _field_name(key[: 4 * MAX_NAME_CHARS])  # enough to see that it is too long


@lru_cache(maxsize=4096)  # the rows of a table have the same keys
def _field_name(key: str) -> str:
    name = normal_name(key)
    if name and (name in BUILTIN_FIELDS or not name[0].isalpha()):
        name = f"own.{name}"
    return name if len(name) <= MAX_NAME_CHARS else ""


def split_tags(text: str) -> list[str]:
    """Return the tags in a text, parted by commas or semicolons; at most one more than a field may have."""
    tags = (match[0] for match in _TAG.finditer(text) if match[0].strip())
    return list(islice(tags, MAX_FIELD_VALUES + 1))


def field_value(value: object) -> FieldValue | None:
    """Make a value of a scalar; None of anything else, of NaN and infinity, and of texts that are empty or too long.

    A text that is a plain decimal number, or true or false, keeps its text and gets the number too.
    """
    if isinstance(value, str):
        return _of_text(cleaned(value))
    if isinstance(value, bool):
        return FieldValue("true" if value else "false", float(value))
    if isinstance(value, Integral):
        return _of_integer(int(value))
    return _of_float(float(value)) if isinstance(value, Real) else None


def _of_integer(value: int) -> FieldValue | None:
    return None if value.bit_length() > _HUGE_BITS else FieldValue(str(value), _finite(str(value)))


def _of_float(value: float) -> FieldValue | None:
    if not math.isfinite(value):
        return None
    return FieldValue(repr(value + 0.0).removesuffix(".0"), value + 0.0)  # + 0.0: no -0


def _of_text(text: str) -> FieldValue | None:
    if not 0 < len(text) <= MAX_TEXT_CHARS:
        return None
    if text.lower() in ("true", "false"):
        return FieldValue(text, float(text.lower() == "true"))
    return FieldValue(text, _finite(text) if _DECIMAL.fullmatch(text) else None)


def _finite(decimal: str) -> float | None:
    number = float(decimal)
    return number if math.isfinite(number) else None
