"""The part of the Python API that finds copies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mmsearch.collection.base import CollectionBase, StrPath
from mmsearch.search.items import named_assets
from mmsearch.search.stored import from_one_state

if TYPE_CHECKING:
    from mmsearch.catalog.catalog import Catalog
    from mmsearch.reports import DupeReport
    from mmsearch.where.syntax import Condition


class Duplicates(CollectionBase):
    """Find copies. Nothing is decoded, embedded, changed or deleted."""

    def dupes(
        self,
        *paths: StrPath,
        near: bool = True,
        where: str = "",
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> DupeReport:
        """Find files that are copies of others, and say which of them would be kept.

        Exact copies have the same content, whatever kind of file they are. Near copies are pictures made from one
        shot: resized, recompressed, cut or turned a little, with other light or colours. Mirrored ones are not, nor
        are shots of one scene, as far as the model and 64 bits of each picture's looks can tell. So look at near
        copies before deleting any: icons, screenshots and forms that differ in a detail may be among them.

        Kept would be the picture with the most pixels, then the largest file, then one with notes of a camera, then
        the earliest, then the one with the shortest path. Files that are gone or changed since they were indexed do
        not count, and links to a file are no copies of it.

        Args:
            paths: Only files and folders of the collection; by default all of it. What would be kept is among them.
            near: Also near copies.
            where: Only files for which this filter holds.
            on_progress: Called with the pictures compared and their number, from this thread.

        Raises:
            ItemNotFound: A path is not in the collection.
            FilterError: `where` cannot be read; the message points at the place.
            CollectionDamaged: The stored vectors cannot be read.
        """
        from mmsearch.dupes.flow import find_dupes

        shelves, condition = self._storage.reading(), _parsed(where)

        def find() -> DupeReport:
            chosen = _chosen(shelves.catalog, paths, condition)
            return find_dupes(shelves.catalog, shelves.store, chosen, near=near, on_progress=on_progress)

        return from_one_state(shelves.catalog, find)


def _parsed(where: str) -> Condition | None:
    if not where:
        return None
    from mmsearch.where.parse import parse_where

    return parse_where(where)


def _chosen(catalog: Catalog, paths: tuple[StrPath, ...], condition: Condition | None) -> set[int] | None:
    """Return the ids of the files to compare; None for all."""
    if condition is None and not paths:
        return None
    # As a `Path`, since a name of digits alone would be taken for an id.
    named = {asset.id for path in paths for asset in named_assets(Path(path), catalog)}
    if condition is None:
        return named
    matching = set(catalog.subjects_where(condition).tolist())
    return matching & named if paths else matching
