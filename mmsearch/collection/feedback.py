"""The part of the Python API that learns from its user: queries and clicks, kept on request, and banks of queries."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from mmsearch.collection.base import CollectionBase, StrPath
from mmsearch.errors import CollectionError, ItemNotFound, StorageError, UsageError
from mmsearch.queries import Hit
from mmsearch.search.arguments import parse_modalities
from mmsearch.search.items import Item, absolute, is_id
from mmsearch.types import Modality

if TYPE_CHECKING:
    from mmsearch.gain_reports import BankReport
    from mmsearch.reports import ClickedQuery
    from mmsearch.storage import Shelves

MAX_ITEMS = 1_000  # that one call says something of


class Feedback(CollectionBase):
    """Keep queries and what was said of their hits; correct for hubs."""

    def note_query(self, request: Mapping[str, Any], hits: Sequence[Hit]) -> int | None:
        """Keep a query that was asked, beside whatever else is written to the collection meanwhile.

        Args:
            request: As it was asked. Values that are data, such as the bytes of a picture, are not kept but named.
            hits: What it found; only their number is kept.

        Returns:
            Its id, for `feedback`; None if it could not be kept: it is too long, the disk is full, the folder
            cannot be written, or others write to it just now. A search never fails because of that.
        """
        from mmsearch.catalog.query_log import QueryLog

        try:
            query = json.dumps(_without_data(request))
            return QueryLog(self._storage.reading().catalog.path).note(query, len(hits))
        except (CollectionError, StorageError, ValueError, RecursionError):
            return None

    def feedback(self, query_id: int, *items: Item, good: bool = True) -> None:
        """Say which hits of a query that was kept are right, or wrong; the last word on a file counts.

        Hits are not kept, so any file of the collection is taken for one.

        Args:
            query_id: As `Hits.query_id` has it.
            items: Hits, by id or path.
            good: Whether they are right.

        Raises:
            ItemNotFound: No such query is kept, or an item is not in the collection.
            CollectionLocked: Others write to the collection, for ten seconds now.
        """
        from mmsearch.catalog.query_log import QueryLog

        if not 1 <= len(items) <= MAX_ITEMS:
            raise UsageError(f"Feedback is about 1 to {MAX_ITEMS:,} hits, not {len(items):,}.")
        paths = [self._path_of_hit(item) for item in items]
        QueryLog(self._storage.reading().catalog.path).click(query_id, paths, good=good)

    def logged_queries(self, limit: int | None = None) -> list[ClickedQuery]:
        """Return the queries that are kept, or the newest of them, with what was said of their hits; newest first."""
        return list(self._storage.reading().catalog.queries(limit))

    def clear_log(self) -> int:
        """Forget all queries and what was said of their hits. Returns how many queries there were.

        Raises:
            CollectionLocked: Others write to the collection, for ten seconds now.
        """
        from mmsearch.catalog.query_log import QueryLog

        return QueryLog(self._storage.reading().catalog.path).clear()

    def export_log(self, path: StrPath | TextIO) -> int:
        """Write the queries that have right hits as `mmsearch evaluate` reads them, a JSON object a line.

        Queries that were asked with data are left out, since the data are not kept.

        Args:
            path: Of the file, which is replaced if it is there; or a file that is open, such as `sys.stdout`.

        Returns:
            How many were written.

        Raises:
            StorageError: The file cannot be written, or its folder is not there.
        """
        from mmsearch.files import write_for_user

        clicked = self._storage.reading().catalog.clicked_queries()
        records = [
            {"id": query.id, **query.request, "relevant": list(query.good)}
            for query in clicked
            if query.good and query.request and not _has_data(query.request)
        ]
        lines = "".join(json.dumps(record) + "\n" for record in records)
        if isinstance(path, str | os.PathLike):
            write_for_user(Path(path).expanduser(), lines.encode())
        else:
            path.write(lines)
        return len(records)

    def calibrate(
        self,
        pairs: StrPath | None = None,
        *,
        queries: StrPath | None = None,
        from_log: bool = False,
        modality: Modality | str | Sequence[str] = (),
        dry_run: bool = False,
    ) -> list[BankReport]:
        """Make files that come up for every text come up less, if that helps on files kept aside.

        A bank of queries shows which files those are. Vectors stay as they are; files that come later are corrected
        as well. After `adapt` it is worth doing again.

        Args:
            pairs: A .jsonl, .csv or .tsv file of files of this collection and their captions or labels, to check by.
                Without it the check is by what `feedback` was told.
            queries: A text file of a query a line, for the bank; by default the captions of `pairs`.
            from_log: Take the queries that were kept, besides `queries` or without.
            modality: Only for these kinds of files; by default for all that have enough right answers.
            dry_run: Only measure.

        Returns:
            What was measured, one report a kind. A bank whose `helps` is False was not installed.

        Raises:
            UsageError: There are too few queries or right answers: 10 queries, and 10 files of a kind.
            MediaError: A file given cannot be read.
        """
        from mmsearch.hubness.flow import Sources, calibrate

        modalities = parse_modalities(modality)
        table, listed = (None if path is None else Path(path).expanduser() for path in (pairs, queries))
        sources = Sources(table, listed, from_log)

        def measure(shelves: Shelves) -> list[BankReport]:
            stores, encoder = (shelves.catalog, shelves.store), self._storage.encoder()
            return calibrate(sources, *stores, encoder, self._limits(), modalities=modalities, dry_run=dry_run)

        if dry_run:
            return measure(self._storage.reading())
        with self._storage.writing() as shelves:
            return measure(shelves)

    def undo_calibrate(self) -> bool:
        """Take back the last `calibrate` that installed something; the one before it is in use again.

        Returns:
            Whether there was one.
        """
        with self._storage.writing() as shelves, shelves.catalog.write() as writer:
            return writer.undo_banks()

    def _path_of_hit(self, item: Item) -> str:
        """Return the path of the file that a hit stands for: for a caption, of what it describes."""
        catalog = self._storage.reading().catalog
        if is_id(item):
            number = int(item)
            found = catalog.hits(np.array([number], dtype=np.int64)) if 0 < number < 1 << 63 else {}
            if number in found:
                return found[number].about or found[number].path
        elif (path := absolute(item)) in catalog.lookup([path]):
            return path
        raise ItemNotFound(f"{os.fspath(item) if isinstance(item, os.PathLike) else item!r} is not in the collection.")


def _without_data(value: object) -> Any:  # noqa: ANN401 - JSON
    """Return what JSON can hold of a request; what is data is named instead."""
    if value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return {str(key): _without_data(each) for key, each in value.items()}
    numbers = isinstance(value, list | tuple) and any(isinstance(each, float) for each in value)  # a vector
    if isinstance(value, list | tuple) and not numbers:
        return [_without_data(each) for each in value]
    if isinstance(value, set | frozenset):
        return sorted(str(each) for each in value)
    return f"<{type(value).__name__}>"


def _has_data(request: Mapping[str, Any]) -> bool:
    """Tell whether a part of a query was data, of which only the name is kept."""
    parts = request.get("parts", [])
    given = [value for part in parts for kind, value in part.items() if kind not in ("text", "weight")]
    given += [each for kind in ("image", "audio", "vector") for each in _listed(request.get(kind, []))]
    return any(isinstance(value, str) and value.startswith("<") for value in given)


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else [value]
