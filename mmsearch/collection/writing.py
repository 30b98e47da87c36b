"""The part of the Python API that changes what a collection holds."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from mmsearch.collection.base import StrPath
from mmsearch.collection.reading import Reading
from mmsearch.errors import CollectionExists
from mmsearch.reports import IndexProgress, IndexReport, IndexStatus, Problem
from mmsearch.search.arguments import OneOrMore, listed
from mmsearch.search.items import Item, absolute, is_id, named_assets
from mmsearch.storage import Shelves

OnProgress = Callable[[IndexProgress], None]


class Writing(Reading):
    """Index, remove, verify, rebuild."""

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
