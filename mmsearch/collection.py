"""Collection: the Python API. Wires the stores of one collection to the flows; decides nothing itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

from mmsearch.config import Config, Limits, load_config
from mmsearch.errors import CollectionExists, QueryError, UsageError
from mmsearch.protocols import Encoder
from mmsearch.search.encode import part_vectors
from mmsearch.search.flow import search
from mmsearch.search.parse import (
    Item,
    absolute,
    image_parts,
    is_id,
    like_part,
    named_assets,
    parse_modalities,
    text_parts,
)
from mmsearch.storage import Shelves, Storage
from mmsearch.types import (
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

if TYPE_CHECKING:
    from mmsearch.ingest.flow import Job
    from mmsearch.ingest.scan import ScanRules
    from mmsearch.media.sources import ImageSource

StrPath = str | os.PathLike[str]
OneOrMore = str | Sequence[str]
OnProgress = Callable[[IndexProgress], None]


class Collection:
    """A searchable collection of photos and texts on this machine.

    Made by `mmsearch.open` or `mmsearch.create`; a context manager. Any number of processes and threads may
    search one collection while one writes to it. Methods that write raise CollectionLocked if another process
    is writing, and StorageError if the disk is full; what was committed before is safe either way. Methods that
    read raise CollectionNotFound if the collection is not there; only `index` makes it.

    Attributes:
        folder: Where it is stored.
        name: Its name.
    """

    def __init__(self, folder: Path, config: Config, *, model: str | Encoder | None = None) -> None:
        self.folder = folder
        self.name = folder.name
        self._config = config
        self._storage = Storage(folder, model, config.model)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Collection({str(self.folder)!r})"

    @property
    def exists(self) -> bool:
        """Whether it is on disk yet; the first `index` makes it."""
        return self._storage.exists

    def close(self) -> None:
        """Let go of the files. The collection can be used again; it is then opened anew."""
        self._storage.close()

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
        on_progress: OnProgress = lambda _: None,
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
        from mmsearch.ingest.roots import starting_points

        rules = self._rules(_listed(include), _listed(exclude), hidden, follow_symlinks)
        if not dry_run and self.exists:
            self._storage.migrate()
        roots = starting_points(paths, self._known_roots(), rules)
        if dry_run:
            with self._storage.peeking() as shelves:
                return flow.dry_run(self._job(shelves, roots, rules, workers, on_progress))
        if not self.exists:
            with suppress(CollectionExists):  # another process was faster
                self._storage.make()
        with self._storage.writing() as shelves:
            return flow.index(self._job(shelves, roots, rules, workers, on_progress))

    def remove(self, *items: Item) -> int:
        """Forget files, named by path or by the id of a hit; a folder stands for all below it.

        The files themselves are not touched. They come back when `index` is given a folder that they lie in; an
        `index` without paths also leaves out folders that were removed by name.

        Returns:
            How many files were forgotten.

        Raises:
            ItemNotFound: One of them is not in the collection; then none is forgotten.
        """
        from mmsearch.ingest.publish import publish

        with self._storage.writing() as shelves:
            with shelves.catalog.write() as writer:
                forgotten = {item: writer.forget_roots(absolute(item)) for item in items if not is_id(item)}
                found = {
                    asset.id
                    for item in items
                    for asset in named_assets(item, shelves.catalog, or_none=bool(forgotten.get(item)))
                }
                removed = writer.remove_assets(sorted(found))
            publish(shelves.catalog, shelves.store, shelves.generations)
        return removed

    def verify(self, *, repair: bool = False) -> list[Problem]:
        """Check every stored byte against the catalog, and the catalog itself.

        Args:
            repair: Also mend: damaged vectors are dropped and their files, if they still exist, read again.

        Returns:
            What was found, empty if all is well. After a repair each says whether it is mended.
        """
        if not repair:
            self._storage.migrate()
            return self._verify_undisturbed()
        from mmsearch.ingest import verify

        with self._storage.writing() as shelves:
            stores = (shelves.catalog, shelves.store, shelves.generations)
            problems = verify.repair(*stores, verify.verify(*stores))
            self._read_again(shelves, sorted({item for problem in problems for item in problem.items}))
        return problems

    def rebuild(self) -> IndexStatus:
        """Compact the stored vectors and make the index anew from them. Nothing is embedded again.

        Raises:
            CollectionDamaged: Stored vectors do not match their checksums; `verify(repair=True)` mends that.
        """
        from mmsearch.ingest.rebuild import rebuild

        with self._storage.writing() as shelves:
            rebuild(shelves.catalog, shelves.store, shelves.generations)
        return self.status().index

    # ---- read ----

    def search(
        self,
        text: OneOrMore = (),
        *,
        image: ImageSource | Sequence[ImageSource] = (),
        like: Item | Sequence[Item] = (),
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
        shelves, encoder = self._storage.reading(), self._storage.encoder()
        parts = text_parts(_listed(text)) + text_parts(_listed(negative), sign=-1.0)
        parts += image_parts(_sources(image), encoder.spec, self._limits())
        excluded: set[int] = set()
        for item in [like] if isinstance(like, str | int | os.PathLike) else like:
            part, assets = like_part(item, shelves.catalog, shelves.store)
            parts.append(part)
            excluded |= assets
        query = Query(tuple(parts), Filter(modalities, frozenset(excluded)), k, offset)
        return search(query, encoder=encoder, indexes=shelves.indexes, catalog=shelves.catalog)

    def embed(self, *, texts: OneOrMore = (), images: ImageSource | Sequence[ImageSource] = ()) -> Vectors:
        """Embed texts, then images, with the collection's model: (n, d) float32, unit rows."""
        encoder = self._storage.encoder()
        parts = [QueryPart("text", text=text) for text in _listed(texts)]
        return part_vectors([*parts, *image_parts(_sources(images), encoder.spec, self._limits())], encoder)

    def status(self) -> Status:
        """Count what the collection holds."""
        shelves = self._storage.reading()
        with shelves.catalog.snapshot():
            counts, generation = shelves.catalog.counts(), shelves.catalog.generation()
            revision, roots = shelves.catalog.revision(), shelves.catalog.roots()
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
                fresh=generation is not None and generation.revision == revision,
            ),
            bytes_on_disk=self._storage.size_bytes(),
            roots=roots,
            last_indexed_at=counts.last_indexed_at,
        )

    def failures(self, limit: int | None = None) -> list[Failure]:
        """Return the files that could not be read, each with its reason, in order of path."""
        return list(self._storage.reading().catalog.failures(limit))

    def searchable(self, paths: Sequence[str]) -> frozenset[str]:
        """Return which of some absolute paths can be found by a search, and so were read without harm."""
        states = self._storage.reading().catalog.lookup(paths)
        return frozenset(path for path, state in states.items() if state.status == "ready")

    # ---- wiring ----

    def _verify_undisturbed(self) -> list[Problem]:
        """Verify; again if a writer may have replaced what was found missing."""
        from mmsearch.ingest.verify import verify

        shelves = self._storage.reading()
        while True:
            before = shelves.catalog.revision(), shelves.catalog.generation()
            problems = verify(shelves.catalog, shelves.store, shelves.generations)
            if not problems or before == (shelves.catalog.revision(), shelves.catalog.generation()):
                return problems

    def _known_roots(self) -> tuple[str, ...]:
        return self._storage.reading().catalog.roots() if self.exists else ()

    def _job(
        self,
        shelves: Shelves,
        roots: Sequence[Path],
        rules: ScanRules,
        workers: int | None = None,
        on_progress: OnProgress = lambda _: None,
    ) -> Job:
        from mmsearch.ingest.decode import reader_version
        from mmsearch.ingest.flow import Job
        from mmsearch.ingest.pool import make_pool

        encoder = self._storage.encoder()
        return Job(
            catalog=shelves.catalog,
            store=shelves.store,
            generations=shelves.generations,
            roots=tuple(roots),
            rules=rules,
            modalities=encoder.spec.modalities,
            batch_files=self._config.ingest.batch_files,
            start_pool=lambda files: make_pool(encoder, self._storage.model_name, self._config, files, workers),
            on_progress=on_progress,
            model=encoder.spec.space.model,
            reader=reader_version(self._config.limits),
        )

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

    def _read_again(self, shelves: Shelves, paths: Sequence[str]) -> None:
        """Read single files whose vectors were lost."""
        from mmsearch.ingest import flow

        if there := [Path(path) for path in paths if os.path.isfile(path)]:
            flow.read_again(self._job(shelves, there, self._rules((), (), None, None)))

    def _limits(self) -> Limits:
        return self._config.limits.for_machine(workers=1)


def open(name: StrPath = "", *, home: StrPath | None = None, model: str | Encoder | None = None) -> Collection:
    """Open a collection by name, or by the path of its folder. One that does not exist is made by `index`.

    Args:
        name: By default the one of the settings, "default". What has a slash in it, or is a `Path`, is a path.
        home: The folder that holds the collections; by default as the settings say.
        model: For a new collection: the name of an encoder, or an object that is one (it then runs in this
            process, without isolation from hostile files).

    Raises:
        UsageError: The name is "." or "..".
    """
    config = load_config({"home": home})
    given = os.fspath(name) or config.collection
    if given in {os.curdir, os.pardir} and isinstance(name, str):
        raise UsageError(f"A collection cannot be named {given!r}.", remedy="For a path, write './photos'.")
    is_path = isinstance(name, os.PathLike) or os.sep in given
    folder = Path(os.path.abspath(os.path.expanduser(given))) if is_path else config.home / given
    return Collection(folder, config, model=model)


def create(name: StrPath, *, home: StrPath | None = None, model: str | Encoder | None = None) -> Collection:
    """Make a collection at once.

    Args:
        name: As in `open`.
        home: The same.
        model: The same; by default that of the settings, "builtin".

    Raises:
        CollectionExists: There is one of that name.
        ModelNotFound: There is no such model.
    """
    collection = open(name, home=home, model=model)
    collection._storage.make()
    return collection


def _listed(one_or_more: OneOrMore) -> list[str]:
    return [one_or_more] if isinstance(one_or_more, str) else list(one_or_more)


def _sources(images: ImageSource | Sequence[ImageSource]) -> list[ImageSource]:
    return list(images) if isinstance(images, list | tuple) else [cast("ImageSource", images)]
