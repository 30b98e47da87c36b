"""The published states of the index, and what changed in the vectors since. Each function works in its transaction.

A vector never changes, and no id is given twice. So what changed since a generation is what has a greater id than its
last one, and what is in the list of removed vectors, which a trigger writes. Publishing a generation shortens that list
to what it does not know yet: so it grows no longer than what was removed since.
"""

import re

import sqlalchemy as sa

from mmsearch.catalog import heads
from mmsearch.catalog.clock import now
from mmsearch.catalog.id_lists import id_list
from mmsearch.catalog.spaces import ACTIVE_SPACE
from mmsearch.catalog.tables import collection, generation_files, generations, removed_vectors, sequences, vectors
from mmsearch.errors import CollectionDamaged
from mmsearch.types import Generation, Ids, IndexFile

MAX_FILES = 16  # of a generation
DISCARDED = "discarded"
"""The basis of a generation that nobody is to use any more: no heads are called so."""

_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_KIND = re.compile(r"[a-z0-9-]{1,32}")
_DIGEST = re.compile(r"[0-9a-f]{1,64}")

_OWN = generations.c.space_id == ACTIVE_SPACE
_REMOVED = removed_vectors.c.space_id == ACTIVE_SPACE
_NEWEST = (
    sa.select(
        generations.c.number, generations.c.kind, generations.c.vectors, generations.c.last_id, generations.c.basis
    )
    .where(_OWN)
    .order_by(generations.c.number.desc())
    .limit(1)
)
_FILES = sa.select(generation_files.c.name, generation_files.c.size_bytes, generation_files.c.digest).where(
    generation_files.c.space_id == ACTIVE_SPACE
)


def newest(connection: sa.Connection) -> Generation | None:
    """Return the generation that was published last.

    Raises:
        CollectionDamaged: It is none that was ever put; names of files could lead out of its folder.
    """
    row = connection.execute(_NEWEST).first()
    if row is None:
        return None
    number, kind, count, last_id, basis = row
    if not all(map(_is_count, (number, count, last_id))) or not _fits(_KIND, kind):
        raise CollectionDamaged("The catalog's record of its index was changed.")
    return Generation(number, kind, _files(connection, number), count, last_id, str(basis))


def _files(connection: sa.Connection, number: int) -> tuple[IndexFile, ...]:
    query = _FILES.where(generation_files.c.number == number).order_by(generation_files.c.name).limit(MAX_FILES + 1)
    rows = connection.execute(query).all()
    for name, size_bytes, digest in rows:
        if not (_fits(_FILE_NAME, name) and _is_count(size_bytes) and _fits(_DIGEST, digest)):
            raise CollectionDamaged(f"The catalog names an index file {name!r}.")
    if len(rows) > MAX_FILES:
        raise CollectionDamaged(f"The catalog names more than {MAX_FILES} files of one index.")
    return tuple(IndexFile(*row) for row in rows)


def _is_count(value: object) -> bool:
    """Tell whether a value is what its column is for, which SQLite does not see to."""
    return type(value) is int and value >= 0


def _fits(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def folders(connection: sa.Connection) -> frozenset[str]:
    """Return the names of the folders of all generations."""
    numbers = connection.execute(sa.select(generations.c.number).where(_OWN)).scalars()
    return frozenset(Generation(number, "", (), 0, 0, "").folder for number in numbers if _is_count(number))


def basis(connection: sa.Connection) -> str:
    """Return which heads adapt the vectors, such as "audio:1,image:3": with others, an index is of other vectors."""
    return ",".join(f"{modality}:{version}" for modality, version in sorted(heads.versions(connection).items()))


def removed_since(connection: sa.Connection, serial: int) -> tuple[Ids, int]:
    """Return the ids (n,), sorted, whose vectors were removed after a serial, and the newest serial ever given."""
    later = sa.select(removed_vectors.c.segment_id).where(_REMOVED, removed_vectors.c.serial > serial)
    return id_list(connection, later), _newest_serial(connection)


def knows_removals_since(connection: sa.Connection, serial: int) -> bool:
    """Tell whether nothing that was removed after a serial has been forgotten: serials are given without a gap."""
    kept = sa.select(sa.func.count()).where(removed_vectors.c.serial > serial)
    return _newest_serial(connection) - serial == connection.execute(kept).scalar_one()


def _newest_serial(connection: sa.Connection) -> int:
    given = sa.select(sequences.c.seq).where(sequences.c.name == removed_vectors.name)
    return connection.execute(given).scalar() or 0


def change_counts(connection: sa.Connection, generation: Generation) -> tuple[int, int]:
    """Count the vectors that came after the newest generation, and those of its own that were removed since."""
    number = sa.select(sa.func.count())
    later = number.where(vectors.c.segment_id > generation.last_id, vectors.c.space_id == ACTIVE_SPACE)
    removed = number.where(removed_vectors.c.segment_id <= generation.last_id, _REMOVED)
    return connection.execute(later).scalar_one(), connection.execute(removed).scalar_one()


def removals(connection: sa.Connection) -> int:
    """Return how long the list of removed vectors is: with those that came and went since the newest generation."""
    return connection.execute(sa.select(sa.func.count()).where(_REMOVED)).scalar_one()


def put(connection: sa.Connection, generation: Generation, removed_to: int) -> None:
    """Publish a generation, and forget the removals that it knows: those up to a serial."""
    connection.execute(
        generations.insert().values(
            space_id=ACTIVE_SPACE,
            number=generation.number,
            kind=generation.kind,
            vectors=generation.vectors,
            last_id=generation.last_id,
            basis=generation.basis,
            created_at=now(),
        )
    )
    rows = [
        {"number": generation.number, "name": file.name, "size_bytes": file.size_bytes, "digest": file.digest}
        for file in generation.files
    ]
    if rows:
        connection.execute(generation_files.insert().values(space_id=ACTIVE_SPACE), rows)
    connection.execute(removed_vectors.delete().where(_REMOVED, removed_vectors.c.serial <= removed_to))


def drop(connection: sa.Connection, keep: int) -> None:
    """Forget all generations but one."""
    connection.execute(generations.delete().where(_OWN, generations.c.number != keep))


def discard(connection: sa.Connection) -> None:
    """Let nobody use the newest generation any more. Its number stays taken: readers know an index by it."""
    try:
        newest(connection)
    except CollectionDamaged:  # there is no number to keep
        connection.execute(generations.delete().where(_OWN))
    connection.execute(generations.update().where(_OWN).values(basis=DISCARDED))


def wishes(connection: sa.Connection) -> str:
    """Return what the user wants of the index; "" if nothing was ever said."""
    return connection.execute(sa.select(collection.c.index_wishes)).scalar_one()


def set_wishes(connection: sa.Connection, written: str) -> None:
    """Keep what the user wants of the index."""
    connection.execute(collection.update().values(index_wishes=written))
