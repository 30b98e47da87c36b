"""The catalog of one collection: making it, opening it, and the door to writing."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from glob import escape as glob_escape
from pathlib import Path
from typing import Self

import sqlalchemy as sa

from mmsearch.catalog import spaces
from mmsearch.catalog.clock import now
from mmsearch.catalog.engine import brief_engine, make_engine, transaction
from mmsearch.catalog.migrate import create_schema, require_head
from mmsearch.catalog.reader import CatalogReader
from mmsearch.catalog.records import (
    AssetState,
    Counts,
    Locations,
    ReferencedFiles,
    SegmentRecord,
    StoredHead,
    StoredReranker,
    TokenCounts,
    TokenPlaces,
)
from mmsearch.catalog.seen import SeenSet
from mmsearch.catalog.writer import Writer
from mmsearch.errors import CollectionExists, CollectionNotFound
from mmsearch.files import replacing
from mmsearch.types import Block, EmbeddingSpace, Generation

__all__ = [
    "AssetState",
    "Block",
    "Catalog",
    "Counts",
    "Generation",
    "Locations",
    "ReferencedFiles",
    "SeenSet",
    "SegmentRecord",
    "StoredHead",
    "StoredReranker",
    "TokenCounts",
    "TokenPlaces",
    "Writer",
]


class Catalog(CatalogReader):
    """Metadata of one collection in one SQLite file: what `CatalogReader` reads, and `write` changes.

    Thread safety: any number of threads may read through one Catalog; one at a time is inside
    `write`. Any number of processes may read; that only one opens for writing is for the
    collection's lock to see to.
    Guarantees: what `write` committed survives power loss. Reads during `write` see the state before.
    """

    def __init__(self, engine: sa.Engine, path: Path, *, writable: bool) -> None:
        super().__init__(engine, path)
        self._writable = writable
        self._writing = False
        self._write_lock = threading.RLock()
        self._seen: SeenSet | None = None

    @classmethod
    def create(cls, path: Path, name: str, space: EmbeddingSpace, feature_dim: int = 0, *, tokens: str = "") -> Self:
        """Make an empty catalog and open it for writing. It appears whole or not at all.

        Args:
            path: The file to make.
            name: Of the collection.
            space: The embedding space of its vectors.
            feature_dim: Length of the features beside each vector.
            tokens: Revision of the tokens that are kept beside the vectors; "" if none are.

        Raises:
            CollectionExists: There is such a file.
            StorageError: The folder cannot be written.
        """
        if path.exists():
            raise CollectionExists(f"There is a catalog at {path} already.")
        for leftover in path.parent.glob(f".{glob_escape(path.name)}.*.tmp*"):  # of a process that was killed
            leftover.unlink(missing_ok=True)
        with replacing(path) as temporary:
            cls._build(temporary, name, space, feature_dim, tokens)
        return cls.open(path, write=True)

    @staticmethod
    def _build(path: Path, name: str, space: EmbeddingSpace, feature_dim: int, tokens: str) -> None:
        with (
            brief_engine(path, "create") as engine,
            engine.connect() as connection,
            transaction(connection, write=True),
        ):
            create_schema(connection)
            spaces.insert_collection(connection, name, space, feature_dim, tokens, created_at=now())

    @classmethod
    def open(cls, path: Path, *, write: bool) -> Self:
        """Open a catalog; one of an older version is migrated if it is opened for writing.

        A folder that cannot be written can be searched as long as nobody changes it meanwhile.

        Raises:
            CollectionNotFound: There is no such file.
            CollectionDamaged: It is not a catalog.
            CollectionError: It is of an older version and opened for reading.
            SchemaTooNew: It is of a newer version.
            StorageError: It cannot be read, or its folder cannot be written.
        """
        if not path.is_file():
            raise CollectionNotFound(f"There is no catalog at {path}.")
        require_head(path, write=write)
        catalog = cls(make_engine(path, "write" if write else "read"), path, writable=write)
        if write:
            catalog._require_writable()
        return catalog

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def seen(self) -> Iterator[SeenSet]:
        """Start to note which files a run comes across; write transactions inside note what they put.

        Raises:
            RuntimeError: One is open already, or a write transaction is.
        """
        with self._write_lock:
            if self._seen is not None or self._writing:
                raise RuntimeError("open one set of seen files at a time, before writing")
            self._seen = SeenSet(self._engine.connect(), self._write_lock)
        try:
            yield self._seen
        finally:
            with self._write_lock:
                self._seen.close()
                self._seen = None

    @contextmanager
    def write(self) -> Iterator[Writer]:
        """Change the catalog: all of the block, or nothing if it raises.

        Raises:
            RuntimeError: The catalog is open for reading, or this thread is writing already.
            StorageError: The disk is full or fails; nothing was changed.
            CollectionLocked: Another process is writing.
        """
        if not self._writable:
            raise RuntimeError("this catalog is open for reading only")
        with self._write_lock, self._one_writer():
            shared = nullcontext(self._seen.connection) if self._seen else self._engine.connect()
            with shared as connection, transaction(connection, write=True):
                writer = Writer(connection, self._seen)
                yield writer
                writer.finish()

    def _require_writable(self) -> None:
        """Find out now, not after hours of encoding, that nothing can be written."""
        try:
            with self.write():
                pass
        except BaseException:
            self.close()
            raise

    @contextmanager
    def _one_writer(self) -> Iterator[None]:
        """Refuse a write within a write, which the lock lets through in one thread."""
        if self._writing:
            raise RuntimeError("a write transaction is open already")
        self._writing = True
        try:
            yield
        finally:
            self._writing = False
