"""Questions about files. Each function reads through the transaction that it is given."""

from collections import defaultdict
from collections.abc import Collection

import numpy as np
import sqlalchemy as sa

from mmsearch.catalog.chunks import chunks
from mmsearch.catalog.paths import subtree_ranges
from mmsearch.catalog.records import AssetState, Counts
from mmsearch.catalog.spaces import ACTIVE_SPACE
from mmsearch.catalog.tables import assets, runs, segments, tokens, vectors
from mmsearch.reports import Failure
from mmsearch.types import Ids

_STATE = (
    assets.c.id,
    assets.c.path,
    assets.c.size_bytes,
    assets.c.mtime_ns,
    assets.c.status,
    assets.c.modality,
    assets.c.content_hash,
)


def lookup(connection: sa.Connection, paths: Collection[str]) -> dict[str, AssetState]:
    """Return what is known of each path; unknown ones are left out."""
    found: dict[str, AssetState] = {}
    for chunk in chunks(paths):
        for row in connection.execute(sa.select(*_STATE).where(assets.c.path.in_(chunk))):
            found[row[1]] = AssetState(*row)
    return found


def hashes_by_size(connection: sa.Connection, sizes: Collection[int]) -> dict[int, frozenset[str]]:
    """Return the content hashes of ready files of each size; sizes without any are left out."""
    found: dict[int, set[str]] = defaultdict(set)
    for chunk in chunks(sizes):
        query = sa.select(assets.c.size_bytes, assets.c.content_hash).where(
            assets.c.size_bytes.in_(chunk), assets.c.status == "ready"
        )
        for size_bytes, content_hash in connection.execute(query):
            if content_hash is not None:
                found[size_bytes].add(content_hash)
    return {size_bytes: frozenset(hashes) for size_bytes, hashes in found.items()}


def with_content(connection: sa.Connection, hashes: Collection[str]) -> Ids:
    """Return the ids (n,), sorted, of ready files that have one of these content hashes."""
    queries = (
        sa.select(assets.c.id).where(assets.c.status == "ready", assets.c.content_hash.in_(chunk))
        for chunk in chunks(hashes)
    )
    found = [id_ for query in queries for id_ in connection.execute(query).scalars()]
    return np.array(sorted(found), dtype=np.int64)


def find(connection: sa.Connection, path_or_id: str) -> tuple[AssetState, ...]:
    """Return the files that a user names: the file of a segment id, a path, or all below a folder."""
    if path_or_id.isascii() and path_or_id.isdecimal():
        return _of_segment(connection, int(path_or_id))
    try:
        condition = below(path_or_id)
    except UnicodeEncodeError:  # not the name of any file
        return ()
    query = sa.select(*_STATE).where(condition).order_by(assets.c.path)
    return tuple(AssetState(*row) for row in connection.execute(query))


def _of_segment(connection: sa.Connection, segment_id: int) -> tuple[AssetState, ...]:
    if segment_id >= 2**63:
        return ()
    query = sa.select(*_STATE).join_from(assets, segments).where(segments.c.id == segment_id)
    return tuple(AssetState(*row) for row in connection.execute(query))


def below(path: str) -> sa.ColumnElement[bool]:
    """Condition: an asset is `path` itself or lies below it."""
    stored = sa.type_coerce(assets.c.path, sa.Text)
    return sa.or_(*(sa.and_(stored >= low, stored < high) for low, high in subtree_ranges(path)))


def in_rows(connection: sa.Connection, file: int, first_row: int, rows: int) -> tuple[AssetState, ...]:
    """Return the files whose vectors lie in these rows, in order of path."""
    query = (
        sa.select(*_STATE)
        .join_from(assets, segments)
        .join(vectors)
        .where(vectors.c.space_id == ACTIVE_SPACE, vectors.c.file == file)
        .where(vectors.c.row >= first_row, vectors.c.row < first_row + rows)
        .distinct()
        .order_by(assets.c.path)
    )
    return tuple(AssetState(*row) for row in connection.execute(query))


def in_token_rows(connection: sa.Connection, file: int, first_row: int, rows: int) -> tuple[AssetState, ...]:
    """Return the files of which some tokens lie in these rows, in order of path."""
    query = (
        sa.select(*_STATE)
        .join_from(assets, segments)
        .join(tokens)
        .where(tokens.c.space_id == ACTIVE_SPACE, tokens.c.file == file)
        .where(tokens.c.row + tokens.c.count > first_row, tokens.c.row < first_row + rows)
        .distinct()
        .order_by(assets.c.path)
    )
    return tuple(AssetState(*row) for row in connection.execute(query))


def failures(connection: sa.Connection, limit: int | None) -> tuple[Failure, ...]:
    """Return the files that could not be read, in order of path."""
    query = (
        sa.select(assets.c.path, assets.c.error_code, assets.c.error_reason, assets.c.updated_at)
        .where(assets.c.status == "failed")
        .order_by(assets.c.path)
        .limit(limit)
    )
    return tuple(
        Failure(path=path, code=code or "", reason=reason or "", failed_at=failed_at)
        for path, code, reason, failed_at in connection.execute(query)
    )


def counts(connection: sa.Connection) -> Counts:
    """Count what is there."""
    by_status = _tally(connection, sa.select(assets.c.status, sa.func.count()).group_by(assets.c.status))
    waiting = sa.select(assets.c.modality, sa.func.count()).where(assets.c.status == "waiting")
    by_modality = sa.select(segments.c.modality, sa.func.count()).group_by(segments.c.modality)
    return Counts(
        assets=by_status.get("ready", 0),
        segments=_tally(connection, by_modality),
        failed=by_status.get("failed", 0),
        waiting=_tally(connection, waiting.group_by(assets.c.modality)),
        last_indexed_at=connection.scalar(sa.select(sa.func.max(runs.c.finished_at))),
    )


def _tally(connection: sa.Connection, query: sa.Select[str | None, int]) -> dict[str, int]:
    return {name: count for name, count in connection.execute(query) if name is not None}
