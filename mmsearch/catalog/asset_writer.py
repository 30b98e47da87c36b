"""Changes to files and their segments."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict
from itertools import chain
from typing import Any, Literal

import sqlalchemy as sa

from mmsearch.catalog import lexical, tokens
from mmsearch.catalog.assets import lookup
from mmsearch.catalog.chunks import chunks
from mmsearch.catalog.clock import now
from mmsearch.catalog.field_writer import drop_said, put_said
from mmsearch.catalog.known import asset_values, copy_segments, donors
from mmsearch.catalog.records import AssetState
from mmsearch.catalog.seen import SeenSet
from mmsearch.catalog.spaces import ACTIVE_SPACE
from mmsearch.catalog.tables import assets, segments, vectors
from mmsearch.types import FailedFile, FileStat, IndexedFile, KnownFile, SkippedFile, WaitingFile

KnownOutcome = Literal["unchanged", "renamed", "added", "updated"]

_UNSET: dict[str, Any] = {column.name: None for column in assets.c if column.name != "id"}


def _row(stat: FileStat, status: str, values: dict[str, Any]) -> dict[str, Any]:
    return _UNSET | values | asdict(stat) | {"status": status, "updated_at": now()}


def _ready_row(file: IndexedFile) -> dict[str, Any]:
    values = asdict(file.info) | {"modality": file.modality, "content_hash": file.content_hash, "look": file.look}
    return _row(file.stat, "ready", values)


def _checked_paths(files: Sequence[IndexedFile]) -> list[str]:
    """Return the paths of files after checking that they can be stored together."""
    for file in files:
        if not file.segments:
            raise ValueError(f"{file.stat.path} has no segments")
        if file.tokens is not None and [bool(len(each)) for each in file.tokens] != [True] * len(file.segments):
            raise ValueError(f"{file.stat.path} has tokens that are not those of its segments")
    paths = [file.stat.path for file in files]
    if len(set(paths)) < len(paths):
        raise ValueError("two files are at one path")
    return paths


class AssetWriter:
    """Puts files into the catalog, and takes them out.

    Each `put_` replaces whatever was at the path, but for fields that the user set, and notes the file in the open
    `SeenSet`, if any.

    Attributes:
        changed: Whether segments or vectors are others than before.
    """

    def __init__(self, connection: sa.Connection, seen: SeenSet | None) -> None:
        self._connection = connection
        self._seen = seen
        self._before = self._changes()
        self.changed = False

    def put_indexed(
        self,
        files: Sequence[IndexedFile],
        *,
        vector_file: int,
        first_row: int,
        token_file: int | None = None,
        first_token_row: int = 0,
    ) -> list[bool]:
        """Store files whose segments' vectors lie in consecutive rows from `first_row`, with a few statements for all.

        Args:
            files: Each at a path of its own.
            vector_file: Where the vectors lie.
            first_row: The first of them.
            token_file: Where the tokens of those files that have some lie; None if none are kept.
            first_token_row: The first of them; they are consecutive too.

        Returns:
            For each whether a ready file was at the path ("updated", not "added"). Its segments are replaced by new
            ones under new ids.

        Raises:
            ValueError: One has no segments, or tokens for only some of them, or two are at one path.
        """
        if not files:
            return []
        paths = _checked_paths(files)
        before = lookup(self._connection, paths)
        self._put_rows([_ready_row(file) for file in files], before)
        states = lookup(self._connection, paths)
        ids = [states[path].id for path in paths]
        self._insert_segments(zip(ids, files, strict=True))
        segment_ids = self._segment_ids(ids)
        self._place_vectors(segment_ids, vector_file, first_row)
        if token_file is not None:
            self._place_tokens(files, segment_ids, token_file, first_token_row)
        lexical.add(self._connection, ids)
        put_said(self._connection, zip(ids, (file.fields for file in files), strict=True))
        if self._seen is not None:
            self._seen.add(ids)
        self.changed = True
        return [path in before and before[path].status == "ready" for path in paths]

    def put_known(self, file: KnownFile, *, exists: Callable[[str], bool]) -> KnownOutcome:
        """Store a file whose content is in the catalog, without encoding it again.

        Args:
            file: Its `content_hash` is that of a ready file of the same size.
            exists: Tells whether there is a file at a path: what is gone was renamed, not copied.

        Returns:
            "unchanged" if that content was at this path; "renamed" if a file that is gone from its
            path was moved here with its ids; else a copy with new ids that shares the vectors:
            "updated" if a ready file was at the path, or "added".

        Raises:
            LookupError: No such file is left, or it is a caption. Encode the file instead.
        """
        here = lookup(self._connection, [file.stat.path]).get(file.stat.path)
        if here is not None and here.status == "ready" and here.content_hash == file.content_hash:
            self._move(here.id, file.stat)
            return "unchanged"
        sources = donors(self._connection, file)
        if not sources:
            raise LookupError(file.content_hash)
        gone = next((asset_id for asset_id, path in sources if not exists(path)), None)
        if gone is not None:
            if here is not None:
                self.remove_assets([here.id])
            self._move(gone, file.stat)
            lexical.refresh(self._connection, [gone])
            return "renamed"
        return "updated" if self._copy(sources[0][0], file.stat) else "added"

    def put_waiting(self, file: WaitingFile) -> bool:
        """Store a file that no model here can embed yet. Returns whether a ready file was there."""
        return self._put(file.stat, "waiting", {"modality": file.modality})[1]

    def put_failed(self, file: FailedFile) -> bool:
        """Store that a file cannot be read. Returns whether a ready file was there."""
        values = {"modality": file.modality, "error_code": file.code, "error_reason": file.reason}
        return self._put(file.stat, "failed", values)[1]

    def put_skipped(self, file: SkippedFile) -> bool:
        """Store that a file holds nothing to search, lest it be read again, and its fields.

        Returns:
            Whether a ready file was there.
        """
        asset_id, was_ready = self._put(file.stat, "skipped", {})
        put_said(self._connection, [(asset_id, file.fields)])
        return was_ready

    def sweep(self, root: str, seen: SeenSet, spared: Sequence[str]) -> int:
        """Remove every file at or below `root` that was not seen.

        Args:
            root: A folder or file.
            seen: The set that was open when the transaction began.
            spared: Paths to leave alone, with all below: folders that could not be read.

        Returns:
            How many of the removed files were ready.
        """
        missing = seen.missing(root, spared)
        ready = sa.select(sa.func.count()).select_from(assets).where(missing, assets.c.status == "ready")
        removed = self._connection.execute(ready).scalar_one()
        self._connection.execute(assets.delete().where(missing))
        self.changed |= removed > 0
        return removed

    def remove_assets(self, ids: Collection[int]) -> int:
        """Forget files. Returns how many there were."""
        self._drop_segments(ids)
        statements = [assets.delete().where(assets.c.id.in_(chunk)) for chunk in chunks(ids)]
        return sum(self._connection.execute(statement).rowcount for statement in statements)

    def requeue(self, ids: Collection[int]) -> int:
        """Forget the content of files, so that the next run reads them again. Returns how many there were."""
        self._drop_segments(ids)
        forgotten = {"status": "waiting", "mtime_ns": -1, "content_hash": None, "updated_at": now()}
        statements = [assets.update().where(assets.c.id.in_(chunk)).values(forgotten) for chunk in chunks(ids)]
        return sum(self._connection.execute(statement).rowcount for statement in statements)

    def _put(self, stat: FileStat, status: str, values: dict[str, Any]) -> tuple[int, bool]:
        """Write the row of a path, without segments. Returns its id and whether it was ready before."""
        row = _row(stat, status, values)
        before = lookup(self._connection, [stat.path]).get(stat.path)
        asset_id = self._insert(row) if before is None else self._replace(before, row)
        self._mark(asset_id)
        return asset_id, before is not None and before.status == "ready"

    def _put_rows(self, rows: Sequence[dict[str, Any]], before: dict[str, AssetState]) -> None:
        """Insert new rows together; replace the others one by one, which is rare."""
        if new := [row for row in rows if row["path"] not in before]:
            self._connection.execute(assets.insert(), new)
        for row in rows:
            if row["path"] in before:
                self._replace(before[row["path"]], row)

    def _insert_segments(self, files: Iterable[tuple[int, IndexedFile]]) -> None:
        rows = [
            asdict(segment) | {"asset_id": asset_id, "ordinal": ordinal}
            for asset_id, file in files
            for ordinal, segment in enumerate(file.segments)
        ]
        self._connection.execute(segments.insert(), rows)

    def _segment_ids(self, asset_ids: Sequence[int]) -> list[int]:
        """Return the ids of the segments in order of the assets and within them of the ordinals."""
        order = {asset_id: position for position, asset_id in enumerate(asset_ids)}
        found: list[tuple[int, int, int]] = []
        for chunk in chunks(asset_ids):
            query = sa.select(segments.c.asset_id, segments.c.ordinal, segments.c.id)
            found += [(order[asset], ordinal, id_) for asset, ordinal, id_ in self._rows(query, chunk)]
        return [id_ for _, _, id_ in sorted(found)]

    def _place_vectors(self, segment_ids: Sequence[int], vector_file: int, first_row: int) -> None:
        """Note that the vectors of segments lie in consecutive rows, in this order."""
        rows = [{"segment_id": id_, "row": first_row + i} for i, id_ in enumerate(segment_ids)]
        self._connection.execute(vectors.insert().values(space_id=ACTIVE_SPACE, file=vector_file), rows)

    def _place_tokens(
        self, files: Sequence[IndexedFile], segment_ids: Sequence[int], token_file: int, first_row: int
    ) -> None:
        """Note that the tokens of those files that have some lie in consecutive rows, in order of the segments."""
        coded = chain.from_iterable(file.tokens or (None,) * len(file.segments) for file in files)
        counts = {id_: len(each) for id_, each in zip(segment_ids, coded, strict=True) if each is not None}
        tokens.place(self._connection, counts, token_file, first_row)

    def _rows(self, query: sa.Select[int, int, int], asset_ids: Sequence[int]) -> sa.Result[int, int, int]:
        return self._connection.execute(query.where(segments.c.asset_id.in_(asset_ids)))

    def _insert(self, row: dict[str, Any]) -> int:
        insert = assets.insert().values(row).returning(assets.c.id)
        return self._connection.execute(insert).scalar_one()

    def _replace(self, before: AssetState, row: dict[str, Any]) -> int:
        self._drop_segments([before.id])
        drop_said(self._connection, [before.id])
        self._connection.execute(assets.update().where(assets.c.id == before.id).values(row))
        return before.id

    def _move(self, asset_id: int, stat: FileStat) -> None:
        self._connection.execute(
            assets.update().where(assets.c.id == asset_id).values(**asdict(stat), updated_at=now())
        )
        self._mark(asset_id)

    def _copy(self, source: int, stat: FileStat) -> bool:
        values = asset_values(self._connection, source)
        del values["id"]
        asset_id, was_ready = self._put(stat, "ready", values)
        copy_segments(self._connection, source, asset_id)
        lexical.add(self._connection, [asset_id])
        self.changed = True
        return was_ready

    def _drop_segments(self, asset_ids: Collection[int]) -> None:
        for chunk in chunks(asset_ids):
            dropped = self._connection.execute(segments.delete().where(segments.c.asset_id.in_(chunk)))
            self.changed |= dropped.rowcount > 0

    def _changes(self) -> int:
        """Count the rows that were changed through this connection, by triggers and cascades too."""
        return self._connection.execute(sa.select(sa.func.total_changes(type_=sa.Integer))).scalar_one()

    def _mark(self, asset_id: int) -> None:
        if self._seen is not None:
            self._seen.add([asset_id])
