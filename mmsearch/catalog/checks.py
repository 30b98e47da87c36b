"""What `verify` asks of the catalog: that SQLite finds it sound, and that its records fit together."""

import sqlalchemy as sa

from mmsearch.catalog import blocks, heads, lexical, query_banks, rerankers, tokens
from mmsearch.catalog.chunks import chunks
from mmsearch.catalog.spaces import ACTIVE_SPACE
from mmsearch.catalog.tables import assets, segments, token_blocks, vector_blocks, vectors
from mmsearch.catalog.vectors import locations
from mmsearch.errors import CollectionDamaged
from mmsearch.reports import Problem
from mmsearch.types import Ids

TOKENS_LOST = "tokens lie in no committed block"


def problems(connection: sa.Connection, where: str) -> tuple[Problem, ...]:
    """Return all that is wrong, each with the paths of the files that must be read again.

    Args:
        connection: A transaction to read through.
        where: What to call the catalog file.
    """
    if unsound := _integrity(connection):
        return (Problem(what=f"SQLite reports: {unsound}", where=where),)
    found = [
        ("a file has no segments", _without_segments(connection)),
        ("a segment has no vector", _without_vector(connection)),
        ("a vector lies in no committed block", _vectors_outside_blocks(connection)),
        (TOKENS_LOST, _tokens_outside_blocks(connection)),
    ]
    damaged = [Problem(what=what, where=where, items=items) for what, items in found if items]
    broken_heads = [Problem(what="a head of `adapt` is damaged", where=each) for each in heads.damaged(connection)]
    broken = query_banks.damaged(connection)
    broken_banks = [Problem(what="a bank of `calibrate` is damaged", where=each) for each in broken]
    broken = rerankers.damaged(connection)
    broken_rerankers = [Problem(what="a re-ranker of `train reranker` is damaged", where=each) for each in broken]
    derived = (*broken_heads, *broken_banks, *broken_rerankers)
    return (*_dangling(connection, where), *damaged, *_words(connection, where), *derived)


def _integrity(connection: sa.Connection) -> str:
    """Return what SQLite's own check finds; empty if all is well."""
    try:
        lines = [line for (line,) in connection.exec_driver_sql("PRAGMA integrity_check")]
    except CollectionDamaged as error:
        return error.message
    # From 3.44 on, SQLite checks the index of words too; `lexical.damage` does so with any version.
    return "; ".join(line for line in lines if line != "ok" and "FTS5 table" not in line)


def _words(connection: sa.Connection, where: str) -> list[Problem]:
    damage = lexical.damage(connection)
    return [Problem(what=f"the index of words is damaged: {damage}", where=where)] if damage else []


def _dangling(connection: sa.Connection, where: str) -> list[Problem]:
    """Return a problem for each table with records that refer to one that is gone."""
    tables = {row[0] for row in connection.exec_driver_sql("PRAGMA foreign_key_check")}
    return [Problem(what=f"{table} refers to records that are gone", where=where) for table in sorted(tables)]


def _without_segments(connection: sa.Connection) -> tuple[str, ...]:
    has_segment = sa.exists().where(segments.c.asset_id == assets.c.id)
    query = sa.select(assets.c.path).where(assets.c.status == "ready", ~has_segment)
    return tuple(connection.execute(query.order_by(assets.c.path)).scalars())


def _without_vector(connection: sa.Connection) -> tuple[str, ...]:
    has_vector = sa.exists().where(vectors.c.segment_id == segments.c.id, vectors.c.space_id == ACTIVE_SPACE)
    query = sa.select(assets.c.path).join_from(assets, segments).where(~has_vector).distinct()
    return tuple(connection.execute(query.order_by(assets.c.path)).scalars())


def _vectors_outside_blocks(connection: sa.Connection) -> tuple[str, ...]:
    places = locations(connection, None)
    committed = blocks.committed(connection, vector_blocks)
    return _paths(connection, places.ids[~blocks.inside(places.files, places.rows, places.rows, committed)])


def _tokens_outside_blocks(connection: sa.Connection) -> tuple[str, ...]:
    return _paths(connection, tokens.outside(connection, blocks.committed(connection, token_blocks)))


def _paths(connection: sa.Connection, segment_ids: Ids) -> tuple[str, ...]:
    found: set[str] = set()
    for chunk in chunks(segment_ids.tolist()):
        query = sa.select(assets.c.path).join_from(assets, segments).where(segments.c.id.in_(chunk))
        found.update(connection.execute(query).scalars())
    return tuple(sorted(found))
