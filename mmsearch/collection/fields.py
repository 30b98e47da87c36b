"""The part of the Python API for the user's own fields: tags, ratings, albums."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mmsearch.collection.base import CollectionBase, StrPath
from mmsearch.errors import ItemNotFound, UsageError
from mmsearch.reports import FieldsReport, FieldSummary
from mmsearch.search.items import Item, absolute, is_id, named_assets

if TYPE_CHECKING:
    from mmsearch.catalog.catalog import Catalog
    from mmsearch.collection.field_changes import Given
    from mmsearch.reports import SaidField
    from mmsearch.types import FieldValue


class OwnFields(CollectionBase):
    """Set and list fields. Nothing is embedded, and the index stays as it is."""

    def set_fields(
        self,
        *items: Item,
        fields: Mapping[str, Given | None] | None = None,
        add: Mapping[str, Given] | None = None,
        remove: Mapping[str, Given] | None = None,
        where: str = "",
        dry_run: bool = False,
    ) -> FieldsReport:
        """Give files fields of the user's own, all of them or none.

        What the user says of a field of a file goes before what sidecars say of it, and stays when the file changes
        or moves; `Collection.remove` forgets it. A caption stands for the file that it describes.

        Args:
            items: Files, by path or by the id of a hit; a folder stands for all below it that can be found.
            fields: Name -> value, or several, instead of what the user said before. None takes that back: the file
                has what sidecars say, if anything. A text of `tags` is split at commas.
            add: Name -> values to add to those that a file has, such as {"tags": "beach"}.
            remove: Name -> values to take away, also from those that sidecars say.
            where: Only files for which this filter holds; without `items`, all of them.
            dry_run: Only count.

        Returns:
            How many files are meant, and how many of them really changed.

        Raises:
            UsageError: A name or a value cannot be one, or neither files nor fields are given.
            FilterError: `where` cannot be read; the message points at the place.
            ItemNotFound: One of the items is not in the collection; then nothing is set.
        """
        from mmsearch.collection.field_changes import read_changes

        changes = read_changes(fields or {}, add or {}, remove or {})
        if not items and not where:
            raise UsageError("There is no file to set fields of.", remedy="Name files, or choose them by a filter.")
        if dry_run:
            return FieldsReport(files=len(_targets(self._storage.reading().catalog, items, where)))
        with self._storage.writing() as shelves, shelves.catalog.write() as writer:
            targets = _targets(shelves.catalog, items, where)
            return FieldsReport(files=len(targets), changed=writer.change_fields(targets, changes))

    def set_fields_from(self, table: StrPath, *, dry_run: bool = False) -> FieldsReport:
        """Give files the fields that a table says, as the user's own, all of them or none.

        Args:
            table: A .csv, .tsv, .jsonl or .json file. Each row names a file, relative to the table, under "file" or
                "path"; its other columns are fields. Empty cells leave a field as it is.
            dry_run: Only count.

        Raises:
            UsageError: The table cannot be read, or says nothing of files.
            MediaError: It is not there, is no text, or is too large.
        """
        from mmsearch.collection.field_table import read_field_table

        said = {each.about: each.values for each in read_field_table(os.path.expanduser(table), self._limits())}
        if dry_run:
            return _report(_by_id(self._storage.reading().catalog, said), said, changed=0)
        with self._storage.writing() as shelves, shelves.catalog.write() as writer:
            values = _by_id(shelves.catalog, said)
            return _report(values, said, changed=writer.put_fields(values))

    def fields(self, *, examples: int = 3) -> list[FieldSummary]:
        """Return the user's own fields, from sidecars and set ones, in order of name, each with some values."""
        catalog = self._storage.reading().catalog
        with catalog.snapshot():
            return [
                FieldSummary(name, files, catalog.field_values(name, examples))
                for name, files in catalog.field_names().items()
            ]

    def fields_of(self, item: Item) -> list[SaidField]:
        """Return the fields of one file, named by path or by the id of a hit, in order of name, with who says so.

        Raises:
            ItemNotFound: It is not in the collection.
            UsageError: It is a folder.
        """
        catalog = self._storage.reading().catalog
        with catalog.snapshot():
            named = _named(catalog, item)
            if len(named) > 1:
                raise UsageError(f"{str(item)!r} stands for several files.", remedy="Name one file.")
            return list(catalog.fields_said_of(named[0]))


def _targets(catalog: Catalog, items: tuple[Item, ...], where: str) -> list[int]:
    """Return the ids of the files that are meant, sorted."""
    named = {asset_id for item in items for asset_id in _named(catalog, item)}
    if not where:
        return sorted(named)
    from mmsearch.where.parse import parse_where

    chosen = set(catalog.subjects_where(parse_where(where)).tolist())
    return sorted(chosen & named if items else chosen)


def _named(catalog: Catalog, item: Item) -> list[int]:
    """Return the ids of the files that an item stands for, at least one."""
    found = named_assets(item, catalog)
    if is_id(item):
        subjects = catalog.subjects_of_segments([int(item)])
    else:
        name = absolute(item)  # of a folder, what failed or waits is not meant
        subjects = catalog.subjects([each.id for each in found if each.status == "ready" or each.path == name])
    if not len(subjects):
        raise ItemNotFound(
            f"{str(item)!r} stands for no file of the collection.",
            remedy="Name the file itself; a caption stands for what it describes.",
        )
    return [int(each) for each in subjects]


def _by_id(
    catalog: Catalog, said: Mapping[str, Mapping[str, tuple[FieldValue, ...]]]
) -> dict[int, Mapping[str, tuple[FieldValue, ...]]]:
    """Return what is said of files that are in the collection, by their ids."""
    return {state.id: said[path] for path, state in catalog.lookup(list(said)).items()}


def _report(known: Mapping[int, object], said: Mapping[str, object], changed: int) -> FieldsReport:
    return FieldsReport(files=len(known), changed=changed, unknown=len(said) - len(known))
