"""Where the tokens of the active space lie, and which are kept. Each function works in the transaction it is given.

What forgets or moves tokens counts the collection's revision on (`Writer`), since their files are removed soon after:
so a reader that misses one knows that a writer was at work. New tokens leave the revision, and the index, as they are.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate, chain

import numpy as np
import sqlalchemy as sa

from mmsearch.catalog import blocks
from mmsearch.catalog.chunks import chunks
from mmsearch.catalog.records import TokenCounts, TokenPlaces
from mmsearch.catalog.spaces import ACTIVE_SPACE
from mmsearch.catalog.tables import assets, segments, sequences, spaces, token_blocks, tokens
from mmsearch.types import Block, Ids

_ALL = (
    sa.select(tokens.c.segment_id, tokens.c.file, tokens.c.row, tokens.c.count)
    .where(tokens.c.space_id == ACTIVE_SPACE)
    .order_by(tokens.c.segment_id)
)
_HAS_TOKENS = sa.exists().where(tokens.c.segment_id == segments.c.id, tokens.c.space_id == ACTIVE_SPACE)


def revision(connection: sa.Connection) -> str:
    """Return the revision of the tokens that are kept; "" if none are."""
    return connection.execute(sa.select(spaces.c.tokens).where(spaces.c.space_id == ACTIVE_SPACE)).scalar_one()


def keep(connection: sa.Connection, wanted: str) -> bool:
    """Keep tokens of a revision from now on, none if it is ""; those of another are forgotten.

    Returns:
        Whether there were any to forget.
    """
    if revision(connection) == wanted:
        return False
    forgotten = connection.execute(tokens.delete().where(tokens.c.space_id == ACTIVE_SPACE)).rowcount
    blocks.forget(connection, token_blocks)
    connection.execute(spaces.update().where(spaces.c.space_id == ACTIVE_SPACE).values(tokens=wanted))
    return forgotten > 0


def places(connection: sa.Connection, ids: Ids | None) -> TokenPlaces:
    """Return the places of all tokens, or of those of these ids; ids without tokens are left out."""
    if ids is None:
        return _places(connection, [_ALL])
    wanted = chunks(np.unique(ids).tolist())
    return _places(connection, [_ALL.where(tokens.c.segment_id.in_(chunk)) for chunk in wanted])


def _places(connection: sa.Connection, queries: Sequence[sa.Select[int, int, int, int]]) -> TokenPlaces:
    values = chain.from_iterable(chain.from_iterable(connection.execute(query) for query in queries))
    table = np.fromiter(values, dtype=np.int64).reshape(-1, 4)
    return TokenPlaces(*np.ascontiguousarray(table.T))


def place(connection: sa.Connection, counts: Mapping[int, int], file: int, row: int) -> None:
    """Note that the tokens of segments, so many each, lie in consecutive rows of a file from `row` on, in order."""
    rows = accumulate(counts.values(), initial=row)
    values = [
        {"segment_id": segment_id, "row": first, "count": count}
        for (segment_id, count), first in zip(counts.items(), rows, strict=False)
    ]
    if values:
        connection.execute(tokens.insert().values(space_id=ACTIVE_SPACE, file=file), values)


def put(connection: sa.Connection, added: TokenPlaces) -> None:
    """Note where the tokens of segments lie that had none."""
    names = ("segment_id", "file", "row", "count")
    columns = (added.ids.tolist(), added.files.tolist(), added.rows.tolist(), added.counts.tolist())
    if values := [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]:
        connection.execute(tokens.insert().values(space_id=ACTIVE_SPACE), values)


def outside(connection: sa.Connection, sound: Sequence[Block]) -> Ids:
    """Return the ids (n,), sorted, of segments of which some token lies in none of these blocks."""
    all_ = places(connection, None)
    return all_.ids[~blocks.inside(all_.files, all_.rows, all_.rows + all_.counts - 1, sound)]


def drop_outside(connection: sa.Connection, sound: Sequence[Block]) -> int:
    """Forget the tokens of segments of which some lie in none of these blocks. Returns of how many."""
    lost = outside(connection, sound).tolist()
    for chunk in chunks(lost):
        own = sa.and_(tokens.c.segment_id.in_(chunk), tokens.c.space_id == ACTIVE_SPACE)
        connection.execute(tokens.delete().where(own))
    return len(lost)


def move(connection: sa.Connection, moved: TokenPlaces, added: Sequence[Block]) -> None:
    """Note that all tokens lie elsewhere now; the old blocks are forgotten.

    Raises:
        ValueError: The ids and counts are not exactly those that are in the catalog.
    """
    before = places(connection, None)
    if not (np.array_equal(before.ids, moved.ids) and np.array_equal(before.counts, moved.counts)):
        raise ValueError("the tokens to move are not those in the catalog")
    blocks.forget(connection, token_blocks)
    blocks.add(connection, token_blocks, added)
    columns = zip(moved.ids.tolist(), moved.files.tolist(), moved.rows.tolist(), strict=True)
    if rows := [{"moved": segment_id, "file": file, "row": row} for segment_id, file, row in columns]:
        own = sa.and_(tokens.c.segment_id == sa.bindparam("moved"), tokens.c.space_id == ACTIVE_SPACE)
        connection.execute(tokens.update().where(own), rows)


def next_row(connection: sa.Connection) -> tuple[int, int]:
    """Return (file, row) of the first free row after the last committed block.

    Where no block is left, that is a file whose number was never used: a reader may still hold places in the old ones.
    """
    if (last := blocks.free_row(connection, token_blocks)) is not None:
        return last
    used = sa.select(sequences.c.seq).where(sequences.c.name == token_blocks.name)
    return (connection.execute(used).scalar() or 0) + 1, 0


def counts(connection: sa.Connection) -> TokenCounts:
    """Count the segments, and those that have tokens."""
    number = sa.select(sa.func.count())
    having = number.select_from(tokens).where(tokens.c.space_id == ACTIVE_SPACE)
    return TokenCounts(
        segments=connection.execute(number.select_from(segments)).scalar_one(),
        with_tokens=connection.execute(having).scalar_one(),
    )


def without(connection: sa.Connection) -> Ids:
    """Return the ids (n,), sorted, of ready files of which some segment has no tokens."""
    query = (
        sa.select(assets.c.id)
        .join_from(assets, segments)
        .where(assets.c.status == "ready", ~_HAS_TOKENS)
        .distinct()
        .order_by(assets.c.id)
    )
    return np.fromiter(connection.execute(query).scalars(), dtype=np.int64)
