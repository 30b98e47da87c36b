"""The committed blocks of stored rows, in the tables `vector_blocks` and `token_blocks` alike."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from mmsearch.catalog.spaces import ACTIVE_SPACE
from mmsearch.catalog.tables import BlockTable
from mmsearch.types import Block

Places = npt.NDArray[np.int64]


def committed(connection: sa.Connection, table: BlockTable) -> tuple[Block, ...]:
    """Return the committed blocks in order of file and row."""
    columns = table.c
    query = (
        sa.select(columns.file, columns.first_row, columns.rows, columns.digest)
        .where(columns.space_id == ACTIVE_SPACE)
        .order_by(columns.file, columns.first_row)
    )
    return tuple(Block(*row) for row in connection.execute(query))


def free_row(connection: sa.Connection, table: BlockTable) -> tuple[int, int] | None:
    """Return (file, row) of the first free row after the last committed block; None if there is no block."""
    columns = table.c
    query = (
        sa.select(columns.file, columns.first_row + columns.rows)
        .where(columns.space_id == ACTIVE_SPACE)
        .order_by(columns.file.desc(), columns.first_row.desc())
        .limit(1)
    )
    last = connection.execute(query).first()
    return None if last is None else (last[0], last[1])


def files(connection: sa.Connection, table: BlockTable) -> frozenset[int]:
    """Return the numbers of the files that the committed blocks are in."""
    query = sa.select(table.c.file).where(table.c.space_id == ACTIVE_SPACE).distinct()
    return frozenset(connection.execute(query).scalars())


def add(connection: sa.Connection, table: BlockTable, added: Sequence[Block]) -> None:
    """Take rows of files into the catalog; they must be on disk by now."""
    rows = [
        {"file": block.file, "first_row": block.first_row, "rows": block.rows, "digest": block.digest}
        for block in added
    ]
    if rows:
        connection.execute(table.insert().values(space_id=ACTIVE_SPACE), rows)


def forget(connection: sa.Connection, table: BlockTable) -> None:
    """Forget all blocks; their files are nobody's then."""
    connection.execute(table.delete().where(table.c.space_id == ACTIVE_SPACE))


def inside(files: Places, first: Places, last: Places, blocks: Sequence[Block]) -> npt.NDArray[np.bool_]:
    """Tell for each range of rows (n,), the last one included, whether a block covers it.

    Args:
        files: The file of each range.
        first: Its first row.
        last: Its last row.
        blocks: In order of file and row.
    """
    covered = np.zeros(len(files), dtype=np.bool_)
    for file in {block.file for block in blocks}:
        starts = np.array([block.first_row for block in blocks if block.file == file], dtype=np.int64)
        ends = starts + np.array([block.rows for block in blocks if block.file == file], dtype=np.int64)
        (here,) = np.nonzero(files == file)
        block = np.searchsorted(starts, first[here], side="right") - 1
        covered[here] = (block >= 0) & (first[here] <= last[here]) & (last[here] < ends[block])
    return covered
