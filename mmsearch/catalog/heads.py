"""Heads that adapt the vectors of the active space: installed, versioned, undone."""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from mmsearch.catalog.clock import now
from mmsearch.catalog.records import StoredHead
from mmsearch.catalog.spaces import ACTIVE_SPACE
from mmsearch.catalog.tables import heads
from mmsearch.errors import CollectionDamaged
from mmsearch.files import blake2
from mmsearch.types import Modality

_IN_USE = sa.and_(heads.c.space_id == ACTIVE_SPACE, heads.c.undone_at.is_(None))
_NEWEST = sa.select(heads.c.modality, sa.func.max(heads.c.version)).where(_IN_USE).group_by(heads.c.modality)


def active(connection: sa.Connection) -> tuple[StoredHead, ...]:
    """Return the newest head of each modality that was not undone, in order of modality.

    Raises:
        CollectionDamaged: One does not match its checksum.
    """
    wanted = sa.and_(_IN_USE, sa.tuple_(heads.c.modality, heads.c.version).in_(_NEWEST))
    if broken := _broken(connection, wanted):
        raise CollectionDamaged(next(iter(broken.values())))
    query = sa.select(heads.c.modality, heads.c.version, heads.c.weights).where(wanted).order_by(heads.c.modality)
    return tuple(StoredHead(*row) for row in connection.execute(query))


def versions(connection: sa.Connection) -> dict[Modality, int]:
    """Return the version of the head in use for each modality, be it whole or damaged."""
    return {modality: version for modality, version in connection.execute(_NEWEST)}


def damaged(connection: sa.Connection) -> list[str]:
    """Say which heads do not match their checksum, of those that are in use or would be after an undoing."""
    return list(_broken(connection, _IN_USE).values())


def drop_damaged(connection: sa.Connection) -> int:
    """Take heads that do not match their checksum out of use. Returns how many."""
    broken = _broken(connection, _IN_USE)
    connection.execute(heads.update().where(heads.c.id.in_(list(broken))).values(undone_at=now()))
    return len(broken)


def _broken(connection: sa.Connection, wanted: sa.ColumnElement[bool]) -> dict[int, str]:
    """Say what is wrong with heads that do not match their checksum, by id."""
    query = sa.select(heads.c.id, heads.c.modality, heads.c.version, heads.c.weights, heads.c.digest).where(wanted)
    return {
        id_: f"The head for {modality}, version {version}, does not match its checksum."
        for id_, modality, version, weights, digest in connection.execute(query)
        if blake2(weights) != digest
    }


def put(connection: sa.Connection, weights: Mapping[Modality, bytes], reports: Mapping[Modality, Any]) -> int:
    """Install heads together. Returns their version."""
    version = _last_version(connection, undone=True) + 1
    rows = [
        {
            "version": version,
            "modality": modality,
            "weights": data,
            "digest": blake2(data),
            "report": json.dumps(reports[modality]),
            "created_at": now(),
        }
        for modality, data in weights.items()
    ]
    connection.execute(heads.insert().values(space_id=ACTIVE_SPACE), rows)
    return version


def undo(connection: sa.Connection) -> tuple[Modality, ...]:
    """Take the newest version out of use; what was before it is in use again. Returns its modalities."""
    newest = sa.and_(_IN_USE, heads.c.version == _last_version(connection, undone=False))
    modalities = tuple(
        connection.execute(sa.select(heads.c.modality).where(newest).order_by(heads.c.modality)).scalars()
    )
    connection.execute(heads.update().where(newest).values(undone_at=now()))
    return modalities


def _last_version(connection: sa.Connection, *, undone: bool) -> int:
    query = sa.select(sa.func.coalesce(sa.func.max(heads.c.version), 0))
    query = query.where(heads.c.space_id == ACTIVE_SPACE if undone else _IN_USE)
    return connection.execute(query).scalar_one()
