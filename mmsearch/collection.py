"""Collection: the Python API. Wires the stores of one collection to the flows; decides nothing itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from mmsearch.adapt.stored import heads_in_use
from mmsearch.config import Config, Limits
from mmsearch.errors import CollectionExists, QueryError
from mmsearch.protocols import Encoder
from mmsearch.reports import Failure, IndexProgress, IndexReport, IndexStatus, Problem, Status
from mmsearch.search.encode import embed, part_vectors
from mmsearch.search.flow import search
from mmsearch.search.parse import (
    Images,
    Item,
    OneOrMore,
    Sounds,
    absolute,
    is_id,
    like_part,
    listed,
    media_parts,
    named_assets,
    parse_modalities,
    text_parts,
)
from mmsearch.storage import Shelves, Storage
from mmsearch.types import Filter, Hits, Modality, Query, QueryPart, Vectors

if TYPE_CHECKING:
    from mmsearch.reports import AdaptReport

StrPath = str | os.PathLike[str]
OnProgress = Callable[[IndexProgress], None]


class Collection:
    """A searchable collection of photos, sounds and texts on this machine.

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
        transcribe: bool | None = None,
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
            transcribe: Write down what is said, so that it can be searched; by default as the settings say.
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
        from mmsearch.jobs import Wishes, make_job, scan_rules

        wishes = Wishes(listed(include), listed(exclude), hidden, follow_symlinks, transcribe, workers, on_progress)
        rules = scan_rules(wishes, self._config, self.folder)
        if not dry_run and self.exists:
            self._storage.migrate()
        roots = starting_points(paths, self._known_roots(), rules)
        if dry_run:
            with self._storage.peeking() as shelves:
                return flow.dry_run(make_job(wishes, self._config, self._storage, shelves, roots, rules))
        if not self.exists:
            with suppress(CollectionExists):  # another process was faster
                self._storage.make()
        with self._storage.writing() as shelves:
            return flow.index(make_job(wishes, self._config, self._storage, shelves, roots, rules))

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

    def adapt(
        self, pairs: StrPath, *, modality: Modality | str | Sequence[str] = (), dry_run: bool = False
    ) -> list[AdaptReport]:
        """Fit the collection to the user's own captions or labels, if that helps on pairs kept aside.

        Nothing is decoded or embedded again but the captions: the heads work on features stored beside the vectors.

        Args:
            pairs: A .jsonl, .csv or .tsv file of files of this collection and their captions or labels.
            modality: Fit only these kinds, "image" or "audio"; by default all that have enough pairs.
            dry_run: Only measure.

        Returns:
            What was measured, one report a kind. A head whose `helps` is False was not installed.

        Raises:
            UsageError: There are too few pairs of files that are in the collection: at least 10 files of a kind are
                needed, and of labels at least 5 that several files have.
            MediaError: `pairs` cannot be read.
            ModalityUnsupported: The model gives no features to fit.
        """
        from mmsearch.adapt.flow import adapt
        from mmsearch.ingest.publish import publish

        modalities = parse_modalities(listed(modality))

        def measure(shelves: Shelves) -> list[AdaptReport]:
            stores, encoder = (shelves.catalog, shelves.store), self._storage.encoder()
            table = Path(pairs).expanduser()
            return adapt(table, *stores, encoder, self._limits(), modalities=modalities, dry_run=dry_run)

        if dry_run:
            return measure(self._storage.reading())
        with self._storage.writing() as shelves:
            reports = measure(shelves)
            publish(shelves.catalog, shelves.store, shelves.generations)
        return reports

    def undo_adapt(self) -> tuple[Modality, ...]:
        """Take back the last `adapt` that installed something; the one before it is in use again.

        Returns:
            The kinds whose vectors changed; none if nothing was adapted.
        """
        from mmsearch.ingest.publish import publish

        with self._storage.writing() as shelves:
            with shelves.catalog.write() as writer:
                undone = writer.undo_heads()
            publish(shelves.catalog, shelves.store, shelves.generations)
        return undone

    # ---- read ----

    def search(
        self,
        text: OneOrMore = (),
        *,
        image: Images = (),
        audio: Sounds = (),
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
            audio: Sounds: paths, bytes, or (samples, rate in Hz); several as a list. The first minute counts.
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
            MediaError: A picture or sound cannot be read.
            ModalityUnsupported: The model takes no pictures, or no sounds.
        """
        k = self._config.search.k if k is None else k
        if k < 1 or offset < 0:
            raise QueryError(f"k must be at least 1 and offset at least 0, not {k} and {offset}.")
        modalities = parse_modalities(listed(modality))
        shelves, encoder = self._storage.reading(), self._storage.encoder()
        parts = text_parts(listed(text)) + text_parts(listed(negative), sign=-1.0)
        parts += media_parts(image, audio, encoder.spec, self._limits())
        excluded: set[int] = set()
        for item in [like] if isinstance(like, str | int | os.PathLike) else like:
            part, assets = like_part(item, shelves.catalog, shelves.store)
            parts.append(part)
            excluded |= assets
        query = Query(tuple(parts), Filter(modalities, frozenset(excluded)), k, offset)
        return search(query, encoder=encoder, indexes=shelves.indexes, catalog=shelves.catalog)

    def embed(self, *, texts: OneOrMore = (), images: Images = (), sounds: Sounds = ()) -> Vectors:
        """Embed texts, then images, then sounds, as the collection's own are: (n, d) float32, unit rows."""
        encoder = self._storage.encoder()
        parts = [QueryPart("text", text=text) for text in listed(texts)]
        parts += media_parts(images, sounds, encoder.spec, self._limits())
        heads = heads_in_use(self._storage.reading().catalog) if self.exists else {}
        return part_vectors(parts, embed(parts, encoder), heads, encoder.spec.space.dim)

    def status(self) -> Status:
        """Count what the collection holds."""
        shelves = self._storage.reading()
        with shelves.catalog.snapshot():
            counts, generation = shelves.catalog.counts(), shelves.catalog.generation()
            revision, roots = shelves.catalog.revision(), shelves.catalog.roots()
            heads = shelves.catalog.head_versions()
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
            adapted={modality: version for modality, version in heads.items()},
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

    def _read_again(self, shelves: Shelves, paths: Sequence[str]) -> None:
        """Read single files whose vectors were lost."""
        from mmsearch.ingest import flow
        from mmsearch.jobs import Wishes, make_job, scan_rules

        if there := [Path(path) for path in paths if os.path.isfile(path)]:
            rules = scan_rules(Wishes(), self._config, self.folder)
            flow.read_again(make_job(Wishes(), self._config, self._storage, shelves, there, rules))

    def _limits(self) -> Limits:
        return self._config.limits.for_machine(workers=1)
