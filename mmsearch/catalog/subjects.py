"""Which files the user means: a caption stands for the file that it describes."""

from collections.abc import Collection

import numpy as np
import sqlalchemy as sa

from mmsearch.catalog.chunks import chunks
from mmsearch.catalog.matching import matching
from mmsearch.catalog.segments import SUBJECT
from mmsearch.catalog.tables import assets, segments
from mmsearch.queries import Filter
from mmsearch.types import Ids
from mmsearch.where.syntax import Condition

_SUBJECTS = sa.select(SUBJECT).where(SUBJECT.is_not(None)).distinct()


def of_segments(connection: sa.Connection, segment_ids: Collection[int]) -> Ids:
    """Return the ids (n,), sorted, of the files of segments; those that captions describe if they are there."""
    found: set[int] = set()
    for chunk in chunks(segment_ids):
        found.update(connection.execute(_SUBJECTS.where(segments.c.id.in_(chunk))).scalars())
    return np.array(sorted(found), dtype=np.int64)


def where(connection: sa.Connection, condition: Condition) -> Ids:
    """Return the ids (n,), sorted, of the files that some segment that can be found stands for, if a condition holds.

    Raises:
        FilterError: It names a field that no file has.
    """
    return of_segments(connection, matching(connection, Filter(where=condition)).tolist())


def of_assets(connection: sa.Connection, asset_ids: Collection[int]) -> Ids:
    """Return the ids (n,), sorted, of files, with those that captions describe for captions.

    Files that hold nothing to search are left out.
    """
    is_caption = sa.exists().where(segments.c.asset_id == assets.c.id, segments.c.about.is_not(None))
    plain = sa.select(assets.c.id).where(assets.c.status != "skipped", ~is_caption)
    found: set[int] = set()
    for chunk in chunks(asset_ids):
        found.update(connection.execute(plain.where(assets.c.id.in_(chunk))).scalars())
        captions = _SUBJECTS.where(segments.c.asset_id.in_(chunk), segments.c.about.is_not(None))
        found.update(connection.execute(captions).scalars())
    return np.array(sorted(found), dtype=np.int64)
