"""The part of the Python API that keeps the index in shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from mmsearch.collection.reading import Reading
from mmsearch.reports import IndexProgress, IndexStatus
from mmsearch.storage import Shelves

if TYPE_CHECKING:
    from mmsearch.ingest.index_job import IndexJob

OnProgress = Callable[[IndexProgress], None]


class Optimizing(Reading):
    """Choose, build and measure the index."""

    def optimize(
        self,
        *,
        asked: str | None = None,
        max_memory: int | None = None,
        max_latency_ms: float | None = None,
        min_recall: float | None = None,
        force: bool = False,
        on_progress: OnProgress = lambda _: None,
    ) -> IndexStatus:
        """Bring the index into the best shape for what the collection holds; without any change nothing is done.

        What is asked for is kept with the collection and holds for later builds too. Searches and writers go on
        meanwhile: the new index takes the place of the old one when it is ready.

        Args:
            asked: "auto", a kind ("flat", "faiss-flat", "flat-f16", "hnsw", "ivf-flat", "ivf-sq8", "ivf-pq",
                "ivf-rabitq") or a FAISS factory string. By default as it was asked for the last time, else as the
                settings say; likewise all below.
            max_memory: What it may take, in bytes; 0 for a quarter of the machine's memory.
            max_latency_ms: Median time of one search of it, on one core.
            min_recall: Share of the true nearest 10 that searches by texts are to find, in (0, 1].
            force: Build it anew in any case.
            on_progress: Called as it goes on, from this thread.

        Returns:
            The index, with what was measured. Its `note` says so if a wish could not be met.

        Raises:
            UsageError: There is no such kind, it cannot be built of these vectors, nothing fits into the memory, or a
                number is out of range.
            CollectionLocked: Another process is making an index, or changes the collection without a pause.
        """
        from mmsearch.ingest import index_plan
        from mmsearch.ingest.optimize import optimize

        self._storage.migrate()
        job = self._index_job(on_progress)
        given = {
            "asked": asked,
            "max_memory_bytes": max_memory,
            "max_latency_ms": max_latency_ms,
            "min_recall": min_recall,
        }
        changes = {name: value for name, value in given.items() if value is not None}
        wanted = replace(job.wishes, **changes)  # type: ignore[arg-type]  # mypy takes the values for one type
        index_plan.check(wanted, job.standing().count, job.dim)
        optimize(replace(job, wanted=wanted) if changes else job, force=force)
        return self.status().index

    def _publish(self, shelves: Shelves) -> bool:
        """After a change, under the writer's lock: publish a small index. Returns whether `_keep_up` has to follow."""
        from mmsearch.ingest.publish import publish
        from mmsearch.jobs import index_wishes

        stores = (shelves.catalog, shelves.store, shelves.tokens, shelves.generations)
        return publish(*stores, defaults=index_wishes(self._config))

    def _keep_up(self, on_progress: OnProgress = lambda _: None) -> str:
        """After a change: do what is due, unless another process is at it. Returns why it could not be done, or ""."""
        from mmsearch.ingest.optimize import keep_up

        return keep_up(self._index_job(on_progress))

    def _check_index_settings(self) -> None:
        """Refuse settings before a run of hours rather than after it."""
        from mmsearch.ingest.index_plan import check
        from mmsearch.jobs import index_wishes

        check(index_wishes(self._config), 0, self._storage.encoder().spec.space.dim)

    def _index_job(self, on_progress: OnProgress = lambda _: None) -> IndexJob:
        from mmsearch.jobs import index_job

        storage = self._storage
        return index_job(self._config, storage, storage.reading(), storage.committing, on_progress=on_progress)
