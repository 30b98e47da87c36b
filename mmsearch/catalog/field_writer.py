"""Changes to the user's own fields. Each function writes through the transaction that it is given."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from mmsearch.catalog.chunks import chunks
from mmsearch.catalog.fields import of_assets, said_by_others
from mmsearch.catalog.records import FieldChange
from mmsearch.catalog.tables import fields
from mmsearch.errors import UsageError
from mmsearch.types import MAX_FIELD_VALUES, Fields, FieldValue

_NOTHING = FieldValue("")  # the user's word that there is no value, whatever sidecars say


def put_said(connection: sa.Connection, files: Iterable[tuple[int, Sequence[Fields]]]) -> None:
    """Note what files (by id) say of media files."""
    rows = [
        row
        for asset_id, said in files
        for each in said
        for name, values in each.values.items()
        for row in _rows(asset_id, each.about, name, values)
    ]
    if rows:
        connection.execute(fields.insert(), rows)


def drop_said(connection: sa.Connection, asset_ids: Collection[int]) -> None:
    """Forget what files say of others; what the user says of them stays."""
    for chunk in chunks(asset_ids):
        connection.execute(fields.delete().where(fields.c.asset_id.in_(chunk), fields.c.about.is_not(None)))


def change(connection: sa.Connection, asset_ids: Collection[int], changes: Sequence[FieldChange]) -> int:
    """Change fields of files, one change after the other. Returns how many files changed by any."""
    changed: set[int] = set()
    for chunk in chunks(asset_ids):
        for each in changes:
            if each.operation == "set":
                changed |= put_own(connection, each.name, dict.fromkeys(chunk, each.values))
            else:
                changed |= _change_values(connection, chunk, each)
    return len(changed)


def put_each(connection: sa.Connection, values: Mapping[int, Mapping[str, Sequence[FieldValue]]]) -> int:
    """Replace what the user says of some fields of files: id -> name -> values. Returns how many files changed."""
    by_name: dict[str, dict[int, Sequence[FieldValue]]] = defaultdict(dict)
    for asset_id, named in values.items():
        for name, each in named.items():
            by_name[name][asset_id] = each
    changed: set[int] = set()
    for name, of_files in by_name.items():
        changed |= put_own(connection, name, of_files)
    return len(changed)


def put_own(connection: sa.Connection, name: str, values: Mapping[int, Sequence[FieldValue]]) -> set[int]:
    """Replace what the user says of one field of files; without values it is for sidecars to say again.

    Returns:
        The files of which something else was said before; nothing is written for the others.
    """
    before = _own_values(connection, name, values)
    changed = {asset_id for asset_id, each in values.items() if list(each) != before.get(asset_id, [])}
    for chunk in chunks(changed):
        connection.execute(fields.delete().where(_own(chunk, name)))
    rows = [row for asset_id in sorted(changed) for row in _rows(asset_id, None, name, values[asset_id])]
    if rows:
        connection.execute(fields.insert(), rows)
    return changed


def _own(asset_ids: Sequence[int], name: str) -> sa.ColumnElement[bool]:
    """Condition: what the user says of one field of some files, at most `chunks.MAX_VALUES`."""
    return fields.c.asset_id.in_(asset_ids) & fields.c.about.is_(None) & (fields.c.name == name)


def _own_values(connection: sa.Connection, name: str, asset_ids: Collection[int]) -> dict[int, list[FieldValue]]:
    found: dict[int, list[FieldValue]] = defaultdict(list)
    for chunk in chunks(asset_ids):
        query = sa.select(fields.c.asset_id, fields.c.text, fields.c.number).where(_own(chunk, name))
        for asset_id, text, number in connection.execute(query.order_by(fields.c.ordinal)):
            found[asset_id].append(FieldValue(text, number))
    return found


def _change_values(connection: sa.Connection, asset_ids: Sequence[int], change: FieldChange) -> set[int]:
    """Add or remove values, starting from those that count now, be they the user's or a sidecar's.

    Returns:
        The files that it changed.
    """
    now = of_assets(connection, asset_ids, change.name)
    then = {asset_id: change.applied(now.get(asset_id, [])) for asset_id in asset_ids}
    then = {asset_id: values for asset_id, values in then.items() if values != now.get(asset_id, [])}
    if any(len(values) > MAX_FIELD_VALUES for values in then.values()):
        raise UsageError(
            f"A file would have more than {MAX_FIELD_VALUES} values in the field {change.name!r}.",
            remedy="Remove some of its values, or use another field.",
        )
    said = said_by_others(connection, [asset_id for asset_id, values in then.items() if not values], change.name)
    return put_own(connection, change.name, then | {asset_id: [_NOTHING] for asset_id in said})


def _rows(asset_id: int, about: str | None, name: str, values: Sequence[FieldValue]) -> Iterator[dict[str, Any]]:
    for ordinal, value in enumerate(values):
        yield {
            "asset_id": asset_id,
            "about": about,
            "name": name,
            "ordinal": ordinal,
            "text": value.text,
            "number": value.number,
        }
