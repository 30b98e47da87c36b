"""The part of the Python API that changes what a collection holds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mmsearch.collection.base import StrPath
from mmsearch.collection.optimizing import OnProgress, Optimizing
from mmsearch.errors import CollectionExists, ModelError
from mmsearch.reports import IndexReport, IndexStatus, Problem
from mmsearch.search.arguments import OneOrMore, listed
from mmsearch.search.items import Item, absolute, is_id, named_assets
from mmsearch.storage import Shelves

if TYPE_CHECKING:
    from mmsearch.ingest.flow import Job
    from mmsearch.jobs import Wishes


class Writing(Optimizing):
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
        tokens: bool | None = None,
        workers: int | None = None,
        optimize: bool | None = None,
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
            tokens: Keep what the parts of each file mean, for re-rankers. True also reads again what was indexed
                without, False forgets what was kept. By default a new collection is as the settings say, and an
                older one stays as it is.
            workers: Processes that read and embed; by default one a core.
            optimize: Keep the index of a big collection in shape, as `optimize` does; by default yes. Without, what
                came is compared with each query until the next run that does, or `optimize`.
            on_progress: Called often, from this thread.

        Returns:
            Counts of files. Broken files are counted in `failed` and listed by `failures`; they stop nothing. Nor does
            an index that cannot be made, on a full disk for instance: `notices` say why.

        Raises:
            UsageError: A path does not exist, or none was given and none is known; or the settings ask for a kind of
                index that there is not.
            ModelMismatch: The collection was made with another model.
            ModelError: Tokens are asked for, and the model gives none.
        """
        from mmsearch.ingest import flow
        from mmsearch.ingest.make_tokens import make_tokens
        from mmsearch.ingest.roots import starting_points
        from mmsearch.jobs import Wishes, make_job, scan_rules

        patterns, optimize = (listed(include), listed(exclude)), optimize is not False
        wishes = Wishes(*patterns, hidden, follow_symlinks, transcribe, workers, optimize, on_progress)
        rules = scan_rules(wishes, self._config, self.folder)
        if not dry_run and self.exists:
            self._storage.migrate()
        roots = starting_points(paths, self._known_roots(), rules)
        if dry_run:
            with self._storage.peeking() as shelves:
                return flow.dry_run(make_job(wishes, self._config, self._storage, shelves, roots, rules))
        if tokens:
            self._require_tokens()
        self._check_index_settings()
        self._make_if_missing(keep_tokens=self._config.ingest.tokens if tokens is None else tokens)
        with self._storage.writing() as shelves:
            self._keep_tokens(shelves, tokens)
            job = make_job(wishes, self._config, self._storage, shelves, roots, rules)
            report = flow.index(job)
            if tokens:
                report = replace(report, tokens_made=make_tokens(job))
        if optimize:
            report = report.noting(self._keep_up(on_progress))
        return report

    def remove(self, *items: Item) -> int:
        """Forget files, named by path or by the id of a hit; a folder stands for all below it.

        The files themselves are not touched. They come back when `index` is given a folder that they lie in; an
        `index` without paths also leaves out folders that were removed by name.

        Returns:
            How many files were forgotten.

        Raises:
            ItemNotFound: One of them is not in the collection; then none is forgotten.
        """
        with self._storage.writing() as shelves:
            with shelves.catalog.write() as writer:
                forgotten = {item: writer.forget_roots(absolute(item)) for item in items if not is_id(item)}
                found = {
                    asset.id
                    for item in items
                    for asset in named_assets(item, shelves.catalog, or_none=bool(forgotten.get(item)))
                }
                removed = writer.remove_assets(sorted(found))
            left = self._publish(shelves)
        if left:
            self._keep_up()
        return removed

    def verify(self, *, repair: bool = False) -> list[Problem]:
        """Check every stored byte against the catalog, and the catalog itself.

        Args:
            repair: Also mend: damaged vectors and tokens are dropped and their files, if they still exist, read again.

        Returns:
            What was found, empty if all is well. After a repair each says whether it is mended.
        """
        if not repair:
            self._storage.migrate()
            return self._verify_undisturbed()
        from mmsearch.ingest import verify

        with self._storage.writing() as shelves:
            stores = (shelves.catalog, shelves.store, shelves.tokens, shelves.generations)
            problems = verify.repair(*stores, verify.verify(*stores))
            self._read_again(shelves, problems)
        self._keep_up()
        return problems

    def rebuild(
        self, *, tokens: bool = False, workers: int | None = None, on_progress: OnProgress = lambda _: None
    ) -> IndexStatus:
        """Compact the stored vectors and tokens, and make the index anew. Nothing is embedded again but for `tokens`.

        Args:
            tokens: Keep what the parts of each file mean, for re-rankers, and first read again what was indexed
                without. Ids and vectors stay as they are. An interrupted run keeps what it made.
            workers: Processes that read and embed for it; by default one a core.
            on_progress: Called often meanwhile, from this thread.

        Raises:
            CollectionDamaged: Stored vectors or tokens do not match their checksums; `verify(repair=True)` mends that.
            ModelError: Tokens are asked for, and the model gives none.
        """
        from mmsearch.ingest.make_tokens import make_tokens
        from mmsearch.ingest.rebuild import rebuild
        from mmsearch.jobs import Wishes, index_wishes

        if tokens:
            self._require_tokens()
        with self._storage.writing() as shelves:
            if tokens:
                self._keep_tokens(shelves, True)
                make_tokens(self._job(shelves, Wishes(workers=workers, on_progress=on_progress)))
            stores = (shelves.catalog, shelves.store, shelves.tokens, shelves.generations)
            left = rebuild(*stores, defaults=index_wishes(self._config))
        return self.optimize(force=True, on_progress=on_progress) if left else self.status().index

    def _verify_undisturbed(self) -> list[Problem]:
        """Verify; again if a writer may have replaced what was found missing."""
        from mmsearch.ingest.verify import verify

        shelves = self._storage.reading()
        while True:
            before = _state(shelves)
            problems = verify(shelves.catalog, shelves.store, shelves.tokens, shelves.generations)
            if not problems or before == _state(shelves):
                return problems

    def _make_if_missing(self, *, keep_tokens: bool) -> None:
        if not self.exists:
            with suppress(CollectionExists):  # another process was faster
                self._storage.make(keep_tokens=keep_tokens)

    def _known_roots(self) -> tuple[str, ...]:
        return self._storage.reading().catalog.roots() if self.exists else ()

    def _require_tokens(self) -> None:
        spec = self._storage.encoder().spec
        if not spec.tokens:
            raise ModelError(
                f"The model {spec.space.model} gives no tokens for re-rankers.", remedy="Use the built-in model."
            )

    def _keep_tokens(self, shelves: Shelves, wanted: bool | None) -> None:
        """Keep tokens of the model's revision from now on, or none any more; None leaves all as it is."""
        if wanted is None:
            return
        with shelves.catalog.write() as writer:
            if wanted:
                writer.keep_tokens(self._storage.encoder().spec.tokens)
            else:
                writer.forget_tokens()

    def _read_again(self, shelves: Shelves, problems: Sequence[Problem]) -> None:
        """Read single files whose vectors or tokens were lost."""
        from mmsearch.ingest import flow
        from mmsearch.ingest.make_tokens import make_tokens
        from mmsearch.ingest.verify import costs_tokens_only

        paths = sorted({item for problem in problems for item in problem.items})
        if there := [Path(path) for path in paths if os.path.isfile(path)]:
            flow.read_again(self._job(shelves, roots=there))
        if any(map(costs_tokens_only, problems)):
            make_tokens(self._job(shelves))

    def _job(self, shelves: Shelves, wishes: Wishes | None = None, roots: Sequence[Path] = ()) -> Job:
        """Put together what reading some files within another kind of work needs."""
        from mmsearch.jobs import Wishes, make_job, scan_rules

        wishes = wishes or Wishes()
        rules = scan_rules(wishes, self._config, self.folder)
        return make_job(wishes, self._config, self._storage, shelves, roots, rules)


def _state(shelves: Shelves) -> tuple[object, ...]:
    """Return what changes whenever a writer replaces stored files."""
    catalog = shelves.catalog
    return catalog.revision(), catalog.referenced_files(), catalog.token_blocks()
