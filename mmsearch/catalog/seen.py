"""Mark and sweep of deletions, in the database: memory stays flat however many files there are."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa

from mmsearch.catalog.assets import below
from mmsearch.catalog.engine import transaction
from mmsearch.catalog.paths import subtree_ranges
from mmsearch.catalog.tables import assets

_metadata = sa.MetaData()
_seen = sa.Table("seen_assets", _metadata, sa.Column("asset_id", sa.Integer, primary_key=True), prefixes=["TEMP"])
_spared = sa.Table(
    "spared_ranges",
    _metadata,
    sa.Column("low", sa.Text, nullable=False),
    sa.Column("high", sa.Text, nullable=False),
    prefixes=["TEMP"],
)


class SeenSet:
    """The files that one run has come across, in a temporary table. Made by `Catalog.seen`.

    Thread safety: may be used beside the writer, from any thread; a call waits for the write
    transaction of another thread. What is added within a write transaction is undone with it.
    """

    def __init__(self, connection: sa.Connection, lock: threading.RLock) -> None:
        self.connection = connection
        self._lock = lock
        with transaction(connection, write=False):
            _metadata.create_all(connection, checkfirst=False)

    def add(self, asset_ids: Iterable[int]) -> None:
        """Note that these files are there; adding one twice is fine."""
        rows = [{"asset_id": asset_id} for asset_id in asset_ids]
        if rows:
            with self._transaction() as connection:
                connection.execute(_seen.insert().prefix_with("OR IGNORE"), rows)

    def count_missing(self, root: str, spared: Sequence[str] = ()) -> int:
        """Return how many ready files `Writer.sweep` would remove; for a dry run."""
        with self._transaction() as connection:
            missing = self.missing(root, spared)
            query = sa.select(sa.func.count()).select_from(assets).where(missing, assets.c.status == "ready")
            return connection.execute(query).scalar_one()

    def missing(self, root: str, spared: Sequence[str]) -> sa.ColumnElement[bool]:
        """Condition: at or below `root`, not seen, and not at or below a spared path.

        It holds for statements on this set's connection, until the next call.
        """
        ranges = [{"low": low, "high": high} for path in spared for low, high in subtree_ranges(path)]
        with self._transaction() as connection:
            connection.execute(_spared.delete())
            if ranges:
                connection.execute(_spared.insert(), ranges)
        stored = sa.type_coerce(assets.c.path, sa.Text)
        is_spared = sa.exists().where(stored >= _spared.c.low, stored < _spared.c.high)
        is_seen = sa.exists().where(_seen.c.asset_id == assets.c.id)
        return below(root) & ~is_seen & ~is_spared

    def close(self) -> None:
        """Forget the set."""
        # A connection that goes back to the pool would keep its temporary tables. One that Ctrl-C cut off in the
        # middle of a statement has been closed by SQLAlchemy, and cannot be detached.
        if not self.connection.invalidated:
            self.connection.detach()
        self.connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        """Join the write transaction of this thread, or have one of our own."""
        with self._lock:
            if self.connection.in_transaction():
                yield self.connection
                return
            with transaction(self.connection, write=False):
                yield self.connection
