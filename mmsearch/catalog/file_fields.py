"""Where the fields of a file are read: in its own row, in those of its segments, or in those of the user's fields.

Everything here is about the row of `assets` that a statement stands at.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

import sqlalchemy as sa

from mmsearch.catalog.cells import (
    AnyCell,
    Cell,
    Column,
    FolderCell,
    NumberCell,
    Test,
    TextCell,
    TimeCell,
    iso_ends,
    told,
)
from mmsearch.catalog.fields import in_force
from mmsearch.catalog.sql_functions import file_ending, file_name, folded, parent_folder, whole_path
from mmsearch.catalog.tables import assets, fields, segments
from mmsearch.where.dates import Span

Pick = Callable[[Column], Column]  # the least value, or the greatest


class Source(Protocol):
    """Where a field is read; it may have no value, one, or several."""

    def any(self, test: Callable[[Cell], Test], *, exact: bool) -> Test:
        """Return SQL: true if a value meets the test, false if none does, NULL if there is none.

        Unless `exact`, false may stand for NULL. Of a set, such as tags, that is empty, it is false.
        """
        ...

    def absent(self) -> Test:
        """Return SQL: whether there is no value; never NULL."""
        ...

    def key(self, *, descending: bool) -> Column:
        """Return what files are sorted by: of several values the first one in that order."""
        ...


@dataclass(frozen=True, slots=True)
class InRow:
    """A field in the file's own row, in one column or in several."""

    cells: tuple[Cell, ...]
    sorted_by: Column

    def any(self, test: Callable[[Cell], Test], *, exact: bool) -> Test:
        """Leave NULL to a single column."""
        tests = [test(cell) for cell in self.cells]
        return tests[0] if len(tests) == 1 else told(*tests, known=sa.not_(self.absent()))

    def absent(self) -> Test:
        """Test all columns."""
        return sa.and_(*(cell.value.is_(None) for cell in self.cells))

    def key(self, *, descending: bool) -> Column:
        """Return the same either way."""
        return self.sorted_by


@dataclass(frozen=True, slots=True)
class InRows:
    """A field in rows of their own, any number for a file.

    Attributes:
        subject: The column with the id of the file.
        wanted: Which rows hold the field.
        first: The first of them to sort by, or the last.
        is_set: A file without a row has an empty set, in which no test holds; otherwise nothing is known of it.
    """

    subject: Column
    cell: Cell
    wanted: Test
    first: Callable[[Pick], Column]
    is_set: bool = False

    def any(self, test: Callable[[Cell], Test], *, exact: bool) -> Test:
        """Look the file up among those with a fitting row, which are found once for all files."""
        holds = self._has_row(test(self.cell))
        return told(holds, known=self._has_row(sa.true())) if exact and not self.is_set else holds

    def absent(self) -> Test:
        """Look for a row."""
        return sa.not_(self._has_row(sa.true()))

    def key(self, *, descending: bool) -> Column:
        """Take the last of its rows, or the first."""
        return self.first(sa.func.max if descending else sa.func.min)

    def _has_row(self, test: Test) -> Test:
        return assets.c.id.in_(sa.select(self.subject).where(self.wanted, test))


def source_of(name: str) -> Source:
    """Return where a field is read: by its own name, not an alias; any other name is one of the user's."""
    return BUILTIN_SOURCES.get(name) or _own_field(name)


def _own_field(name: str) -> Source:
    rows = in_force()
    value = sa.func.coalesce(fields.c.number, folded(fields.c.text))  # SQLite sorts numbers before texts
    first = partial(_first_row, fields, _is_named(name), sa.func.nullif(value, ""))
    return InRows(rows.c.subject, AnyCell(rows.c.text, rows.c.number), rows.c.name == name, first)


def _tags() -> Source:
    rows = in_force()
    first = partial(_first_row, fields, _is_named("tags"), sa.func.nullif(folded(fields.c.text), ""))
    return InRows(rows.c.subject, TextCell(rows.c.text), rows.c.name == "tags", first, is_set=True)


def _is_named(name: str) -> Test:
    """Compare so that SQLite seeks the few rows of a file, not all of the name."""
    return fields.c.name + "" == name


def _of_segments(name: str) -> Source:
    """Read what the segments of the file hold, and captions about it."""
    column, described = segments.c[name], assets.alias()
    own = sa.select(segments.c.asset_id.label("subject"), column).where(segments.c.about.is_(None))
    said = sa.select(described.c.id, column).join_from(segments, described, segments.c.about == described.c.path)
    rows = sa.union_all(own, said).subquery()
    first = partial(_first_row, segments, column.is_not(None), folded(column))
    return InRows(rows.c.subject, TextCell(rows.c[name]), rows.c[name].is_not(None), first)


def _first_row(table: sa.Table[Any], wanted: Test, value: Column, pick: Pick) -> Column:
    """Return the first value of a file's own rows, or else of those that others have about it.

    By a seek in an index for each file; SQLite would read through `in_force` for each.
    """
    asset_id, about = table.c.asset_id, table.c.about
    is_own = assets.c.id.in_(sa.select(asset_id).where(wanted, about.is_(None)))
    own = sa.select(pick(value)).where(wanted, about.is_(None), asset_id == assets.c.id)
    said = sa.select(pick(value)).where(wanted, about == assets.c.path)
    return sa.case((is_own, own.correlate(assets).scalar_subquery()), else_=said.correlate(assets).scalar_subquery())


def _text(column: Column) -> Source:
    return InRow((TextCell(column),), folded(column))


def _number(column: Column) -> Source:
    return InRow((NumberCell(column),), column)


def _time(column: Column, ends: Callable[[Span], tuple[Any, Any]]) -> Source:
    return InRow((TimeCell(column, ends),), column)


def _camera() -> Source:
    make, model = assets.c.camera_make, assets.c.camera_model
    both = sa.func.coalesce(make + " " + model, make, model)
    return InRow((TextCell(make), TextCell(model)), folded(both))


def _part_of_date(first: int, length: int) -> Source:
    part = sa.func.nullif(sa.func.substr(assets.c.captured_at, first, length), "")
    return _number(sa.cast(part, sa.Integer))


def _weekday() -> Source:
    from_sunday = sa.cast(sa.func.strftime("%w", _TAKEN), sa.Integer)
    monday_first: Column = (from_sunday + 6) % 7 + 1
    return _number(monday_first)


def _orientation() -> Column:
    return sa.case((_WIDTH == _HEIGHT, "square"), (_WIDTH > _HEIGHT, "landscape"), (_WIDTH < _HEIGHT, "portrait"))


def _instant(moment: datetime) -> datetime:
    """Take a time of the clock on the wall for one in this machine's zone; long ago zones are not known."""
    return moment.replace(tzinfo=UTC) if moment.year < 1970 else moment.astimezone(UTC)


def _ends_ns(span: Span) -> tuple[int, int]:
    low, high = (int(_instant(end).timestamp()) * 10**9 for end in (span.low, span.high))
    return low, high


def _ends_utc(span: Span) -> tuple[str, str]:
    low, high = (_instant(end).isoformat(timespec="seconds") for end in (span.low, span.high))
    return low, high


_PATH = sa.type_coerce(assets.c.path, sa.Text)  # as it is stored
_TAKEN = sa.func.substr(assets.c.captured_at, 1, 19, type_=sa.Text)  # without the zone
_WIDTH, _HEIGHT = assets.c.width_px, assets.c.height_px

# What a list shows first; the time of the last change as ISO text in local time, to compare with `_TAKEN`.
_CHANGED = sa.func.strftime("%Y-%m-%dT%H:%M:%S", assets.c.mtime_ns / 10**9, "unixepoch", "localtime")
TAKEN_OR_CHANGED: Column = sa.func.coalesce(_TAKEN, _CHANGED)

BUILTIN_SOURCES: dict[str, Source] = {
    "name": _text(file_name(_PATH)),
    "path": _text(whole_path(_PATH)),
    "folder": InRow((FolderCell(parent_folder(_PATH)),), folded(parent_folder(_PATH))),
    "ext": _text(file_ending(_PATH)),
    "type": _text(assets.c.media_type),
    "modality": _text(sa.type_coerce(assets.c.modality, sa.Text)),
    "size": _number(assets.c.size_bytes),
    "modified": _time(assets.c.mtime_ns, _ends_ns),
    "indexed": _time(assets.c.updated_at, _ends_utc),
    "taken": _time(_TAKEN, iso_ends),
    "year": _part_of_date(1, 4),
    "month": _part_of_date(6, 2),
    "day": _part_of_date(9, 2),
    "weekday": _weekday(),
    "hour": _part_of_date(12, 2),
    "camera": _camera(),
    "make": _text(assets.c.camera_make),
    "model": _text(assets.c.camera_model),
    "lat": _number(assets.c.gps_lat),
    "lon": _number(assets.c.gps_lon),
    "duration": _number(assets.c.duration_s),
    "width": _number(_WIDTH),
    "height": _number(_HEIGHT),
    "pixels": _number(_WIDTH * _HEIGHT),
    "megapixels": _number(_WIDTH * _HEIGHT / 1e6),
    "orientation": _text(_orientation()),
    "language": _of_segments("language"),
    "text": _of_segments("text"),
    "tags": _tags(),
}
"""The name of each of `where.fields.FIELDS` -> where it is read."""
