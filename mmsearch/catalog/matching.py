"""Which segments pass a filter. Each function reads through the transaction that it is given.

A condition is about files, so files are looked for first. From few of them indexes lead to their segments; with many it
is quicker to read which file each segment stands for, and to compare the two lists.
"""

from collections.abc import Collection, Iterable

import numpy as np
import sqlalchemy as sa

from mmsearch.catalog.chunks import chunks
from mmsearch.catalog.id_lists import id_columns, id_list
from mmsearch.catalog.predicates import asset_condition
from mmsearch.catalog.segments import subjects
from mmsearch.catalog.spaces import ACTIVE_SPACE
from mmsearch.catalog.tables import assets, segments, vectors
from mmsearch.queries import Filter
from mmsearch.types import Ids, Modality
from mmsearch.where.syntax import Condition

FEW_FILES = 10_000  # to look up their segments takes as long as to read which file each of 1,000,000 stands for

_WITH_VECTOR = sa.select(vectors.c.segment_id).where(vectors.c.space_id == ACTIVE_SPACE)


def matching(connection: sa.Connection, wanted: Filter) -> Ids:
    """Return the ids (n,), sorted, that have a vector in the active space and match the filter.

    Raises:
        FilterError: It names a field that no file has.
    """
    ids = _of_kinds(connection, wanted) if wanted.where is None else _meeting(connection, wanted, wanted.where)
    if not wanted.exclude_assets:
        return ids
    return np.setdiff1d(ids, _of_assets(connection, wanted.exclude_assets), assume_unique=True)


def files_where(connection: sa.Connection, condition: Condition) -> Ids:
    """Return the ids (n,), sorted, of the files that meet a condition, whether they hold anything or not.

    Raises:
        FilterError: It names a field that no file has.
    """
    return id_list(connection, sa.select(assets.c.id).where(asset_condition(connection, condition)))


def of_files(connection: sa.Connection, files: Ids) -> Ids:
    """Return the ids (n,), sorted, that have a vector and stand for some files; a few seeks for each file."""
    own = _WITH_VECTOR.join_from(segments, vectors)
    captions = own.join(assets, assets.c.path == segments.c.about)
    queries = []
    for chunk in chunks(files.tolist()):
        queries.append(own.where(segments.c.asset_id.in_(chunk), segments.c.about.is_(None)))
        queries.append(captions.where(assets.c.id.in_(chunk)))
    (ids,) = id_columns(connection, queries) or (np.empty(0, dtype=np.int64),)
    return ids


def is_of(modalities: Collection[Modality]) -> sa.ColumnElement[bool]:
    """Condition: a segment is of one of these kinds; "video" stands for all that was found in videos."""
    kind = segments.c.modality.in_(sorted(modalities))
    if "video" not in modalities:
        return kind
    videos = sa.select(assets.c.id).where(assets.c.modality == "video")
    return sa.or_(kind, segments.c.asset_id.in_(videos))


def _of_kinds(connection: sa.Connection, wanted: Filter) -> Ids:
    if not wanted.modalities:
        return id_list(connection, _WITH_VECTOR)
    return id_list(connection, _WITH_VECTOR.join_from(segments, vectors).where(is_of(wanted.modalities)))


def _meeting(connection: sa.Connection, wanted: Filter, condition: Condition) -> Ids:
    files = files_where(connection, condition)
    if len(files) > FEW_FILES:
        ids, stands_for = subjects(connection)
        return _common(_of_kinds(connection, wanted), ids[np.isin(stands_for, files)])
    ids = of_files(connection, files)
    return _only(connection, ids, wanted.modalities) if wanted.modalities else ids


def _only(connection: sa.Connection, ids: Ids, modalities: Collection[Modality]) -> Ids:
    """Return those of some ids that are of one of these kinds. Together with a list of files, SQLite would scan."""
    own = sa.select(segments.c.id).where(is_of(modalities))
    queries = [own.where(segments.c.id.in_(chunk)) for chunk in chunks(ids.tolist())]
    return np.concatenate([ids[:0], *(id_list(connection, query) for query in queries)])


def _common(ids: Ids, others: Ids) -> Ids:
    return ids[np.isin(ids, others, assume_unique=True)]


def _of_assets(connection: sa.Connection, asset_ids: Iterable[int]) -> Ids:
    own = sa.select(segments.c.id)
    queries = [own.where(segments.c.asset_id.in_(chunk)) for chunk in chunks(sorted(asset_ids))]
    return np.concatenate([id_list(connection, query) for query in queries])
