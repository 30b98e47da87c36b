"""The connection to SQLite: settings, transactions, and errors in our own terms."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.pool import ConnectionPoolEntry

from mmsearch.catalog.sql_functions import register_functions
from mmsearch.errors import CollectionDamaged, CollectionLocked, MmsearchError, StorageError

Access = Literal["read", "write", "create"]

BUSY_TIMEOUT_S = 10.0
_STORAGE_CODES = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
}
_BUSY_CODES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DAMAGE_CODES = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def make_engine(path: Path, access: Access, *, foreign_keys: bool = True) -> sa.Engine:
    """Prepare access to a catalog file; connections are made as threads need them.

    Guarantees: all reads of one transaction see one state; a committed transaction survives power
    loss; every database error is one of `errors.py`.
    """
    uri = _uri(path, access)

    def connect() -> sqlite3.Connection:
        # No isolation level: the driver must not begin transactions of its own, as it begins none for reads.
        return sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.QueuePool, max_overflow=-1)

    @event.listens_for(engine, "connect")
    def configure(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        with own_errors(path):
            _configure(connection, access, foreign_keys=foreign_keys)
            register_functions(connection)

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        mode = connection.get_execution_options().get("begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")

    @event.listens_for(engine, "handle_error")
    def translate(context: ExceptionContext) -> None:
        if error := own_error(path, context.original_exception):
            raise error from context.original_exception

    return engine


@contextmanager
def brief_engine(path: Path, access: Access, *, foreign_keys: bool = True) -> Iterator[sa.Engine]:
    """Have an engine for a while; afterwards its connections are closed, and its log is gone."""
    engine = make_engine(path, access, foreign_keys=foreign_keys)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def transaction(connection: sa.Connection, *, write: bool) -> Iterator[None]:
    """Commit what the block does, or undo all of it if the block raises.

    Args:
        connection: Not in a transaction.
        write: Take the write lock at once. A read that turns into a write fails if another process
            wrote in between, however long it waits.
    """
    connection.execution_options(begin="IMMEDIATE" if write else "DEFERRED")
    with connection.begin():
        yield


@contextmanager
def own_errors(path: Path) -> Iterator[None]:
    """Translate the errors of a driver connection, which the engine does not see."""
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise own_error(path, error) or error from error


def own_error(path: Path, error: BaseException) -> MmsearchError | None:
    """Say in our own terms what SQLite reports; None for what only a bug can cause."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF  # without its extension
    if code in _STORAGE_CODES:
        return StorageError(f"Cannot use {path}: {error}.")
    if code in _BUSY_CODES:
        return CollectionLocked(f"Another process is using {path}: {error}.")
    undecodable = isinstance(error, UnicodeDecodeError) or "Could not decode to UTF-8" in str(error)
    return damaged(path, str(error)) if code in _DAMAGE_CODES or undecodable else None


def damaged(path: Path, reason: str) -> CollectionDamaged:
    """Make the error for a catalog that cannot be read, which nothing can derive again."""
    return CollectionDamaged(
        f"{path} is not a catalog that can be read: {reason}.",
        remedy="Put back a copy of the file if you have one; else delete the collection and index again.",
    )


def _configure(connection: DBAPIConnection, access: Access, *, foreign_keys: bool) -> None:
    cursor = connection.cursor()
    try:
        if access != "read":
            cursor.execute("PRAGMA journal_mode = WAL")
        # FULL: in WAL mode anything less may lose the last commits when the power fails.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
    finally:
        cursor.close()


def _uri(path: Path, access: Access) -> str:
    """Name the file for SQLite; as a URI any bytes in its name are safe, and a missing file is not made."""
    if access == "create":
        return f"{path.absolute().as_uri()}?mode=rwc"
    if access == "read" and _is_frozen(path):
        return f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    return f"{path.absolute().as_uri()}?mode=rw"


def _is_frozen(path: Path) -> bool:
    """Tell whether nobody here can write and no commit waits in a log: then SQLite needs no lock files."""
    if os.access(path.parent, os.W_OK):
        return False
    log = path.with_name(f"{path.name}-wal")
    return not log.exists() or log.stat().st_size == 0
