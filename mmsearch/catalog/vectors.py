"""Where the vectors of the active space lie, and the index files made from them."""

from itertools import chain

import numpy as np
import sqlalchemy as sa

from mmsearch.catalog.chunks import chunks
from mmsearch.catalog.records import Locations, ReferencedFiles
from mmsearch.catalog.spaces import ACTIVE_SPACE
from mmsearch.catalog.tables import generations, vector_blocks, vectors
from mmsearch.catalog.tokens import files as token_files
from mmsearch.errors import CollectionDamaged
from mmsearch.types import Block, Generation, Ids

_ALL = (
    sa.select(vectors.c.segment_id, vectors.c.file, vectors.c.row)
    .where(vectors.c.space_id == ACTIVE_SPACE)
    .order_by(vectors.c.segment_id)
)


def locations(connection: sa.Connection, ids: Ids | None) -> Locations:
    """Return the places of all vectors, or of these ids; ids without a vector are left out."""
    if ids is None:
        return _locations(connection, [_ALL])
    wanted = chunks(np.unique(ids).tolist())
    return _locations(connection, [_ALL.where(vectors.c.segment_id.in_(chunk)) for chunk in wanted])


def _locations(connection: sa.Connection, queries: list[sa.Select[int, int, int]]) -> Locations:
    values = chain.from_iterable(chain.from_iterable(connection.execute(query) for query in queries))
    table = np.fromiter(values, dtype=np.int64).reshape(-1, 3)
    ids, files, rows = np.ascontiguousarray(table.T)
    return Locations(ids=ids, files=files, rows=rows)


def blocks(connection: sa.Connection) -> tuple[Block, ...]:
    """Return the committed blocks in order of file and row."""
    table = vector_blocks.c
    query = (
        sa.select(table.file, table.first_row, table.rows, table.digest)
        .where(table.space_id == ACTIVE_SPACE)
        .order_by(table.file, table.first_row)
    )
    return tuple(Block(*row) for row in connection.execute(query))


def next_row(connection: sa.Connection) -> tuple[int, int]:
    """Return (file, row) of the first free row after the last committed block."""
    table = vector_blocks.c
    query = (
        sa.select(table.file, table.first_row + table.rows)
        .where(table.space_id == ACTIVE_SPACE)
        .order_by(table.file.desc(), table.first_row.desc())
        .limit(1)
    )
    last = connection.execute(query).first()
    return (1, 0) if last is None else (last[0], last[1])


def newest_generation(connection: sa.Connection) -> Generation | None:
    """Return the index file that was published last.

    Raises:
        CollectionDamaged: Its name leads out of the folder of generations.
    """
    table = generations.c
    query = (
        sa.select(
            table.number,
            table.kind,
            table.file,
            table.size_bytes,
            table.digest,
            table.vectors,
            table.revision,
        )
        .where(table.space_id == ACTIVE_SPACE)
        .order_by(table.number.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    generation = Generation(*row)
    if not set(generation.file).isdisjoint("/\\:\0"):
        raise CollectionDamaged(f"The catalog names an index file {generation.file!r}.")
    return generation


def referenced_files(connection: sa.Connection) -> ReferencedFiles:
    """Return the files of vectors, tokens and indexes that belong to the active space."""
    files = sa.select(vector_blocks.c.file).where(vector_blocks.c.space_id == ACTIVE_SPACE).distinct()
    names = sa.select(generations.c.file).where(generations.c.space_id == ACTIVE_SPACE)
    return ReferencedFiles(
        vectors=frozenset(connection.execute(files).scalars()),
        tokens=token_files(connection),
        generations=frozenset(connection.execute(names).scalars()),
    )
