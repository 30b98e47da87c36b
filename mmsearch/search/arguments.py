"""The values that a search may be told, checked: whatever a program or a JSON object has in their place is refused."""

import operator
import re
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any, NoReturn

from mmsearch.errors import QueryError
from mmsearch.types import MODALITIES, Modality

OneOrMore = str | Sequence[str]

_QUOTA = re.compile("[0-9]{1,6}")
_QUOTA_KINDS: tuple[Modality, ...] = ("image", "audio", "text")  # what a segment can be
_MAX_QUOTA = 999_999
_MAX_SHOWN = 80


def text(given: object, name: str) -> str:
    """Take a text.

    Raises:
        QueryError: It is none; so do all functions below.
    """
    return given if isinstance(given, str) else _refuse(given, name, "a text")


def whole(given: Any, name: str) -> int:  # noqa: ANN401 - also numpy's integers
    """Take a whole number."""
    if isinstance(given, bool) or not hasattr(type(given), "__index__"):
        _refuse(given, name, "a whole number")
    try:
        return operator.index(given)
    except TypeError:  # an array of several
        _refuse(given, name, "a whole number")


def number(given: object, name: str) -> float:
    """Take a number."""
    if isinstance(given, bool) or not isinstance(given, Real):
        _refuse(given, name, "a number")
    try:
        return float(given)
    except OverflowError:
        _refuse(given, name, "a number of usual size")


def yes_or_no(given: object, name: str) -> bool:
    """Take True or False."""
    return given if isinstance(given, bool) else _refuse(given, name, "true or false")


def several(given: object, name: str) -> list[Any]:
    """Take a list."""
    return list(given) if isinstance(given, list | tuple) else _refuse(given, name, "a list")


def listed(one_or_more: OneOrMore) -> list[str]:
    """Return one text, or several, as a list."""
    return [one_or_more] if isinstance(one_or_more, str) else list(one_or_more)


def parse_modalities(names: str | Iterable[str]) -> frozenset[Modality]:
    """Read "image,text", ["image,text"] or ["image", "text"]."""
    given = set(_names(names, "modality"))
    if unknown := sorted(given - set(MODALITIES)):
        raise QueryError(f"There is no modality {shown(unknown[0])}; known: {', '.join(MODALITIES)}.")
    return frozenset(modality for modality in MODALITIES if modality in given)


def parse_quotas(given: str | Iterable[str] | Mapping[str, int]) -> dict[Modality, int]:
    """Read "image=5,audio=3", a list of such, or a mapping."""
    pairs = given.items() if isinstance(given, Mapping) else [_pair(each) for each in _names(given, "quotas")]
    return {_quota_kind(name): _quota(limit) for name, limit in pairs}


def shown(value: object) -> str:
    """Write what was given for a message, however long or strange it is."""
    try:
        return repr(value[:_MAX_SHOWN] if isinstance(value, str | bytes) else value)[:_MAX_SHOWN]
    except (ValueError, RecursionError):  # thousands of digits; nested without end
        return f"a value of type {type(value).__name__}"


def _names(given: object, name: str) -> list[str]:
    """Split texts at their commas."""
    several = given if isinstance(given, list | tuple | set | frozenset) else [given]
    return [part.strip() for each in several for part in text(each, name).split(",") if part.strip()]


def _quota_kind(name: object) -> Modality:
    for kind in _QUOTA_KINDS:
        if kind == name:
            return kind
    raise QueryError(
        f"A quota is for {', '.join(_QUOTA_KINDS)}, not {shown(name)}.",
        remedy="Write image=5. What is found in a video counts as image, audio or text.",
    )


def _pair(written: str) -> tuple[str, str]:
    name, _, limit = written.partition("=")
    return name.strip(), limit.strip()


def _quota(limit: object) -> int:
    if isinstance(limit, str):
        found = int(limit) if _QUOTA.fullmatch(limit) else -1
    else:
        found = whole(limit, "quotas")
    if not 0 <= found <= _MAX_QUOTA:
        raise QueryError(f"A quota is written image=5, not image={shown(limit)}.")
    return found


def _refuse(given: object, name: str, expected: str) -> NoReturn:
    raise QueryError(f"{name!r} of a query must be {expected}, not {shown(given)}.")
