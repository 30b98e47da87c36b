"""The log of queries and of what was said of their hits, kept on request only.

A search is a read, and may run beside an `index` that holds the collection's lock for hours. So the log is written
without that lock, by short transactions of its own that wait half a second at most. That is safe because they touch no
table that anything else writes, nor the revision: a run that is under way neither reads nor caches anything of theirs,
and SQLite lets one transaction write at a time. A migration, which may remake these tables, is one transaction too, and
changes the schema's revision, which each of ours compares with the one it knows before it writes.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from mmsearch.catalog.chunks import chunks
from mmsearch.catalog.clock import now
from mmsearch.catalog.engine import BUSY_TIMEOUT_S, brief_engine, own_errors, transaction
from mmsearch.catalog.migrate import HEAD
from mmsearch.catalog.tables import clicks, queries
from mmsearch.errors import ItemNotFound, SchemaTooNew
from mmsearch.reports import ClickedQuery

MAX_QUERIES = 100_000  # the oldest go
MAX_QUERY_BYTES = 10_000
NOTE_WAIT_S = 0.5  # what a search waits for another writer

_COLUMNS = (queries.c.id, queries.c.asked_at, queries.c.query, queries.c.hits)


class QueryLog:
    """Writes the log of one catalog file. Any number of threads and processes may, beside a run that writes.

    Raises:
        CollectionLocked: From any method, if others write for too long.
        StorageError: From any method, if the disk is full or cannot be written.
        SchemaTooNew: From any method, if a newer version of mmsearch has changed the catalog meanwhile.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, query: str, hits: int) -> int:
        """Keep a query, and forget the oldest beyond `MAX_QUERIES`. Returns its id, which is never used again.

        Args:
            query: A JSON object of at most `MAX_QUERY_BYTES` as UTF-8.
            hits: How many it found.

        Raises:
            ValueError: The query is too long.
        """
        if len(query.encode("utf-8", "backslashreplace")) > MAX_QUERY_BYTES:
            raise ValueError("the query is too long to be kept")
        row = {"asked_at": now(), "query": query, "hits": hits}
        with self._writing(NOTE_WAIT_S, durable=False) as connection:
            id_ = connection.execute(queries.insert().values(row).returning(queries.c.id)).scalar_one()
            connection.execute(queries.delete().where(queries.c.id <= id_ - MAX_QUERIES))
        return id_

    def click(self, query_id: int, paths: Sequence[str], *, good: bool) -> None:
        """Note which hits of a query are right, or wrong; what was said of them before is replaced.

        Raises:
            ItemNotFound: No such query is kept.
        """
        with self._writing(BUSY_TIMEOUT_S) as connection:
            if connection.execute(sa.select(queries.c.id).where(queries.c.id == query_id)).first() is None:
                raise ItemNotFound(f"No query {query_id} is kept.", remedy="`mmsearch log` shows those that are.")
            for some in chunks(paths):
                again = clicks.delete().where(clicks.c.query_id == query_id, clicks.c.path.in_(some))
                connection.execute(again)
            rows = [
                {"query_id": query_id, "path": path, "good": good, "clicked_at": now()} for path in dict.fromkeys(paths)
            ]
            if rows:
                connection.execute(clicks.insert(), rows)

    def clear(self) -> int:
        """Forget all queries and clicks; their bytes are overwritten. Returns how many queries."""
        with self._writing(BUSY_TIMEOUT_S) as connection:
            forgotten = connection.execute(queries.delete()).rowcount
        self._empty_wal()
        return forgotten

    def _empty_wal(self) -> None:
        """Let go of old pages in SQLite's log too, as far as no reader needs them."""
        with self._engine(NOTE_WAIT_S) as engine, own_errors(self._path):
            connection = engine.raw_connection()
            try:
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                connection.close()

    @contextmanager
    def _writing(self, wait_s: float, *, durable: bool = True) -> Iterator[sa.Connection]:
        with (
            self._engine(wait_s, durable=durable) as engine,
            engine.connect() as connection,
            transaction(connection, write=True),
        ):
            if connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() != HEAD:
                raise SchemaTooNew(f"{self._path} was changed by another version of mmsearch.")
            yield connection

    @contextmanager
    def _engine(self, wait_s: float, *, durable: bool = True) -> Iterator[sa.Engine]:
        def configure(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA busy_timeout = {int(1000 * wait_s)}")
            cursor.execute("PRAGMA secure_delete = ON")  # what is forgotten must not linger in free pages
            if not durable:  # a query that a power failure takes is no loss, and a search need not wait for the disk
                cursor.execute("PRAGMA synchronous = NORMAL")
            cursor.close()

        with brief_engine(self._path, "write") as engine:
            event.listen(engine, "connect", configure)
            yield engine


def newest(connection: sa.Connection, limit: int | None) -> tuple[ClickedQuery, ...]:
    """Return the queries that are kept, or the newest of them, with their clicks; the newest first."""
    return _with_clicks(connection, sa.select(*_COLUMNS).order_by(queries.c.id.desc()).limit(limit))


def clicked(connection: sa.Connection) -> tuple[ClickedQuery, ...]:
    """Return the queries of which something was said, in order of id."""
    has_click = sa.exists().where(clicks.c.query_id == queries.c.id)
    return _with_clicks(connection, sa.select(*_COLUMNS).where(has_click).order_by(queries.c.id))


def _with_clicks(connection: sa.Connection, query: sa.Select[int, str, str, int]) -> tuple[ClickedQuery, ...]:
    rows = connection.execute(query).all()
    said: dict[tuple[int, bool], list[str]] = defaultdict(list)
    for some in chunks([row[0] for row in rows]):
        of_these = sa.select(clicks.c.query_id, clicks.c.good, clicks.c.path).where(clicks.c.query_id.in_(some))
        for id_, good, path in connection.execute(of_these.order_by(clicks.c.id)):
            said[id_, good].append(path)
    return tuple(
        ClickedQuery(id_, asked_at, text, hits, tuple(said[id_, True]), tuple(said[id_, False]))
        for id_, asked_at, text, hits in rows
    )
