"""Files whose content the catalog has already: found by hash, and copied without encoding."""

from typing import Any

import sqlalchemy as sa

from mmsearch.catalog.tables import assets, segments, tokens, vectors
from mmsearch.types import KnownFile

_MAX_DONORS = 16  # a thousand copies of one file must not cost a thousand looks at the disk each
_COPIED = [column for column in segments.c if column.name not in {"id", "asset_id"}]


def donors(connection: sa.Connection, file: KnownFile) -> list[tuple[int, str]]:
    """Return (id, path) of ready files with the same content, at most a few.

    Captions are left out: which picture one is about depends on its folder.
    """
    is_caption = sa.exists().where(segments.c.asset_id == assets.c.id, segments.c.about.is_not(None))
    query = (
        sa.select(assets.c.id, assets.c.path)
        .where(assets.c.size_bytes == file.stat.size_bytes, assets.c.content_hash == file.content_hash)
        .where(assets.c.status == "ready", ~is_caption)
        .order_by(assets.c.id)
        .limit(_MAX_DONORS)
    )
    return [(asset_id, path) for asset_id, path in connection.execute(query)]


def asset_values(connection: sa.Connection, asset_id: int) -> dict[str, Any]:
    """Return the columns of a file."""
    return dict(connection.execute(assets.select().where(assets.c.id == asset_id)).one()._mapping)


def copy_segments(connection: sa.Connection, source: int, target: int) -> None:
    """Give a file new segments like those of another; their vectors and tokens lie in the same rows."""
    old, new = segments.alias(), segments.alias()
    copied = sa.select(sa.literal(target), *(old.c[column.name] for column in _COPIED))
    connection.execute(
        segments.insert().from_select(
            ["asset_id", *(column.name for column in _COPIED)],
            copied.where(old.c.asset_id == source).order_by(old.c.ordinal),
        )
    )
    for table in (vectors, tokens):
        columns = [column for column in table.c if column.name != "segment_id"]
        shared = (
            sa.select(new.c.id, *columns)
            .join_from(old, new, old.c.ordinal == new.c.ordinal)
            .join(table, table.c.segment_id == old.c.id)
            .where(old.c.asset_id == source, new.c.asset_id == target)
        )
        names = ["segment_id", *(column.name for column in columns)]
        connection.execute(table.insert().from_select(names, shared))
