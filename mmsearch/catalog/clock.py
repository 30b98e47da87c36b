"""The time as the catalog writes it."""

from datetime import UTC, datetime


def now() -> str:
    """Return the time in UTC, ISO 8601, to the second: sorts as text."""
    return datetime.now(UTC).isoformat(timespec="seconds")
