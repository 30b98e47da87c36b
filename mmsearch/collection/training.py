"""The part of the Python API that trains models on the user's own pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mmsearch.collection.base import CollectionBase, StrPath
from mmsearch.errors import DependencyMissing, UsageError
from mmsearch.search.arguments import parse_modalities
from mmsearch.search.stored import from_one_state
from mmsearch.types import Modality

if TYPE_CHECKING:
    from mmsearch.gain_reports import RerankerReport
    from mmsearch.protocols import TokenEncoder
    from mmsearch.training.train_reranker import Trained


class Training(CollectionBase):
    """Train the re-ranker that looks at the best results again."""

    def train_reranker(
        self,
        pairs: StrPath,
        *,
        modality: Modality | str | Sequence[str] = (),
        dry_run: bool = False,
        depth: int | None = None,
        seed: int | None = None,
        max_minutes: float | None = None,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> list[RerankerReport]:
        """Train a re-ranker on the user's own captions or labels, and use it for the kinds of files that it helps.

        Whether it helps is measured on pairs that it was not trained on. The collection can be searched and written to
        meanwhile. Under torchrun, the processes train together; those but the first return nothing.

        Args:
            pairs: A .jsonl, .csv or .tsv file of files of this collection and their captions or labels.
            modality: For these kinds only, "image" or "audio"; by default for all that have enough pairs.
            dry_run: Only measure.
            depth: So many files of a ranking are looked at again; 100 by default.
            seed: Of every draw; the same one gives the same re-ranker.
            max_minutes: It goes on for about so long at most; 10 by default.
            on_progress: Called with what is done and of how much at most, from this thread.

        Returns:
            What was measured, one report a kind. The re-ranker is not used for kinds whose `helps` is False.

        Raises:
            UsageError: There are too few pairs of files that are in the collection (at least 10 files of a kind are
                needed, and of labels at least 5 that several files have), or the files have no tokens stored.
            MediaError: `pairs` cannot be read.
            ModalityUnsupported: The model gives no tokens to work on.
            DependencyMissing: torch is not installed.
        """
        _require_torch()
        from mmsearch.training.settings import Settings
        from mmsearch.training.train_reranker import train_reranker

        given: dict[str, Any] = {"depth": depth, "seed": seed, "max_minutes": max_minutes}
        shelves = self._storage.reading()
        trained = train_reranker(
            Path(pairs).expanduser(),
            shelves,
            cast("TokenEncoder", self._storage.encoder()),  # if it is none, that is the first thing to be noticed
            self._limits(),
            modalities=parse_modalities(modality),
            settings=Settings(**{name: value for name, value in given.items() if value is not None}),
            current=from_one_state(shelves.catalog, partial(shelves.indexes.rerankers.in_use, shelves.space)),
            on_progress=on_progress,
        )
        if not dry_run:
            self._use(trained)
        return trained.reports

    def undo_reranker(self) -> bool:
        """Take back the last `train_reranker` that installed something; the one before it is in use again.

        Returns:
            Whether there was one.
        """
        with self._storage.writing() as shelves, shelves.catalog.write() as writer:
            return writer.undo_reranker()

    def _use(self, trained: Trained) -> None:
        if trained.weights is None:
            return
        report = {"tokens": trained.tokens, "kinds": [each.to_dict() for each in trained.reports]}
        with self._storage.writing() as shelves:
            if shelves.catalog.token_revision() != trained.tokens:
                raise UsageError(
                    "The tokens of the collection were made anew by another model meanwhile.", remedy="Train again."
                )
            with shelves.catalog.write() as writer:
                writer.put_reranker(trained.weights, report)


def _require_torch() -> None:
    if find_spec("torch") is None:
        raise DependencyMissing(
            "Training needs torch, which is not installed.", remedy="Run: pip install 'mmsearch[train-reranker]'"
        )
