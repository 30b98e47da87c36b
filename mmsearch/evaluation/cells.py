"""Cells of a table of queries: all are text, and some stand for a number or for yes or no."""

from collections.abc import Callable, Mapping
from typing import Any

from mmsearch.errors import UsageError

_YES, _NO = ("true", "yes", "1"), ("false", "no", "0")


def typed_cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of a table with the values that a search takes, by the names of columns in lower case.

    Raises:
        UsageError: A cell cannot be read.
    """
    cells = {str(name).strip().lower(): value for name, value in row.items()}
    return cells | {name: read(cells[name], name) for name, read in _READERS.items() if (cells.get(name) or "").strip()}


def _number(cell: str, name: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise UsageError(f"`{name}` must be a number, not {cell!r:.50}.", remedy="Write it as 0.5.") from None


def _flag(cell: str, name: str) -> bool:
    said = cell.strip().lower()
    if said not in (*_YES, *_NO):
        raise UsageError(f"`{name}` must be true or false, not {cell!r:.50}.", remedy="Mend the cell.")
    return said in _YES


_READERS: dict[str, Callable[[str, str], Any]] = {"min_score": _number, "dedupe": _flag}
