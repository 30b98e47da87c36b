"""Lists without a query: which files pass a filter, how many, and in which order.

A list has the files with segments of their own, which are media and documents. A file of captions has none: its
segments are about other files.
"""

import json
from collections.abc import Sequence

import numpy as np
import sqlalchemy as sa

from mmsearch.catalog.cells import Test
from mmsearch.catalog.file_fields import TAKEN_OR_CHANGED
from mmsearch.catalog.matching import is_of
from mmsearch.catalog.predicates import asset_condition, order_keys
from mmsearch.catalog.segments import SUBJECT
from mmsearch.catalog.spaces import ACTIVE_SPACE
from mmsearch.catalog.tables import assets, segments, vectors
from mmsearch.queries import Filter
from mmsearch.types import Ids
from mmsearch.where.syntax import Order


def matching_files(connection: sa.Connection, wanted: Filter) -> int:
    """Return how many files `listed` would give without a limit.

    Raises:
        FilterError: The filter names a field that no file has.
    """
    query = sa.select(sa.func.count()).select_from(assets).where(*_passing(connection, wanted))
    return connection.execute(query).scalar_one()


def listed(connection: sa.Connection, wanted: Filter, order: Sequence[Order], limit: int, offset: int = 0) -> Ids:
    """Return the id (n,) of the first segment of each file that passes the filter, in order.

    Args:
        connection: To read through.
        wanted: The filter; of its modalities, the segment is the first.
        order: The fields to sort by; by default what was taken last, or changed if that is not known, comes first.
            Ties come in order of path.
        limit: How many to return.
        offset: How many to pass over.

    Raises:
        FilterError: The filter or the order names a field that no file has.
    """
    first = _own_segments(wanted).order_by(segments.c.ordinal).limit(1)
    keys = order_keys(connection, order) if order else [TAKEN_OR_CHANGED.desc().nulls_last()]
    query = (
        sa.select(first.scalar_subquery())
        .select_from(assets)
        .where(*_passing(connection, wanted))
        .order_by(*keys, sa.type_coerce(assets.c.path, sa.Text))
        .limit(limit)
        .offset(offset)
    )
    return np.fromiter(connection.execute(query).scalars(), dtype=np.int64)


def in_order(connection: sa.Connection, ids: Ids, order: Sequence[Order]) -> Ids:
    """Return segment ids (n,) sorted by fields of their files; for a caption, of the file that it describes.

    Those without a field come last, and ties stay in the order in which they are given.

    Raises:
        FilterError: A field that is named is one that no file has.
    """
    given = sa.func.json_each(json.dumps(ids.tolist())).table_valued("key", "value")
    query = (
        sa.select(given.c.value)
        .select_from(given)
        .outerjoin(segments, segments.c.id == given.c.value)
        .outerjoin(assets, assets.c.id == SUBJECT)
        .order_by(*order_keys(connection, order), given.c.key)
    )
    return np.fromiter(connection.execute(query).scalars(), dtype=np.int64)


def _passing(connection: sa.Connection, wanted: Filter) -> list[Test]:
    """Conditions: a file is in the list."""
    conditions = [assets.c.status == "ready", sa.exists(_own_segments(wanted))]
    if wanted.exclude_assets:
        excluded = sa.func.json_each(json.dumps(sorted(wanted.exclude_assets))).table_valued("value")
        conditions.append(assets.c.id.not_in(sa.select(excluded.c.value)))
    if wanted.where is not None:
        conditions.append(asset_condition(connection, wanted.where))
    return conditions


def _own_segments(wanted: Filter) -> sa.Select[int]:
    """Select the segments of a file that can be found and are about itself."""
    query = (
        sa.select(segments.c.id)
        .join_from(segments, vectors)
        .where(segments.c.asset_id == assets.c.id, segments.c.about.is_(None), vectors.c.space_id == ACTIVE_SPACE)
        .correlate(assets)
    )
    return query.where(is_of(wanted.modalities)) if wanted.modalities else query
