"""Where a collection lies on disk: making it, opening it to read or to write, and the encoder that belongs to it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import RLock

from mmsearch.catalog.catalog import Catalog
from mmsearch.catalog.migrate import HEAD, stored_revision
from mmsearch.errors import CollectionExists, CollectionNotFound, ModelMismatch
from mmsearch.files import WriterLock
from mmsearch.protocols import Encoder
from mmsearch.registry import make_encoder
from mmsearch.search.indexes import IndexCache
from mmsearch.types import EncoderSpec
from mmsearch.vectors.generation import GenerationStore
from mmsearch.vectors.store import VectorStore
from mmsearch.vectors.tokens import TokenStore


class Shelves:
    """The open stores of one collection: what a flow works on."""

    def __init__(self, folder: Path, catalog: Catalog, device: str = "cpu") -> None:
        self.catalog = catalog
        self.space = catalog.space()
        self._spaces = spaces = folder / "spaces" / self.space.space_id
        self.feature_dim = catalog.feature_dim()
        self.store = VectorStore(spaces / "vectors", self.space, self.feature_dim)
        self.generations = GenerationStore(spaces / "generations", self.space.dim)
        self.indexes = IndexCache(catalog, self.store, self.generations, device)

    @property
    def tokens(self) -> TokenStore:
        """The tokens of the revision that is kept now: it may change while this is open."""
        return TokenStore(self._spaces / "tokens", self.space, self.catalog.token_revision())


class Storage:
    """One collection on disk, which need not be there yet. Thread-safe.

    Args:
        folder: Where it lies.
        model: What the caller asks for, by name or as an object; None takes what the collection was made with.
        default_model: For a new collection of which the caller asks nothing.
        device: Where to search its index: the setting `index.device`.
    """

    def __init__(self, folder: Path, model: str | Encoder | None, default_model: str, device: str = "cpu") -> None:
        self.folder = folder
        self._device = device
        self._model = model
        self._default_model = default_model
        self._shelves: Shelves | None = None
        self._encoder: Encoder | None = None
        self._opening = RLock()

    @property
    def exists(self) -> bool:
        """Whether the collection is on disk."""
        return os.path.isfile(self._catalog_path)

    @property
    def model_name(self) -> str | None:
        """What another process can make the encoder by; None if it is an object of the caller's own."""
        own = self._model is not None and not isinstance(self._model, str)
        return None if own else self.encoder().spec.space.model

    def encoder(self) -> Encoder:
        """Return the collection's encoder, made once.

        Raises:
            ModelMismatch: Another model was asked for, or the same name now stands for another one.
            ModelNotFound: There is no such model.
        """
        with self._opening:
            if self._encoder is None:
                space = self.reading().space if self.exists else None
                usual = space.model if space else self._default_model
                wanted = usual if self._model is None else self._model
                encoder = make_encoder(wanted) if isinstance(wanted, str) else wanted
                if space:
                    _check_space(encoder.spec, self.reading(), self.folder.name)
                self._encoder = encoder
            return self._encoder

    def reading(self) -> Shelves:
        """Open for reading, once.

        Raises:
            CollectionNotFound: It is not on disk.
            CollectionError: It is of an older version; see `migrate`.
            ModelMismatch: The encoder that is in use here is not the collection's.
        """
        with self._opening:
            if self._shelves is None:
                self._require()
                catalog = Catalog.open(self._catalog_path, write=False)
                self._shelves = self._compared(Shelves(self.folder, catalog, self._device))
            return self._shelves

    @contextmanager
    def writing(self) -> Iterator[Shelves]:
        """Hold the writer's lock and open for writing; a collection of an older version is migrated.

        Raises:
            CollectionNotFound: It is not on disk.
            CollectionLocked: Another process is writing.
            StorageError: The disk is full or cannot be written.
        """
        self._require()
        with WriterLock(self.folder).held(), Catalog.open(self._catalog_path, write=True) as catalog:
            yield self._compared(Shelves(self.folder, catalog))

    @contextmanager
    def committing(self) -> Iterator[Catalog]:
        """Open the catalog for the short transaction that puts an index in use, beside a writer that may be at work.

        That is safe without the writer's lock, which may be held for hours: no other run touches the tables of that
        transaction, it looks at all that it relies on itself, and SQLite lets one transaction write at a time.

        Raises:
            CollectionNotFound: It is not on disk.
            CollectionLocked: Another process writes for longer than SQLite waits.
            StorageError: The disk is full or cannot be written.
        """
        self._require()
        with Catalog.open(self._catalog_path, write=True) as catalog:
            yield catalog

    def make(self, *, keep_tokens: bool = True) -> None:
        """Make an empty collection.

        Args:
            keep_tokens: Store the tokens that the model gives, if it gives any.

        Raises:
            CollectionExists: It is there.
            ModelNotFound: There is no such model; then no folder is made.
        """
        if self.exists:
            raise CollectionExists(f"There is a collection {self.folder.name!r} in {self.folder.parent}.")
        spec = self.encoder().spec
        with WriterLock(self.folder).held():
            tokens = spec.tokens if keep_tokens else ""
            Catalog.create(self._catalog_path, self.folder.name, spec.space, spec.feature_dim, tokens=tokens).close()

    @contextmanager
    def peeking(self) -> Iterator[Shelves]:
        """Open for reading; a collection that is not on disk is taken for an empty one, gone after the block."""
        if self.exists:
            yield self.reading()
            return
        with TemporaryDirectory() as name:
            catalog_path = Path(name) / "catalog.db"
            spec = self.encoder().spec
            made = Catalog.create(catalog_path, self.folder.name, spec.space, spec.feature_dim, tokens=spec.tokens)
            with made as catalog:
                yield Shelves(Path(name), catalog)

    def migrate(self) -> None:
        """Bring a collection of an older version up to date; any other is left alone.

        Raises:
            CollectionNotFound: It is not on disk.
            CollectionLocked: Another process is writing.
        """
        self._require()
        revision = stored_revision(self._catalog_path)
        if revision is not None and revision < HEAD:
            with self.writing():
                pass

    def close(self) -> None:
        """Let go of the files; the next call opens them anew."""
        with self._opening:
            if self._shelves is not None:
                self._shelves.catalog.close()
                self._shelves = None

    def size_bytes(self) -> int:
        """Return what it takes on disk; files that a writer removes meanwhile do not count."""
        return sum(_size(path) for path in self.folder.rglob("*"))

    def _compared(self, shelves: Shelves) -> Shelves:
        """Hold an encoder that was made before the collection was against it: another process may have made it."""
        if self._encoder is not None:
            _check_space(self._encoder.spec, shelves, self.folder.name)
        return shelves

    @property
    def _catalog_path(self) -> Path:
        return self.folder / "catalog.db"

    def _require(self) -> None:
        if not self.exists:
            raise CollectionNotFound(f"There is no collection {self.folder.name!r} in {self.folder.parent}.")


def _check_space(spec: EncoderSpec, shelves: Shelves, name: str) -> None:
    encoder, collection = spec.space, shelves.space
    if encoder.space_id != collection.space_id and encoder.model == collection.model:
        raise ModelMismatch(
            f"The collection {name!r} was made with another revision of the model {encoder.model} "
            f"({collection.revision}; this is {encoder.revision}), and their vectors cannot be compared.",
            remedy="Index the folders again into a new collection, with -c NAME; the media files are not touched.",
        )
    if encoder.space_id != collection.space_id:
        raise ModelMismatch(
            f"The collection {name!r} was made with {collection.model} (revision {collection.revision}); "
            f"{encoder.model} is at revision {encoder.revision}, and their vectors cannot be compared."
        )
    if shelves.feature_dim not in (0, spec.feature_dim):  # 0: made before features were kept
        raise ModelMismatch(
            f"The collection {name!r} keeps features of length {shelves.feature_dim}; {encoder.model} gives "
            f"{spec.feature_dim}."
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0
