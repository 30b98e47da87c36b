"""Where the vectors of the active space lie."""

from collections.abc import Iterable

import numpy as np
import sqlalchemy as sa

from mmsearch.catalog import blocks, generations
from mmsearch.catalog.chunks import chunks
from mmsearch.catalog.id_lists import Columns, id_columns
from mmsearch.catalog.records import Locations, ReferencedFiles
from mmsearch.catalog.spaces import ACTIVE_SPACE
from mmsearch.catalog.tables import token_blocks, vector_blocks, vectors
from mmsearch.types import Ids

_ALL = sa.select(vectors.c.segment_id, vectors.c.file, vectors.c.row).where(vectors.c.space_id == ACTIVE_SPACE)


def locations(connection: sa.Connection, ids: Ids | None) -> Locations:
    """Return the places of all vectors, or of these ids; ids without a vector are left out."""
    if ids is None:
        return _locations(connection, [_ALL])
    wanted = chunks(np.unique(ids).tolist())
    return _locations(connection, [_ALL.where(vectors.c.segment_id.in_(chunk)) for chunk in wanted])


def added_since(connection: sa.Connection, last_id: int) -> Locations:
    """Return the places of the vectors with a greater id; a seek, and no more than what is there."""
    return _locations(connection, [_ALL.where(vectors.c.segment_id > last_id)])


def last_id(connection: sa.Connection) -> int:
    """Return the greatest id that has a vector; 0 if none has."""
    query = sa.select(sa.func.max(vectors.c.segment_id)).where(vectors.c.space_id == ACTIVE_SPACE)
    return connection.execute(query).scalar() or 0


def _locations(connection: sa.Connection, queries: Iterable[Columns]) -> Locations:
    ids, files, rows = id_columns(connection, queries) or (np.empty(0, dtype=np.int64),) * 3
    return Locations(ids=ids, files=files, rows=rows)


def next_row(connection: sa.Connection) -> tuple[int, int]:
    """Return (file, row) of the first free row after the last committed block."""
    return blocks.free_row(connection, vector_blocks) or (1, 0)


def referenced_files(connection: sa.Connection) -> ReferencedFiles:
    """Return the files of vectors, tokens and indexes that belong to the active space."""
    return ReferencedFiles(
        vectors=blocks.files(connection, vector_blocks),
        tokens=blocks.files(connection, token_blocks),
        generations=generations.folders(connection),
    )
