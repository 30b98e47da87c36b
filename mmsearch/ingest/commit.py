"""Stage 5: outcomes become durable. The one commit point is the catalog's COMMIT.

Vectors and tokens are appended and synced first; the catalog then says where they lie. A crash before COMMIT leaves
bytes that nobody refers to and that the next append overwrites; a crash after it leaves nothing to do.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from os.path import lexists

import numpy as np

from mmsearch.catalog.catalog import Catalog, Writer
from mmsearch.types import Block, FailedFile, Features, IndexedFile, KnownFile, Outcome, SkippedFile, WaitingFile
from mmsearch.vectors.store import VectorStore
from mmsearch.vectors.tokens import TokenStore


@dataclass(slots=True)
class Tally:
    """Files by what became of them; the names are those of IndexReport."""

    counts: Counter[str] = field(default_factory=Counter)

    def add(self, name: str, number: int = 1) -> None:
        """Count."""
        self.counts[name] += number


class Committer:
    """Writes outcomes to one collection.

    Args:
        catalog: Of the collection.
        store: Of the collection.
        tally: Where files are counted.
        tokens: Of the collection; None if tokens are not kept.
    """

    def __init__(self, catalog: Catalog, store: VectorStore, tally: Tally, tokens: TokenStore | None = None) -> None:
        self._catalog = catalog
        self._store = store
        self._tokens = tokens
        self._tally = tally

    def commit(self, outcomes: Sequence[Outcome]) -> list[KnownFile]:
        """Make outcomes durable, all of them or none.

        Returns:
            Files to be read in full after all: the content they share has meanwhile gone from the catalog, or
            they are captions, which cannot share.

        Raises:
            StorageError: The disk is full or cannot be written; nothing of this batch is kept.
        """
        tally = Tally()
        indexed = [outcome for outcome in outcomes if isinstance(outcome, IndexedFile)]
        unresolved = []
        with self._catalog.write() as writer:
            self._put_indexed(writer, indexed, tally)
            for outcome in outcomes:
                if isinstance(outcome, KnownFile):
                    if not _put_known(writer, outcome, tally):
                        unresolved.append(outcome)
                elif not isinstance(outcome, IndexedFile):
                    _put_without_vectors(writer, outcome, tally)
        self._tally.counts.update(tally.counts)
        return unresolved

    def _put_indexed(self, writer: Writer, files: Sequence[IndexedFile], tally: Tally) -> None:
        """Append the files' vectors and tokens, then say where they lie."""
        if not files:
            return
        vectors = np.concatenate([file.vectors for file in files])
        block = self._store.append(*self._catalog.next_row(), vectors, self._features(files))
        writer.add_block(block)
        places = {"vector_file": block.file, "first_row": block.first_row}
        if tokens := self._append_tokens(writer, files):
            places |= {"token_file": tokens.file, "first_token_row": tokens.first_row}
        updated = sum(writer.put_indexed(files, **places))
        tally.add("updated", updated)
        tally.add("added", len(files) - updated)
        tally.add("encoded", len(files))
        tally.add("segments", block.rows)

    def _append_tokens(self, writer: Writer, files: Sequence[IndexedFile]) -> Block | None:
        """Append the tokens of all segments; nothing if none are kept."""
        coded = [each for file in files for each in file.tokens or ()]
        if self._tokens is None or not coded:
            return None
        block = self._tokens.append(*self._catalog.next_token_row(), np.concatenate(coded))
        writer.add_token_block(block)
        return block

    def _features(self, files: Sequence[IndexedFile]) -> Features | None:
        """Line up the features of all segments, zeros for files without any; None if the collection keeps none."""
        width = self._catalog.feature_dim()
        if not width:  # the model gives none, or gave none when the collection was made
            return None
        return np.concatenate(
            [
                np.zeros((len(file.segments), width), dtype=np.float16) if file.features is None else file.features
                for file in files
            ]
        )


def _put_known(writer: Writer, outcome: KnownFile, tally: Tally) -> bool:
    try:
        became = writer.put_known(outcome, exists=lexists)
    except LookupError:
        return False
    if became == "renamed":  # a path is gone and another came, as if one file were removed and one added
        tally.add("renamed")
        tally.add("removed")
    tally.add("added" if became == "renamed" else became)
    return True


def _put_without_vectors(writer: Writer, outcome: FailedFile | WaitingFile | SkippedFile, tally: Tally) -> None:
    if isinstance(outcome, FailedFile):
        writer.put_failed(outcome)
        tally.add("failed")
    elif isinstance(outcome, WaitingFile):
        writer.put_waiting(outcome)
        tally.add("waiting")
    else:
        writer.put_skipped(outcome)
        tally.add("skipped")
