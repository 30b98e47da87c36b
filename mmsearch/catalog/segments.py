"""Questions about segments. Each function reads through the transaction that it is given."""

from collections.abc import Collection

import numpy as np
import sqlalchemy as sa

from mmsearch.catalog.chunks import chunks
from mmsearch.catalog.id_lists import id_columns, id_list
from mmsearch.catalog.records import SegmentRecord
from mmsearch.catalog.spaces import ACTIVE_SPACE
from mmsearch.catalog.tables import assets, segments, vectors
from mmsearch.types import MODALITIES, Ids, Modality

_described = assets.alias("described")
_RECORD = (  # in the order of the fields of SegmentRecord
    segments.c.id,
    segments.c.asset_id,
    segments.c.ordinal,
    assets.c.path,
    segments.c.modality,
    segments.c.start_s,
    segments.c.end_s,
    segments.c.text,
    segments.c.char_start,
    segments.c.char_end,
    _described.c.path,
    segments.c.language,
    assets.c.media_type,
    assets.c.width_px,
    assets.c.height_px,
    assets.c.captured_at,
    assets.c.size_bytes,
    assets.c.duration_s,
)
# A caption whose picture has gone from the collection is about nothing any more.
_HITS = sa.select(*_RECORD).join_from(segments, assets).outerjoin(_described, _described.c.path == segments.c.about)


SUBJECT = sa.case(
    (segments.c.about.is_(None), segments.c.asset_id),
    else_=sa.select(_described.c.id).where(_described.c.path == segments.c.about).correlate(segments).scalar_subquery(),
)
"""SQL: the id of the file that a segment stands for: for a caption of the one it describes, NULL if it is not there."""


def kinds(connection: sa.Connection) -> tuple[Modality, ...]:
    """Return the modalities of which there is a segment."""
    first = {kind: sa.select(segments.c.id).where(segments.c.modality == kind).limit(1) for kind in MODALITIES}
    return tuple(kind for kind, query in first.items() if connection.execute(query).first())


def of_modality(connection: sa.Connection, modality: Modality, among: Ids | None) -> tuple[Ids, Ids]:
    """Return the ids (n,), sorted, that have a vector in the active space, all or among some; and their files (n,)."""
    query = (
        sa.select(segments.c.id, segments.c.asset_id)
        .join_from(vectors, segments)
        .where(vectors.c.space_id == ACTIVE_SPACE, segments.c.modality == modality)
    )
    return _two_columns(connection, query, among)


def count(connection: sa.Connection) -> int:
    """Count the segments, whether they have a vector or not."""
    return connection.execute(sa.select(sa.func.count()).select_from(segments)).scalar_one()


def ids_of(connection: sa.Connection, modality: Modality) -> Ids:
    """Return the ids (n,), sorted, of a modality, whether they have a vector or not: an index alone tells."""
    return id_list(connection, sa.select(segments.c.id).where(segments.c.modality == modality))


def spread(connection: sa.Connection, modality: Modality, size: int) -> Ids:
    """Return ids (n,), sorted, of up to `size` segments of a modality, spread over all; all if they are no more.

    Cost: a seek in the index on `modality` for each, not a scan. Fewer than half come from the probes only where ids
    are crowded together; then the first ones fill up.
    """
    own = segments.c.modality == modality
    first = _rows(connection, sa.select(segments.c.id).where(own).order_by(segments.c.id).limit(size + 1))
    if len(first) <= size:
        return first
    last = connection.execute(sa.select(segments.c.id).where(own).order_by(segments.c.id.desc()).limit(1)).scalar_one()
    points = np.unique(np.linspace(first[0], last, size).astype(np.int64))
    probe = sa.values(sa.column("id", sa.Integer), name="probes").data([(value,) for value in points.tolist()]).cte()
    nearest = sa.select(sa.func.min(segments.c.id)).where(own, segments.c.id >= probe.c.id).scalar_subquery()
    probed = np.unique(_rows(connection, sa.select(nearest).select_from(probe)))
    return probed if len(probed) > size // 2 else np.union1d(probed, first[: size - len(probed)])


def subjects(connection: sa.Connection, among: Ids | None = None) -> tuple[Ids, Ids]:
    """Return the ids (n,), sorted, of all segments or of some, and the file (n,) that each stands for.

    A caption stands for the file that it describes. If that has gone it stands for none: then the id of its own file
    is given below 0.

    Cost: of all, an index is read through instead of the table, in which the texts are.
    """
    ids, files = _two_columns(connection, sa.select(segments.c.id, segments.c.asset_id), among)
    described = sa.func.coalesce(SUBJECT, -segments.c.asset_id)
    of_captions = sa.select(segments.c.id, described).where(segments.c.about.is_not(None))
    captions, about = _two_columns(connection, of_captions, among)
    files[np.searchsorted(ids, captions)] = about
    return ids, files


def standing_for(connection: sa.Connection, asset_ids: Collection[int]) -> Ids:
    """Return the ids (n,), sorted, of all segments of some files, and of the captions that describe them."""
    found = [np.empty(0, dtype=np.int64)]
    for chunk in chunks(sorted(asset_ids)):
        paths = sa.select(assets.c.path).where(assets.c.id.in_(chunk))
        mine = sa.or_(segments.c.asset_id.in_(chunk), segments.c.about.in_(paths))
        found.append(id_list(connection, sa.select(segments.c.id).where(mine)))
    return np.unique(np.concatenate(found))


def of_asset(connection: sa.Connection, asset_id: int) -> Ids:
    """Return the ids of one file's segments, in their order."""
    query = sa.select(segments.c.id).where(segments.c.asset_id == asset_id).order_by(segments.c.ordinal)
    return _rows(connection, query)


def hits(connection: sa.Connection, ids: Ids) -> dict[int, SegmentRecord]:
    """Return what is to be shown of each segment; unknown ids are left out."""
    found: dict[int, SegmentRecord] = {}
    for chunk in chunks(ids.tolist()):
        query = _HITS.where(segments.c.id.in_(chunk))
        for row in connection.execute(query).all():
            found[row[0]] = SegmentRecord(*row)  # type: ignore[call-arg]  # mypy does not know how long a row is
    return found


def _two_columns(connection: sa.Connection, query: sa.Select[int, int], among: Ids | None) -> tuple[Ids, Ids]:
    """Read a query of segments' ids and something else, of all segments or of some."""
    if among is None:
        ids, others = id_columns(connection, [query])
        return ids, others
    wanted = chunks(np.unique(among).tolist())
    found = id_columns(connection, [query.where(segments.c.id.in_(chunk)) for chunk in wanted])
    ids, others = found or (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    return ids, others


def _rows(connection: sa.Connection, query: sa.Select[int]) -> Ids:
    """Read a few ids in the order of the query."""
    return np.fromiter(connection.execute(query).scalars(), dtype=np.int64)
