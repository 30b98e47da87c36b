"""Collection: the Python API. Wires the shelves (catalog, vectors, encoder) to the flows; decides nothing itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self, cast

from mmsearch.catalog.catalog import AssetState, Catalog
from mmsearch.config import Config, Limits, load_config
from mmsearch.errors import (
    CollectionExists,
    CollectionNotFound,
    ItemNotFound,
    ModelMismatch,
    QueryError,
    UsageError,
)
from mmsearch.files import WriterLock
from mmsearch.protocols import Encoder
from mmsearch.registry import make_encoder
from mmsearch.search.encode import part_vectors
from mmsearch.search.flow import search
from mmsearch.search.indexes import IndexCache
from mmsearch.search.parse import image_parts, like_part, text_parts
from mmsearch.types import (
    MODALITIES,
    EmbeddingSpace,
    Failure,
    Filter,
    Hits,
    IndexProgress,
    IndexReport,
    IndexStatus,
    Modality,
    Problem,
    Query,
    QueryPart,
    Status,
    Vectors,
)
from mmsearch.vectors.generation import GenerationStore
from mmsearch.vectors.store import VectorStore

if TYPE_CHECKING:
    from mmsearch.ingest.pool import Pool
    from mmsearch.ingest.scan import ScanRules
    from mmsearch.media.sources import ImageSource

StrPath = str | os.PathLike[str]
OneOrMore = str | Sequence[str]


class Shelves:
    """The open stores of one collection: what a flow works on."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self.catalog = catalog
        self.space = catalog.space()
        spaces = folder / "spaces" / self.space.space_id
        self.store = VectorStore(spaces / "vectors", self.space)
        self.generations = GenerationStore(spaces / "generations", self.space.dim)
        self.indexes = IndexCache(catalog, self.store, self.generations)


class Collection:
    """A searchable collection of photos and texts on this machine.

    Made by `mmsearch.open` or `mmsearch.create`; a context manager. Any number of processes and threads may
    search one collection while one writes to it. Methods that write raise CollectionLocked if another process
    is writing, and StorageError if the disk is full; what was committed before is safe either way.

    Attributes:
        folder: Where it is stored.
        name: Its name.
    """

    def __init__(self, folder: Path, config: Config, *, model: str | Encoder | None = None) -> None:
        self.folder = folder
        self.name = folder.name
        self._config = config
        self._model = model
        self._shelves: Shelves | None = None
        self._made_encoder: Encoder | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Collection({str(self.folder)!r})"

    @property
    def exists(self) -> bool:
        """Whether it is on disk yet; the first `index` makes it."""
        return self._catalog_path.is_file()

    def close(self) -> None:
        """Let go of the files. The collection can be used again; it is then opened anew."""
        if self._shelves is not None:
            self._shelves.catalog.close()
            self._shelves = None

    # ---- write ----

    def index(
        self,
        *paths: StrPath,
        include: OneOrMore = (),
        exclude: OneOrMore = (),
        hidden: bool | None = None,
        follow_symlinks: bool | None = None,
        dry_run: bool = False,
        workers: int | None = None,
        on_progress: Callable[[IndexProgress], None] = lambda _: None,
    ) -> IndexReport:
        """Bring the collection up to date with files and folders: only what changed is read and embedded.

        Files that are gone from the given folders are forgotten. An interrupted run keeps what it committed;
        the next one goes on from there.

        Args:
            paths: Files and folders; without any, those that were indexed before.
            include: Patterns as in .gitignore, relative to each folder; if given, only files that match.
            exclude: The same; files and folders to pass over.
            hidden: Also files and folders whose name begins with a dot.
            follow_symlinks: Also what symbolic links lead to.
            dry_run: Only count; nothing is read, written or forgotten.
            workers: Processes that read and embed; by default one a core.
            on_progress: Called often, from this thread.

        Returns:
            Counts of files. Broken files are counted in `failed` and listed by `failures`; they stop nothing.

        Raises:
            UsageError: A path does not exist, or none was given and none is known.
            ModelMismatch: The collection was made with another model.
        """
        from mmsearch.ingest import flow

        rules = self._rules(_listed(include), _listed(exclude), hidden, follow_symlinks)
        roots = self._roots(paths)
        encoder = self._encoder()

        def job(shelves: Shelves) -> flow.Job:
            return flow.Job(
                catalog=shelves.catalog,
                store=shelves.store,
                generations=shelves.generations,
                roots=roots,
                rules=rules,
                modalities=encoder.spec.modalities,
                batch_files=self._config.ingest.batch_files,
                start_pool=lambda files: self._start_pool(encoder, workers, files),
                on_progress=on_progress,
            )

        if not dry_run:
            with self._writing() as shelves:
                return flow.index(job(shelves))
        if self.exists:
            return flow.dry_run(job(self._open()))
        with TemporaryDirectory() as folder, self._created(Path(folder)) as shelves:
            return flow.dry_run(job(shelves))

    def remove(self, *items: StrPath | int) -> int:
        """Forget files, named by path or by the id of a hit; a folder stands for all below it.

        The files themselves are not touched. They come back at the next `index` of their folder.

        Returns:
            How many files were forgotten.

        Raises:
            ItemNotFound: One of them is not in the collection; then none is forgotten.
        """
        from mmsearch.ingest.publish import publish

        with self._writing() as shelves:
            found = [asset.id for item in items for asset in self._assets(shelves.catalog, item)]
            with shelves.catalog.write() as writer:
                removed = writer.remove_assets(sorted(set(found)))
            publish(shelves.catalog, shelves.store, shelves.generations)
        return removed

    def verify(self, *, repair: bool = False) -> list[Problem]:
        """Check every stored byte against the catalog, and the catalog itself.

        Args:
            repair: Also mend: damaged vectors are dropped and their files, if they still exist, read again.

        Returns:
            What was found, empty if all is well. After a repair each says whether it is mended.
        """
        from mmsearch.ingest.verify import repair as mend
        from mmsearch.ingest.verify import verify

        if not repair:
            shelves = self._open(migrate=True)
            return verify(shelves.catalog, shelves.store, shelves.generations)
        with self._writing() as shelves:
            args = (shelves.catalog, shelves.store, shelves.generations)
            problems = mend(*args, verify(*args))
        lost = sorted({item for problem in problems for item in problem.items if os.path.exists(item)})
        if lost:
            self.index(*lost)
        return problems

    def rebuild(self) -> IndexStatus:
        """Compact the stored vectors and make the index anew from them. Nothing is embedded again.

        Raises:
            CollectionDamaged: Stored vectors do not match their checksums; `verify(repair=True)` mends that.
        """
        from mmsearch.ingest.rebuild import rebuild

        with self._writing() as shelves:
            rebuild(shelves.catalog, shelves.store, shelves.generations)
        return self.status().index

    # ---- read ----

    def search(
        self,
        text: OneOrMore = (),
        *,
        image: ImageSource | Sequence[ImageSource] = (),
        like: StrPath | int | Sequence[StrPath | int] = (),
        negative: OneOrMore = (),
        modality: Modality | str | Sequence[str] = (),
        k: int | None = None,
        offset: int = 0,
    ) -> Hits:
        """Find the segments nearest to what is asked for, best first.

        All parts combine into one: their unit vectors are added up by weight.

        Args:
            text: Words or sentences; '2:cat' counts double.
            image: Pictures: paths ('0.5:a.jpg' counts half), bytes, PIL images, arrays (h, w, 3).
            like: Items of the collection, by id or path; they are left out of the results.
            negative: Texts to steer away from.
            modality: Only segments of these kinds, such as "image" or "image,text".
            k: How many; by default `search.k` of the settings, 10.
            offset: How many of the best to leave out, for paging.

        Returns:
            At most k hits with `good_match`, which is False if even the best is probably wrong.

        Raises:
            QueryError: There is nothing to search for.
            ItemNotFound: `like` names something that is not in the collection.
            MediaError: A picture cannot be read.
        """
        k = self._config.search.k if k is None else k
        if k < 1 or offset < 0:
            raise QueryError(f"k must be at least 1 and offset at least 0, not {k} and {offset}.")
        modalities = parse_modalities(_listed(modality))
        shelves, encoder = self._open(), self._encoder()
        parts = text_parts(_listed(text)) + text_parts(_listed(negative), sign=-1.0)
        parts += image_parts(_sources(image), encoder.spec, self._limits())
        excluded: set[int] = set()
        for item in [like] if isinstance(like, str | int | os.PathLike) else like:
            part, assets = like_part(item, shelves.catalog, shelves.store)
            parts.append(part)
            excluded |= assets
        query = Query(tuple(parts), Filter(modalities, frozenset(excluded)), k, offset)
        return search(query, encoder=encoder, indexes=shelves.indexes, catalog=shelves.catalog)

    def embed(self, *, texts: Sequence[str] = (), images: Sequence[ImageSource] = ()) -> Vectors:
        """Embed texts, then images, with the collection's model: (n, d) float32, unit rows."""
        encoder = self._encoder()
        parts = [QueryPart("text", text=text) for text in texts]
        return part_vectors([*parts, *image_parts(images, encoder.spec, self._limits())], encoder)

    def status(self) -> Status:
        """Count what the collection holds."""
        shelves = self._open()
        counts, generation = shelves.catalog.counts(), shelves.catalog.generation()
        return Status(
            name=self.name,
            path=str(self.folder),
            model=shelves.space.model,
            dim=shelves.space.dim,
            assets=counts.assets,
            segments=counts.segments,
            failed=counts.failed,
            waiting=counts.waiting,
            index=IndexStatus(
                kind=generation.kind if generation else "none",
                size_bytes=generation.size_bytes if generation else 0,
                vectors=generation.vectors if generation else 0,
                fresh=generation is not None and generation.revision == shelves.catalog.revision(),
            ),
            bytes_on_disk=sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file()),
            roots=shelves.catalog.roots(),
            last_indexed_at=counts.last_indexed_at,
        )

    def failures(self, limit: int | None = None) -> list[Failure]:
        """Return the files that could not be read, each with its reason, in order of path."""
        return list(self._open().catalog.failures(limit))

    # ---- wiring ----

    @property
    def _catalog_path(self) -> Path:
        return self.folder / "catalog.db"

    def _open(self, *, migrate: bool = False) -> Shelves:
        """Open for reading, once.

        Raises:
            CollectionNotFound: It is not on disk.
        """
        if self._shelves is None:
            if not self.exists:
                raise CollectionNotFound(f"There is no collection {self.name!r} in {self.folder.parent}.")
            if migrate:
                Catalog.open(self._catalog_path, write=True).close()
            self._shelves = Shelves(self.folder, Catalog.open(self._catalog_path, write=False))
        return self._shelves

    @contextmanager
    def _writing(self) -> Iterator[Shelves]:
        """Hold the writer's lock and open for writing; a collection that is not there yet is made."""
        with WriterLock(self.folder).held():
            if not self.exists:
                with self._created(self.folder):
                    pass
            with Catalog.open(self._catalog_path, write=True) as catalog:
                self._check_model(catalog.space())
                yield Shelves(self.folder, catalog)

    @contextmanager
    def _created(self, folder: Path) -> Iterator[Shelves]:
        with Catalog.create(folder / "catalog.db", self.name, self._encoder().spec.space) as catalog:
            yield Shelves(folder, catalog)

    def _encoder(self) -> Encoder:
        """Return the encoder of the collection, or for a new one that of the settings; made once.

        Raises:
            ModelMismatch: Another model was asked for, or the same name now stands for another one.
        """
        if self._made_encoder is None:
            space = self._open().space if self.exists else None
            wanted = self._model or (space.model if space else self._config.model)
            encoder = make_encoder(wanted) if isinstance(wanted, str) else wanted
            if space:
                _check_space(encoder.spec.space, space, self.name)
            self._made_encoder = encoder
        return self._made_encoder

    def _check_model(self, space: EmbeddingSpace) -> None:
        _check_space(self._encoder().spec.space, space, self.name)

    def _start_pool(self, encoder: Encoder, workers: int | None, files: int) -> Pool:
        from mmsearch.ingest.pool import make_pool

        ingest = self._config.ingest
        batches = -(-files // ingest.batch_files)  # more workers than batches would be idle
        count = max(1, min(workers or ingest.worker_count, batches))
        by_name = None if self._model is not None and not isinstance(self._model, str) else encoder.spec.space.model
        return make_pool(encoder, by_name, self._config.limits, count)

    def _rules(
        self, include: Sequence[str], exclude: Sequence[str], hidden: bool | None, follow: bool | None
    ) -> ScanRules:
        from mmsearch.ingest.scan import ScanRules

        return ScanRules.of(
            include=include,
            exclude=exclude,
            hidden=self._config.ingest.hidden if hidden is None else hidden,
            follow_symlinks=self._config.ingest.follow_symlinks if follow is None else follow,
            avoid=[self.folder],
        )

    def _roots(self, paths: Sequence[StrPath]) -> tuple[Path, ...]:
        """Absolute roots, without those that lie below another.

        Raises:
            UsageError: One does not exist; its files are not taken for deleted.
        """
        if not paths and self.exists:
            paths = [root for root in self._open().catalog.roots() if os.path.exists(root)]
        if not paths:
            raise UsageError("There is nothing to index.", remedy="Name a folder: mmsearch index ~/Pictures")
        roots = sorted({Path(os.path.abspath(Path(path).expanduser())) for path in paths})
        for root in roots:
            if not root.exists():
                raise UsageError(
                    f"{root} does not exist.",
                    remedy="If it was deleted for good, forget its files with `mmsearch remove`.",
                )
        return tuple(root for root in roots if not any(parent in roots for parent in root.parents))

    def _assets(self, catalog: Catalog, item: StrPath | int) -> Sequence[AssetState]:
        name = str(item) if isinstance(item, int) else os.fspath(item)
        found = catalog.find_assets(name) or catalog.find_assets(os.path.abspath(os.path.expanduser(name)))
        if not found:
            raise ItemNotFound(f"{name!r} is not in the collection.")
        return found

    def _limits(self) -> Limits:
        return self._config.limits.for_machine(workers=1)


def open(name: StrPath = "", *, home: StrPath | None = None, model: str | Encoder | None = None) -> Collection:
    """Open a collection by name, or by the path of its folder. One that does not exist is made by `index`.

    Args:
        name: By default the one of the settings, "default".
        home: The folder that holds the collections; by default as the settings say.
        model: For a new collection: the name of an encoder, or an object that is one (it then runs in this
            process, without isolation from hostile files).
    """
    config = load_config({"home": home})
    given = os.fspath(name) or config.collection
    folder = Path(given).expanduser().absolute() if os.sep in given else config.home / given
    return Collection(folder, config, model=model)


def create(name: StrPath, *, home: StrPath | None = None, model: str | Encoder = "builtin") -> Collection:
    """Make a collection at once.

    Raises:
        CollectionExists: There is one of that name.
        ModelNotFound: There is no such model.
    """
    collection = open(name, home=home, model=model)
    if collection.exists:
        raise CollectionExists(f"There is a collection {collection.name!r} in {collection.folder.parent}.")
    with collection._writing():
        return collection


def parse_modalities(names: Sequence[str]) -> frozenset[Modality]:
    """Read ["image,text"] or ["image", "text"].

    Raises:
        QueryError: One is unknown.
    """
    given = {name.strip() for each in names for name in each.split(",") if name.strip()}
    if unknown := sorted(given - set(MODALITIES)):
        raise QueryError(f"There is no modality {unknown[0]!r}; known: {', '.join(MODALITIES)}.")
    return frozenset(modality for modality in MODALITIES if modality in given)


def _check_space(encoder: EmbeddingSpace, collection: EmbeddingSpace, name: str) -> None:
    if encoder.space_id != collection.space_id:
        raise ModelMismatch(
            f"The collection {name!r} was made with {collection.model} (revision {collection.revision}); "
            f"{encoder.model} is at revision {encoder.revision}, and their vectors cannot be compared."
        )


def _listed(one_or_more: OneOrMore) -> list[str]:
    return [one_or_more] if isinstance(one_or_more, str) else list(one_or_more)


def _sources(images: ImageSource | Sequence[ImageSource]) -> list[ImageSource]:
    return list(images) if isinstance(images, list | tuple) else [cast("ImageSource", images)]
