"""Dates as people write them: each is a span of time, such as all of 2024."""

import calendar
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

_ISO = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d?)(?:-(?P<day>\d\d?)"
    r"(?:[T ](?P<hour>\d\d?):(?P<minute>\d\d)(?::(?P<second>\d\d))?)?)?)?",
    re.ASCII | re.IGNORECASE,
)
_AGO = re.compile(
    r"(?:(?P<back>\d{1,6})\s*(?P<unit>[a-z]+)\s+ago|-(?P<less>\d{1,6})(?P<short>[a-z]+))", re.ASCII | re.IGNORECASE
)
_DAYS = {"d": 1, "day": 1, "w": 7, "week": 7}
_MONTHS = {"mo": 1, "month": 1, "y": 12, "year": 12}
_SECONDS = {"s": 1, "second": 1, "min": 60, "minute": 60, "h": 3600, "hour": 3600}
_CHARS = {"year": 4, "month": 7, "day": 10, "minute": 16, "second": 19}  # of an ISO date that ends there
_STEPS = {"day": timedelta(days=1), "minute": timedelta(minutes=1), "second": timedelta(seconds=1)}


@dataclass(frozen=True, slots=True)
class Span:
    """The time from `low` until just before `high`, by the clock on the wall: no zone.

    Attributes:
        chars: How much of the ISO form was said: 4 for a year, 7 a month, 10 a day, 16 a minute, 19 a second.
    """

    low: datetime
    high: datetime
    chars: int

    @property
    def texts(self) -> tuple[str, str]:
        """Both ends as ISO text of that length, between which each ISO text in the span sorts."""
        return self.low.isoformat()[: self.chars], self.high.isoformat()[: self.chars]


def parse_span(text: str, now: datetime) -> Span | None:
    """Read 2024, 2024-05, 2024-05-31, 2024-05-31T14:30, today, yesterday, '7 days ago' or -7d.

    Args:
        text: One of these, in any case.
        now: What the last four count from.

    Returns:
        The span; None if it is no such date, or before the year 1 or after 9998.
    """
    try:
        return _absolute(text) or _relative(text.lower(), now)
    except (ValueError, OverflowError):  # such as 2024-02-30, or a million years ago
        return None


def span_of_year(year: int) -> Span:
    """Return all of a year from 1 to 9998."""
    return Span(datetime(year, 1, 1), datetime(year + 1, 1, 1), _CHARS["year"])


def _absolute(text: str) -> Span | None:
    said = _ISO.fullmatch(text)
    if not said:
        return None
    day = datetime(int(said["year"]), int(said["month"] or 1), int(said["day"] or 1))
    low = day.replace(hour=int(said["hour"] or 0), minute=int(said["minute"] or 0), second=int(said["second"] or 0))
    last = said.lastgroup or "year"
    high = low + _STEPS[last] if last in _STEPS else _months_later(low, _MONTHS[last])
    return Span(low, high, _CHARS[last])


def _relative(text: str, now: datetime) -> Span | None:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if text in ("today", "yesterday"):
        return _day(midnight - timedelta(days=text == "yesterday"))
    match = _AGO.fullmatch(text)
    if not match:
        return None
    count, unit = int(match["back"] or match["less"]), match["unit"] or match["short"]
    unit = unit if unit in ("d", "w", "s", "h", "y") else unit.removesuffix("s")
    if unit in _DAYS:
        return _day(midnight - timedelta(days=count * _DAYS[unit]))
    if unit in _MONTHS:
        return _day(_months_later(midnight, -count * _MONTHS[unit]))
    if unit in _SECONDS:
        low = now.replace(microsecond=0) - timedelta(seconds=count * _SECONDS[unit])
        return Span(low, low + _STEPS["second"], _CHARS["second"])
    return None


def _day(low: datetime) -> Span:
    return Span(low, low + _STEPS["day"], _CHARS["day"])


def _months_later(day: datetime, months: int) -> datetime:
    """Go on by months; from the 31st to the last day of a shorter one."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return day.replace(year=year, month=month + 1, day=min(day.day, last))
