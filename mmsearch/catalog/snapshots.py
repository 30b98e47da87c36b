"""How a catalog is read: each answer from one state, and all of a snapshot from the same."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from mmsearch.catalog import spaces


class SnapshotReader:
    """Has a transaction for each question, or one for all that a thread asks inside of `snapshot`.

    Thread safety: each thread reads through a connection of its own.

    Raises:
        StorageError: From any method, if the disk fails.
        CollectionDamaged: From any method, if SQLite finds the file malformed.
    """

    def __init__(self, engine: sa.Engine, path: Path) -> None:
        self.path = path
        self._engine = engine
        self._pinned = threading.local()

    @contextmanager
    def snapshot(self) -> Iterator[int]:
        """Let all reads of this thread inside the block see one state, whatever is written meanwhile: its revision."""
        with self._read() as connection:
            revision = spaces.revision(connection)  # the state is fixed by the first read
            outer = getattr(self._pinned, "connection", None)
            self._pinned.connection = connection
            try:
                yield revision
            finally:
                self._pinned.connection = outer

    def revision(self) -> int:
        """Return a number that grows with each transaction that changes segments or vectors."""
        with self._read() as connection:
            return spaces.revision(connection)

    def edition(self) -> int:
        """Return a number that grows with each transaction that changes anything but the log of queries."""
        with self._read() as connection:
            return spaces.edition(connection)

    @contextmanager
    def _read(self) -> Iterator[sa.Connection]:
        """Join the snapshot of this thread, or have a transaction of our own."""
        pinned: sa.Connection | None = getattr(self._pinned, "connection", None)
        if pinned is not None:
            yield pinned
            return
        with self._newest() as connection:
            yield connection

    @contextmanager
    def _newest(self) -> Iterator[sa.Connection]:
        """Have a transaction of our own, even within a snapshot: it sees what was committed since."""
        with self._engine.connect() as connection:
            yield connection
