"""What one write transaction may change. Made by `Catalog.write` and used only inside it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from mmsearch.catalog import blocks, field_writer, generations, heads, lexical, query_banks, rerankers, tokens
from mmsearch.catalog.asset_writer import AssetWriter
from mmsearch.catalog.clock import now
from mmsearch.catalog.paths import is_below
from mmsearch.catalog.records import FieldChange, Locations, TokenPlaces
from mmsearch.catalog.spaces import ACTIVE_SPACE
from mmsearch.catalog.tables import (
    assets,
    collection,
    roots,
    runs,
    spaces,
    token_blocks,
    vector_blocks,
    vectors,
)
from mmsearch.catalog.vectors import locations as stored_locations
from mmsearch.reports import IndexReport
from mmsearch.types import Block, FieldValue, Generation, Modality


class Writer(AssetWriter):
    """Changes to files (`AssetWriter`) and to the records about roots, runs, vector files and index files."""

    def add_root(self, path: str, *, device: str | None = None) -> None:
        """Remember a folder or file that the user indexed, or that it was scanned again, and the disk it is on."""
        values = {"last_scanned_at": now(), "device": device}
        if self._connection.execute(roots.update().where(roots.c.path == path).values(values)).rowcount == 0:
            self._connection.execute(roots.insert().values(values | {"path": path, "added_at": now()}))

    def set_model(self, model: str) -> None:
        """Note by what name the encoder of the active space goes now, such as after its folder was moved."""
        self._connection.execute(spaces.update().where(spaces.c.space_id == ACTIVE_SPACE).values(model=model))

    def forget_roots(self, path: str) -> int:
        """Index these no more unless they are named again: all roots at or below a path. Returns how many."""
        paths = [root for root in self._connection.execute(sa.select(roots.c.path)).scalars() if is_below(root, path)]
        for root in paths:
            self._connection.execute(roots.delete().where(roots.c.path == root))
        return len(paths)

    def begin_run(self, reader: str = "") -> int:
        """Note that a run began. Returns its id.

        Args:
            reader: What decides which files can be read. If it is not that of the run before, the files that
                failed or were skipped are to be read again.
        """
        before = self._connection.execute(sa.select(runs.c.reader).order_by(runs.c.id.desc()).limit(1)).scalar()
        if before is not None and before != reader:
            again = assets.update().where(assets.c.status.in_(("failed", "skipped"))).values(mtime_ns=-1)
            self._connection.execute(again)
        row = {
            "started_at": now(),
            "reader": reader,
            "added": 0,
            "updated": 0,
            "unchanged": 0,
            "removed": 0,
            "failed": 0,
        }
        return self._connection.execute(runs.insert().values(row).returning(runs.c.id)).scalar_one()

    def finish_run(self, run_id: int, report: IndexReport) -> None:
        """Note what a run did."""
        self._connection.execute(
            runs.update()
            .where(runs.c.id == run_id)
            .values(
                finished_at=now(),
                added=report.added,
                updated=report.updated,
                unchanged=report.unchanged,
                removed=report.removed,
                failed=report.failed,
            )
        )

    def add_block(self, block: Block) -> None:
        """Take rows of a vector file into the catalog; they must be on disk by now."""
        blocks.add(self._connection, vector_blocks, [block])

    def move_vectors(self, locations: Locations, added: Sequence[Block]) -> None:
        """Note that all vectors of the active space lie elsewhere now; the old blocks are forgotten.

        Raises:
            ValueError: The ids are not exactly those that have a vector, sorted.
        """
        if not np.array_equal(stored_locations(self._connection, None).ids, locations.ids):
            raise ValueError("the vectors to move are not those in the catalog")
        blocks.forget(self._connection, vector_blocks)
        blocks.add(self._connection, vector_blocks, added)
        rows = [
            {"moved": segment_id, "file": file, "row": row}
            for segment_id, file, row in zip(
                locations.ids.tolist(), locations.files.tolist(), locations.rows.tolist(), strict=True
            )
        ]
        if rows:
            moved = vectors.c.segment_id == sa.bindparam("moved")
            self._connection.execute(vectors.update().where(moved, vectors.c.space_id == ACTIVE_SPACE), rows)
            self.changed = True

    def keep_tokens(self, revision: str) -> None:
        """Keep tokens of this revision beside the vectors from now on; those of another are forgotten."""
        self.changed |= tokens.keep(self._connection, revision)

    def forget_tokens(self) -> None:
        """Keep no tokens any more, and forget those that were kept."""
        self.changed |= tokens.keep(self._connection, "")

    def add_token_block(self, block: Block) -> None:
        """Take rows of a token file into the catalog; they must be on disk by now."""
        blocks.add(self._connection, token_blocks, [block])

    def put_tokens(self, places: TokenPlaces) -> None:
        """Note where the tokens of segments lie that had none; they must be on disk by now."""
        tokens.put(self._connection, places)

    def drop_tokens_outside(self, sound: Sequence[Block]) -> int:
        """Forget the tokens of segments of which some lie in none of these blocks. Returns of how many."""
        dropped = tokens.drop_outside(self._connection, sound)
        self.changed |= dropped > 0
        return dropped

    def move_tokens(self, places: TokenPlaces, added: Sequence[Block]) -> None:
        """Note that all tokens of the active space lie elsewhere now; the old blocks are forgotten.

        Raises:
            ValueError: The ids and counts are not exactly those that are in the catalog, in order of id.
        """
        tokens.move(self._connection, places, added)
        self.changed |= len(places) > 0

    def put_heads(self, weights: Mapping[Modality, bytes], reports: Mapping[Modality, Any]) -> int:
        """Install heads, which from now on adapt the vectors of their modalities. Returns their version.

        Args:
            weights: As `adapt.head.Head.to_bytes` gives them.
            reports: What was measured, as JSON objects.
        """
        self.changed = True
        return heads.put(self._connection, weights, reports)

    def undo_heads(self) -> tuple[Modality, ...]:
        """Take the newest version of heads out of use. Returns its modalities, none if there is no head."""
        undone = heads.undo(self._connection)
        self.changed |= bool(undone)
        return undone

    def rebuild_words(self) -> None:
        """Make the index of words anew from the segments, whatever it holds."""
        lexical.rebuild(self._connection)

    def drop_damaged_heads(self) -> None:
        """Take heads that do not match their checksum out of use."""
        self.changed |= heads.drop_damaged(self._connection) > 0

    def change_fields(self, asset_ids: Collection[int], changes: Sequence[FieldChange]) -> int:
        """Change the user's own fields of files, one change after the other. Returns how many files changed by it.

        Raises:
            UsageError: A field would get more than `types.MAX_FIELD_VALUES` values.
        """
        return field_writer.change(self._connection, asset_ids, changes)

    def put_fields(self, values: Mapping[int, Mapping[str, Sequence[FieldValue]]]) -> int:
        """Replace what the user says of some fields of files: id -> name -> values. Returns how many files changed."""
        return field_writer.put_each(self._connection, values)

    def put_banks(self, data: bytes, report: Mapping[str, Any]) -> int:
        """Install banks of queries for all modalities that are to have one. Returns their number.

        Vectors stay as they are, and so does the revision.

        Args:
            data: As `hubness.bank.to_bytes` gives it.
            report: What was measured, as a JSON object.
        """
        return query_banks.put(self._connection, data, report)

    def undo_banks(self) -> bool:
        """Take the newest banks out of use. Returns whether there were any."""
        return query_banks.undo(self._connection)

    def drop_damaged_banks(self) -> None:
        """Take banks that do not match their checksum out of use."""
        query_banks.drop_damaged(self._connection)

    def put_reranker(self, weights: bytes, report: Mapping[str, Any]) -> int:
        """Install a re-ranker that was trained here. Returns its version; no version is used twice.

        Vectors stay as they are, and so does the revision: `reranker_version` tells readers.

        Args:
            weights: Of the model.
            report: What was measured, as a JSON object.
        """
        return rerankers.put(self._connection, weights, report)

    def undo_reranker(self) -> bool:
        """Take the newest re-ranker out of use; the one before is in use again. Returns whether there was any."""
        return rerankers.undo(self._connection)

    def drop_rerankers(self, versions: Collection[int]) -> None:
        """Take some of the re-rankers that were trained here out of use."""
        rerankers.drop(self._connection, versions)

    def drop_damaged_rerankers(self) -> int:
        """Take re-rankers that do not match their checksum out of use. Returns how many."""
        return rerankers.drop_damaged(self._connection)

    def put_generation(self, generation: Generation, removed_to: int) -> None:
        """Publish a generation of the index of the active space; its files must be on disk by now.

        Args:
            generation: With a number above that of any other.
            removed_to: It knows of all removals up to this serial, as `removed_since` gave it in the state that it was
                made of; they are forgotten.
        """
        generations.put(self._connection, generation, removed_to)

    def drop_generations(self, keep: int) -> None:
        """Forget all generations of the active space but this one."""
        generations.drop(self._connection, keep)

    def discard_generation(self) -> None:
        """Let nobody use the newest generation of the active space any more; the next one gets a greater number."""
        generations.discard(self._connection)

    def set_index_wishes(self, wishes: str) -> None:
        """Keep what the user wants of the index, as a JSON object."""
        generations.set_wishes(self._connection, wishes)

    def finish(self) -> None:
        """Count on the revision if segments or vectors changed, or tokens went, and the edition if anything did.

        The last step of a transaction.
        """
        if self.changed:
            self._connection.execute(collection.update().values(revision=collection.c.revision + 1))
        if self._changes() > self._before:
            self._connection.execute(collection.update().values(edition=collection.c.edition + 1))
