"""Questions about segments. Each function reads through the transaction that it is given."""

from collections.abc import Collection, Iterable
from itertools import chain

import numpy as np
import sqlalchemy as sa

from mmsearch.catalog.chunks import chunks
from mmsearch.catalog.predicates import asset_condition
from mmsearch.catalog.records import SegmentRecord
from mmsearch.catalog.spaces import ACTIVE_SPACE
from mmsearch.catalog.tables import assets, segments, vectors
from mmsearch.queries import Filter
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


def matching(connection: sa.Connection, wanted: Filter) -> Ids:
    """Return the ids (n,), sorted, that have a vector in the active space and match the filter.

    Raises:
        FilterError: It names a field that no file has.
    """
    query = sa.select(vectors.c.segment_id).where(vectors.c.space_id == ACTIVE_SPACE)
    if wanted.modalities or wanted.where is not None:
        query = query.join_from(vectors, segments)
    if wanted.modalities:
        query = query.where(is_of(wanted.modalities))
    if wanted.where is not None:
        query = query.where(SUBJECT.in_(sa.select(assets.c.id).where(asset_condition(connection, wanted.where))))
    ids = _ids(connection, query.order_by(vectors.c.segment_id))
    if not wanted.exclude_assets:
        return ids
    return np.setdiff1d(ids, _of_assets(connection, wanted.exclude_assets), assume_unique=True)


def is_of(modalities: Collection[Modality]) -> sa.ColumnElement[bool]:
    """Condition: a segment is of one of these kinds; "video" stands for all that was found in videos."""
    kind = segments.c.modality.in_(sorted(modalities))
    if "video" not in modalities:
        return kind
    videos = sa.select(assets.c.id).where(assets.c.modality == "video")
    return sa.or_(kind, segments.c.asset_id.in_(videos))


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
        .order_by(segments.c.id)
    )
    wanted = [] if among is None else chunks(np.unique(among).tolist())
    queries = [query] if among is None else [query.where(segments.c.id.in_(chunk)) for chunk in wanted]
    return _two_columns(connection, queries)


def spread(connection: sa.Connection, modality: Modality, size: int) -> Ids:
    """Return ids (n,), sorted, of up to `size` segments of a modality, spread over all; all if they are no more.

    Cost: a seek in the index on `modality` for each, not a scan. Fewer than half come from the probes only where ids
    are crowded together; then the first ones fill up.
    """
    own = segments.c.modality == modality
    first = _ids(connection, sa.select(segments.c.id).where(own).order_by(segments.c.id).limit(size + 1))
    if len(first) <= size:
        return first
    last = connection.execute(sa.select(segments.c.id).where(own).order_by(segments.c.id.desc()).limit(1)).scalar_one()
    points = np.unique(np.linspace(first[0], last, size).astype(np.int64))
    probe = sa.values(sa.column("id", sa.Integer), name="probes").data([(value,) for value in points.tolist()]).cte()
    nearest = sa.select(sa.func.min(segments.c.id)).where(own, segments.c.id >= probe.c.id).scalar_subquery()
    probed = np.unique(_ids(connection, sa.select(nearest).select_from(probe)))
    return probed if len(probed) > size // 2 else np.union1d(probed, first[: size - len(probed)])


def subjects_of(connection: sa.Connection, modality: Modality) -> tuple[Ids, Ids]:
    """Return the ids (n,), sorted, of the segments of a modality, and the file (n,) that each stands for.

    A caption stands for the file that it describes, or for its own if that has gone.
    """
    own = sa.func.coalesce(SUBJECT, segments.c.asset_id)
    query = sa.select(segments.c.id, own).where(segments.c.modality == modality).order_by(segments.c.id)
    return _two_columns(connection, [query])


def standing_for(connection: sa.Connection, asset_ids: Collection[int]) -> Ids:
    """Return the ids (n,), sorted, of all segments of some files, and of the captions that describe them."""
    found = [np.empty(0, dtype=np.int64)]
    for chunk in chunks(sorted(asset_ids)):
        paths = sa.select(assets.c.path).where(assets.c.id.in_(chunk))
        mine = sa.or_(segments.c.asset_id.in_(chunk), segments.c.about.in_(paths))
        found.append(_ids(connection, sa.select(segments.c.id).where(mine)))
    return np.unique(np.concatenate(found))


def of_asset(connection: sa.Connection, asset_id: int) -> Ids:
    """Return the ids of one file's segments, in their order."""
    query = sa.select(segments.c.id).where(segments.c.asset_id == asset_id).order_by(segments.c.ordinal)
    return _ids(connection, query)


def hits(connection: sa.Connection, ids: Ids) -> dict[int, SegmentRecord]:
    """Return what is to be shown of each segment; unknown ids are left out."""
    found: dict[int, SegmentRecord] = {}
    for chunk in chunks(ids.tolist()):
        query = _HITS.where(segments.c.id.in_(chunk))
        for row in connection.execute(query).all():
            found[row[0]] = SegmentRecord(*row)  # type: ignore[call-arg]  # mypy does not know how long a row is
    return found


def _of_assets(connection: sa.Connection, asset_ids: Iterable[int]) -> Ids:
    found = [
        _ids(connection, sa.select(segments.c.id).where(segments.c.asset_id.in_(chunk)))
        for chunk in chunks(sorted(asset_ids))
    ]
    return np.concatenate(found)


def _ids(connection: sa.Connection, query: sa.Select[int]) -> Ids:
    return np.fromiter(connection.execute(query).scalars(), dtype=np.int64)


def _two_columns(connection: sa.Connection, queries: Iterable[sa.Select[int, int]]) -> tuple[Ids, Ids]:
    values = chain.from_iterable(chain.from_iterable(connection.execute(each) for each in queries))
    table = np.fromiter(values, dtype=np.int64).reshape(-1, 2)
    return np.ascontiguousarray(table[:, 0]), np.ascontiguousarray(table[:, 1])
