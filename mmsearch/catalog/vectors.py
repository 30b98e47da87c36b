"""Where the vectors of the active space lie, and the index files made from them."""

from itertools import chain

import numpy as np
import sqlalchemy as sa

from mmsearch.catalog import blocks
from mmsearch.catalog.chunks import chunks
from mmsearch.catalog.records import Locations, ReferencedFiles
from mmsearch.catalog.spaces import ACTIVE_SPACE
from mmsearch.catalog.tables import generations, token_blocks, vector_blocks, vectors
from mmsearch.errors import CollectionDamaged
from mmsearch.types import Generation, Ids

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


def next_row(connection: sa.Connection) -> tuple[int, int]:
    """Return (file, row) of the first free row after the last committed block."""
    return blocks.free_row(connection, vector_blocks) or (1, 0)


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
    names = sa.select(generations.c.file).where(generations.c.space_id == ACTIVE_SPACE)
    return ReferencedFiles(
        vectors=blocks.files(connection, vector_blocks),
        tokens=blocks.files(connection, token_blocks),
        generations=frozenset(connection.execute(names).scalars()),
    )
