"""Questions about the user's own fields. Each function reads through the transaction that it is given.

A field of a file has values that the user gave it (rows of the file itself, `about` NULL), or else those that sidecars
and tables say of its path: what the user says replaces, field by field, what others say. A row of the user's without
text says that there is no value.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import TypeAlias

import sqlalchemy as sa

from mmsearch.catalog.chunks import chunks
from mmsearch.catalog.tables import assets, fields
from mmsearch.reports import SaidField
from mmsearch.types import FieldValue, Plain

Plains: TypeAlias = Plain | list[Plain]

_ANY = sa.select(fields.c.id).limit(1)


def _overridden(said: sa.FromClause, subject_id: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Condition: the user says something of the same field of the file."""
    own = fields.alias()
    return sa.exists().where(own.c.asset_id == subject_id, own.c.about.is_(None), own.c.name == said.c.name)


def in_force() -> sa.Subquery:
    """Select what counts: (subject, path, name, text, number, source, id), one row a value of a file that is there.

    `subject` and `path` are the file that the value is about, `source` the file that says so.
    """
    columns = (fields.c.name, fields.c.text, fields.c.number, fields.c.asset_id.label("source"), fields.c.id)
    subject = (assets.c.id.label("subject"), assets.c.path)
    own = sa.select(*subject, *columns).join_from(fields, assets, fields.c.asset_id == assets.c.id)
    said = sa.select(*subject, *columns).join_from(fields, assets, fields.c.about == assets.c.path)
    return sa.union_all(
        own.where(fields.c.about.is_(None), fields.c.text != ""), said.where(~_overridden(fields, assets.c.id))
    ).subquery()


def of_paths(connection: sa.Connection, paths: Collection[str]) -> dict[str, dict[str, Plains]]:
    """Return the fields of files: path -> name -> value, or list of several; files without any are left out."""
    found: dict[str, dict[str, list[FieldValue]]] = {}
    if connection.execute(_ANY).first() is None:  # as in most collections, and each search asks
        return {}
    rows = in_force()
    for chunk in chunks(paths):
        query = sa.select(rows.c.path, rows.c.name, rows.c.text, rows.c.number).where(rows.c.path.in_(chunk))
        for path, name, text, number in connection.execute(query.order_by(rows.c.name, rows.c.id)):
            found.setdefault(path, {}).setdefault(name, []).append(FieldValue(text, number))
    return {path: {name: plain(values) for name, values in named.items()} for path, named in found.items()}


def plain(values: Iterable[FieldValue]) -> Plains:
    """Return the one value, or the list of different ones."""
    different = [value.plain for value in dict.fromkeys(values)]
    return different[0] if len(different) == 1 else different


def said_of(connection: sa.Connection, asset_id: int) -> tuple[SaidField, ...]:
    """Return the fields of one file, in order of name, with who says so."""
    rows, source = in_force(), assets.alias()
    query = (
        sa.select(rows.c.name, rows.c.text, rows.c.number, source.c.path, rows.c.source == rows.c.subject)
        .join_from(rows, source, rows.c.source == source.c.id)
        .where(rows.c.subject == asset_id)
        .order_by(rows.c.name, source.c.path, rows.c.id)
    )
    found: dict[tuple[str, str | None], list[FieldValue]] = defaultdict(list)
    for name, text, number, said_by, own in connection.execute(query):
        found[name, None if own else said_by].append(FieldValue(text, number))
    return tuple(SaidField(name, plain(values), said_by) for (name, said_by), values in found.items())


def names(connection: sa.Connection) -> dict[str, int]:
    """Return the names of the fields that files have, in order, and how many files have each."""
    rows = in_force()
    query = sa.select(rows.c.name, sa.func.count(rows.c.subject.distinct())).group_by(rows.c.name)
    return {name: files for name, files in connection.execute(query.order_by(rows.c.name))}


def values(connection: sa.Connection, name: str, limit: int) -> tuple[Plain, ...]:
    """Return the values of a field that most files have, most frequent first."""
    rows = in_force()
    files = sa.func.count(rows.c.subject.distinct())
    query = sa.select(rows.c.text, rows.c.number).where(rows.c.name == name).group_by(rows.c.text, rows.c.number)
    return tuple(
        FieldValue(text, number).plain
        for text, number in connection.execute(query.order_by(files.desc(), rows.c.text).limit(limit))
    )


def of_assets(connection: sa.Connection, asset_ids: Sequence[int], name: str) -> dict[int, list[FieldValue]]:
    """Return the values of one field of files, at most `chunks.MAX_VALUES`; those without any are left out."""
    rows = in_force()
    query = sa.select(rows.c.subject, rows.c.text, rows.c.number)
    # Not the name as it is: SQLite would go through all rows of that name, for each chunk of files.
    query = query.where(rows.c.subject.in_(asset_ids), rows.c.name.concat("") == name).order_by(rows.c.id)
    found: dict[int, dict[FieldValue, None]] = defaultdict(dict)
    for subject, text, number in connection.execute(query):
        found[subject][FieldValue(text, number)] = None
    return {subject: list(different) for subject, different in found.items()}


def said_by_others(connection: sa.Connection, asset_ids: Sequence[int], name: str) -> list[int]:
    """Return those of some files, at most `chunks.MAX_VALUES`, of which a sidecar or table says the field."""
    query = sa.select(assets.c.id).join_from(assets, fields, fields.c.about == assets.c.path)
    return list(connection.execute(query.where(assets.c.id.in_(asset_ids), fields.c.name == name).distinct()).scalars())
