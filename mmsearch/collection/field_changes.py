"""What the user asks of his own fields, checked: names and values as Python or the command line give them."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from mmsearch.catalog.records import FieldChange, FieldOperation
from mmsearch.errors import UsageError
from mmsearch.media.fields import MAX_FIELDS, MAX_NAME_CHARS, MAX_TEXT_CHARS, TAG_KEYS, TAGS, field_value, split_tags
from mmsearch.types import MAX_FIELD_VALUES, FieldValue, Plain
from mmsearch.where.fields import BUILTIN_FIELDS, normal_name

Given: TypeAlias = Plain | Sequence[Plain]

_NAME = re.compile(r"[^\W\d_][\w.-]*")


def read_changes(
    fields: Mapping[str, Given | None], add: Mapping[str, Given], remove: Mapping[str, Given]
) -> tuple[FieldChange, ...]:
    """Check what is asked for: fields to replace, then values to add, then values to remove.

    Raises:
        UsageError: A name or a value cannot be one, nothing is asked for, or too much.
    """
    changes = [
        *(_change(name, "set", given) for name, given in fields.items()),
        *(_change(name, "add", given) for name, given in add.items()),
        *(_change(name, "remove", given) for name, given in remove.items()),
    ]
    if not changes:
        raise UsageError("There is no field to set.", remedy="Give fields with values, such as rating=5.")
    if len(changes) > MAX_FIELDS:
        raise UsageError(f"More than {MAX_FIELDS} fields were given.", remedy="Set them in several calls.")
    return tuple(changes)


def _change(name: str, operation: FieldOperation, given: Given | None) -> FieldChange:
    name = checked_name(name)
    if given is None and operation != "set":
        raise UsageError(f"There is no value to {operation} in the field {name!r}.", remedy="Give one.")
    return FieldChange(name, operation, () if given is None else _values(name, given))


def checked_name(name: str) -> str:
    """Return the name of a field of the user's own as it is stored; `tag` is `tags`.

    Raises:
        UsageError: It cannot be one, or a filter knows it as something else.
    """
    stored = normal_name(name.strip())
    if stored in TAG_KEYS:
        return TAGS
    if not _NAME.fullmatch(name.strip()) or len(stored) > MAX_NAME_CHARS:
        raise UsageError(
            f"{name!r} cannot be the name of a field.",
            remedy=f"Begin with a letter and use letters, digits, _ . and - only, at most {MAX_NAME_CHARS}.",
        )
    if stored in BUILTIN_FIELDS:
        raise UsageError(f"Every file has {name!r} by itself: it cannot be set.", remedy=f"Call it own.{stored}.")
    return stored


def _values(name: str, given: Given) -> tuple[FieldValue, ...]:
    several: Sequence[object] = given if isinstance(given, list | tuple) else [given]
    if name == TAGS:
        several = [tag for each in several for tag in (split_tags(each) if isinstance(each, str) else [each])]
    values = tuple(dict.fromkeys(_value(name, each) for each in several))
    if not 0 < len(values) <= MAX_FIELD_VALUES:
        raise UsageError(f"The field {name!r} was given {len(values)} values.", remedy=f"Give 1 to {MAX_FIELD_VALUES}.")
    return values


def _value(name: str, given: object) -> FieldValue:
    value = field_value(given)
    if value is None:
        shown = repr(given)[:80]
        raise UsageError(
            f"{shown} cannot be a value of the field {name!r}.",
            remedy=f"Give a text of 1 to {MAX_TEXT_CHARS:,} characters, a finite number, or true or false.",
        )
    return value
