"""What is written in a filter becomes a value of the kind that its field holds."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from mmsearch.where.dates import parse_span
from mmsearch.where.fields import FieldInfo, FieldKind
from mmsearch.where.place import Place
from mmsearch.where.syntax import Scalar

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)
_QUANTITY = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[a-z]+)", re.ASCII | re.IGNORECASE)
_CLOCK = re.compile(r"(?:(?P<hours>\d{1,4}):)?(?P<minutes>\d{1,4}):(?P<seconds>\d\d(?:\.\d+)?)", re.ASCII)
_BYTES = {"b": 1.0, "byte": 1.0, "bytes": 1.0}
_BYTES |= {
    prefix + ending: float(base ** (power + 1))
    for power, prefix in enumerate("kmgt")
    for ending, base in (("", 1000), ("b", 1000), ("ib", 1024))
}
_SECONDS = {
    name: seconds
    for names, seconds in (
        ("ms", 0.001),
        ("s sec secs second seconds", 1.0),
        ("m min mins minute minutes", 60.0),
        ("h hr hrs hour hours", 3600.0),
        ("d day days", 86400.0),
    )
    for name in names.split()
}
_EXPECTED: dict[FieldKind, str] = {
    "number": "a number",
    "size": "a size such as 5MB, 2GiB or 1000",
    "duration": "a length of time such as 90s, 5min, 1:30 or 1h",
    "date": "a date such as 2024, 2024-05-31, 2024-05-31T14:30, yesterday or '7 days ago'",
}


@dataclass(frozen=True, slots=True)
class Written:
    """A value as it is written, without its quotes."""

    text: str
    quoted: bool
    place: Place


def read_value(info: FieldInfo | None, written: Written, now: datetime) -> Scalar:
    """Return the value that a field is compared with.

    Args:
        info: Of the field; None for one of the user's own, which may hold numbers, dates and texts: what is written
            like a number or a date is one, and in quotes it is a text.
        written: The value.
        now: What relative dates count from.

    Raises:
        FilterError: The field has no such values.
    """
    if info is None:
        return _value_of_any(written, now)
    if info.kind == "text":
        return written.text.removeprefix(".") if info.name == "ext" else written.text
    if info.kind == "choice":
        return _choice(info, written)
    value = _READERS[info.kind](written.text.strip(), now)
    if value is None and info.words:
        value = _number_named(written.text.lower(), info.words)
    if value is None:
        named = f" or a name such as {info.words[0]}" if info.words else ""
        raise written.place.error(f"{info.name} is {_EXPECTED[info.kind]}{named}, not {_shown(written.text)}")
    return value


def read_number(text: str, units: dict[str, float] | None = None) -> float | None:
    """Read a finite number, with one of these units or none; None if it is not one."""
    if _NUMBER.fullmatch(text):
        value = float(text)
    elif (match := _QUANTITY.fullmatch(text)) and units and match["unit"].lower() in units:
        value = float(match["number"]) * units[match["unit"].lower()]
    else:
        return None
    return value if math.isfinite(value) else None


def _value_of_any(written: Written, now: datetime) -> Scalar:
    if written.quoted:
        return written.text
    number = read_number(written.text)
    return number if number is not None else parse_span(written.text, now) or written.text


def _choice(info: FieldInfo, written: Written) -> str:
    if (choice := written.text.strip().lower()) not in info.choices:
        raise written.place.error(f"{info.name} is one of {', '.join(info.choices)}, not {_shown(written.text)}")
    return choice


def _number_named(text: str, words: tuple[str, ...]) -> float | None:
    if len(text) < 3:
        return None
    return next((float(number) for number, word in enumerate(words, start=1) if word.startswith(text)), None)


def _seconds(text: str) -> float | None:
    """Read 90, 90s, 1h30min or 1:02:03."""
    if match := _CLOCK.fullmatch(text):
        return int(match["hours"] or 0) * 3600 + int(match["minutes"]) * 60 + float(match["seconds"])
    parts = [match[0].replace(" ", "") for match in _QUANTITY.finditer(text)]
    if len(parts) < 2 or "".join(parts) != text.replace(" ", ""):
        return read_number(text, _SECONDS)
    seconds = [read_number(part, _SECONDS) for part in parts]
    return None if None in seconds else math.fsum(each for each in seconds if each is not None)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:39]}…")


_READERS: dict[FieldKind, Callable[[str, datetime], Scalar | None]] = {
    "number": lambda text, _: read_number(text),
    "size": lambda text, _: read_number(text, _BYTES),
    "duration": lambda text, _: _seconds(text),
    "date": parse_span,
}
