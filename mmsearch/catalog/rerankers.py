"""Re-rankers that were trained on the user's pairs in the active space: installed, versioned, undone."""

import json
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa

from mmsearch.catalog.clock import now
from mmsearch.catalog.records import StoredReranker
from mmsearch.catalog.spaces import ACTIVE_SPACE
from mmsearch.catalog.tables import rerankers
from mmsearch.errors import CollectionDamaged
from mmsearch.files import blake2

MOST = 8  # that are read for one search: a kind which none of them judges is left to the one built in

_IN_USE = sa.and_(rerankers.c.space_id == ACTIVE_SPACE, rerankers.c.undone_at.is_(None))
_NEWEST = sa.select(sa.func.max(rerankers.c.version)).where(_IN_USE)
_ACTIVE = sa.and_(_IN_USE, rerankers.c.version == _NEWEST.scalar_subquery())


def version(connection: sa.Connection) -> int:
    """Return the version of the newest in use, be it whole or damaged; 0 if there is none."""
    return connection.execute(_NEWEST).scalar_one() or 0


def newest(connection: sa.Connection, limit: int = MOST) -> tuple[StoredReranker, ...]:
    """Return those that were not undone, newest first.

    Raises:
        CollectionDamaged: One of them does not match its checksum.
    """
    table = rerankers.c
    query = sa.select(table.version, table.weights, table.report, table.digest).where(_IN_USE)
    rows = connection.execute(query.order_by(table.version.desc()).limit(limit))
    return tuple(_checked(*row) for row in rows)


def damaged(connection: sa.Connection) -> list[str]:
    """Say which do not match their checksum, of those that are in use or would be after an undoing."""
    return [_message(number) for number in _broken(connection).values()]


def drop_damaged(connection: sa.Connection) -> int:
    """Take those that do not match their checksum out of use. Returns how many."""
    broken = list(_broken(connection))
    connection.execute(rerankers.update().where(rerankers.c.id.in_(broken)).values(undone_at=now()))
    return len(broken)


def put(connection: sa.Connection, weights: bytes, report: Mapping[str, Any]) -> int:
    """Install one. Returns its version."""
    used = sa.select(sa.func.coalesce(sa.func.max(rerankers.c.version), 0)).where(rerankers.c.space_id == ACTIVE_SPACE)
    number = connection.execute(used).scalar_one() + 1
    written = json.dumps(report)
    row = {
        "space_id": ACTIVE_SPACE,
        "version": number,
        "weights": weights,
        "digest": _digest(weights, written),
        "report": written,
        "created_at": now(),
    }
    connection.execute(rerankers.insert().values(row))
    return number


def drop(connection: sa.Connection, versions: Collection[int]) -> None:
    """Take some out of use."""
    these = sa.and_(_IN_USE, rerankers.c.version.in_(versions))
    connection.execute(rerankers.update().where(these).values(undone_at=now()))


def undo(connection: sa.Connection) -> bool:
    """Take the newest out of use; what was before it is in use again. Returns whether there was one."""
    return connection.execute(rerankers.update().where(_ACTIVE).values(undone_at=now())).rowcount > 0


def _broken(connection: sa.Connection) -> dict[int, int]:
    """Return id -> version of those that do not match their checksum."""
    table = rerankers.c
    query = sa.select(table.id, table.version, table.weights, table.report, table.digest).where(_IN_USE)
    return {
        id_: number
        for id_, number, weights, report, digest in connection.execute(query.order_by(table.version))
        if _digest(weights, report) != digest
    }


def _checked(number: int, weights: bytes, report: str, digest: str) -> StoredReranker:
    if _digest(weights, report) != digest:
        raise CollectionDamaged(_message(number))
    return StoredReranker(number, weights, json.loads(report))


def _digest(weights: bytes, report: str) -> str:
    return blake2(weights + report.encode("utf-8", "replace"))


def _message(number: int) -> str:
    return f"The re-ranker of version {number} does not match its checksum."
