"""Banks of queries that correct for hubs in the active space: installed, undone. The newest one counts.

One row is all that is in use: a bank for each modality that has one, so undoing it leaves what was before, whole.
"""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from mmsearch.catalog.clock import now
from mmsearch.catalog.spaces import ACTIVE_SPACE
from mmsearch.catalog.tables import query_banks
from mmsearch.errors import CollectionDamaged
from mmsearch.files import blake2

_IN_USE = sa.and_(query_banks.c.space_id == ACTIVE_SPACE, query_banks.c.undone_at.is_(None))
_NEWEST = sa.select(sa.func.max(query_banks.c.id)).where(_IN_USE)


def number(connection: sa.Connection) -> int | None:
    """Return the number of what is in use, be it whole or damaged; None if nothing is. No number is used twice."""
    return connection.execute(_NEWEST).scalar_one()


def active(connection: sa.Connection) -> bytes | None:
    """Return what is in use, as it was put.

    Raises:
        CollectionDamaged: It does not match its checksum.
    """
    newest = query_banks.c.id == _NEWEST.scalar_subquery()
    if broken := _broken(connection, newest):
        raise CollectionDamaged(next(iter(broken.values())))
    return connection.execute(sa.select(query_banks.c.vectors).where(newest)).scalar()


def damaged(connection: sa.Connection) -> list[str]:
    """Say which do not match their checksum, of those that are in use or would be after an undoing."""
    return list(_broken(connection, _IN_USE).values())


def drop_damaged(connection: sa.Connection) -> None:
    """Take those that do not match their checksum out of use."""
    broken = list(_broken(connection, _IN_USE))
    connection.execute(query_banks.update().where(query_banks.c.id.in_(broken)).values(undone_at=now()))


def put(connection: sa.Connection, data: bytes, report: Mapping[str, Any]) -> int:
    """Install banks for all modalities that are to have one. Returns their number."""
    row = {
        "space_id": ACTIVE_SPACE,
        "vectors": data,
        "digest": blake2(data),
        "report": json.dumps(report),
        "created_at": now(),
    }
    return connection.execute(query_banks.insert().values(row).returning(query_banks.c.id)).scalar_one()


def undo(connection: sa.Connection) -> bool:
    """Take the newest out of use; what was before it is in use again. Returns whether there was one."""
    newest = query_banks.c.id == _NEWEST.scalar_subquery()
    return connection.execute(query_banks.update().where(newest).values(undone_at=now())).rowcount > 0


def _broken(connection: sa.Connection, wanted: sa.ColumnElement[bool]) -> dict[int, str]:
    """Say what is wrong with those that do not match their checksum, by number."""
    query = sa.select(query_banks.c.id, query_banks.c.vectors, query_banks.c.digest).where(wanted)
    return {
        id_: f"The bank of queries number {id_} does not match its checksum."
        for id_, data, digest in connection.execute(query)
        if blake2(data) != digest
    }
