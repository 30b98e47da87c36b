"""The part of the Python API that fits a collection to its user."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmsearch.collection.base import StrPath
from mmsearch.collection.optimizing import Optimizing
from mmsearch.search.arguments import parse_modalities
from mmsearch.storage import Shelves
from mmsearch.types import Modality

if TYPE_CHECKING:
    from mmsearch.gain_reports import AdaptReport


class Fitting(Optimizing):
    """Adapt to the user's own captions or labels."""

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

        modalities = parse_modalities(modality)

        def measure(shelves: Shelves) -> list[AdaptReport]:
            stores, encoder = (shelves.catalog, shelves.store), self._storage.encoder()
            table = Path(pairs).expanduser()
            return adapt(table, *stores, encoder, self._limits(), modalities=modalities, dry_run=dry_run)

        if dry_run:
            return measure(self._storage.reading())
        with self._storage.writing() as shelves:
            reports = measure(shelves)
            left = self._publish(shelves)
        if left:
            self._keep_up()
        return reports

    def undo_adapt(self) -> tuple[Modality, ...]:
        """Take back the last `adapt` that installed something; the one before it is in use again.

        Returns:
            The kinds whose vectors changed; none if nothing was adapted.
        """
        with self._storage.writing() as shelves:
            with shelves.catalog.write() as writer:
                undone = writer.undo_heads()
            left = self._publish(shelves)
        if left:
            self._keep_up()
        return undone
