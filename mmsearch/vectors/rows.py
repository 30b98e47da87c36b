"""Append-only files of fixed-size records: what the stores of vectors and of tokens share.

A file is a header of 64 bytes and then rows. Which rows count is for the catalog to say, block by block: bytes behind
the last committed block are what a crash left behind, and the next append writes over them. Files never shrink (that
would kill every process that has one mapped), and committed rows never change.
"""

import os
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from mmsearch.errors import CollectionDamaged
from mmsearch.files import blake2, map_readonly, replacing, storage_errors, write_durably
from mmsearch.types import Block
from mmsearch.vectors.reading import open_stored, size_of

Rows = npt.NDArray[np.void]  # (n,) records
_CHUNK_BYTES = 1 << 20


class RowStore:
    """The files of one kind of records. One process may write while others read.

    Args:
        folder: Where the files are; made at the first write.
        suffix: What their names end with, such as ".f32".
        row_type: Of a record.
        header: 64 bytes that say what the rows are; a file with another header is refused.
        others: What a file with another header may belong to.
    """

    def __init__(self, folder: Path, suffix: str, row_type: np.dtype[np.void], header: bytes, others: str) -> None:
        self._folder = folder
        self._suffix = suffix
        self._row_type = row_type
        self._header = header
        self._others = others
        ending = re.escape(suffix)
        self._our_names = re.compile(rf"\d{{8,}}{ending}|\.\d{{8,}}{ending}\.[\d-]+\.tmp")

    @property
    def size_bytes(self) -> int:
        """Size of all files."""
        return sum(path.stat().st_size for path in self._files())

    def damaged_blocks(self, blocks: Iterable[Block]) -> list[tuple[Block, str]]:
        """Check header and digest of each block; return the damaged ones with the reason.

        Cost: reads every row once, in pieces of 1 MB.

        Raises:
            StorageError: This user may not read a file; that says nothing about damage.
        """
        damaged = []
        for block in blocks:
            try:
                self._check(block)
            except CollectionDamaged as error:
                damaged.append((block, error.message))
        return damaged

    def remove_unreferenced(self, keep: Collection[int]) -> int:
        """Delete all files but those with the given numbers, and what killed writers left. Returns how many.

        Raises:
            StorageError: A file cannot be deleted.
        """
        kept = {self._path(number) for number in keep}
        unwanted = [path for path in self._files() if path not in kept]
        for path in unwanted:
            with storage_errors(f"remove {path}"):
                path.unlink()
        return len(unwanted)

    def _append_rows(self, file: int, first_row: int, rows: Rows) -> Block:
        """Write rows (n,) behind the committed ones of a file, durably; the file is made if `first_row` is 0."""
        path = self._path(file)
        if first_row == 0:
            write_durably(path, self._header)  # nothing in it is committed: start it anew
        else:
            with self._open(file, first_row):
                pass
        with storage_errors(f"write {path}"), path.open("r+b") as target:
            target.seek(self._offset(first_row))
            target.write(_bytes(rows))
            target.flush()
            os.fsync(target.fileno())
        return _block(file, first_row, rows)

    def _write_new_rows(self, file: int, pieces: Iterable[Rows]) -> tuple[Block, ...]:
        """Write a new file, whole or not at all; each piece becomes a block, and one is held in memory at a time."""
        blocks: list[Block] = []
        with replacing(self._path(file)) as temporary, temporary.open("wb") as target:
            target.write(self._header)
            for rows in pieces:
                target.write(_bytes(rows))
                blocks.append(_block(file, blocks[-1].end if blocks else 0, rows))
        return tuple(blocks)

    def _read_rows(self, block: Block) -> Rows:
        """Read the rows (n,) of a block and check them against its digest."""
        with self._open(block.file, block.end) as file:
            file.seek(self._offset(block.first_row))
            rows = np.fromfile(file, dtype=self._row_type, count=block.rows)
        if blake2(_bytes(rows)) != block.digest:
            raise self._rows_damaged(block)
        return rows

    def _mapped(self, file: int, count: int) -> Rows:
        """Map the first `count` rows (count,) of a file, read-only and without a digest check."""
        with self._open(file, count) as opened:
            mapped = map_readonly(opened)
        return np.frombuffer(mapped, dtype=self._row_type, count=count, offset=len(self._header))

    def _path(self, file: int) -> Path:
        return self._folder / f"{file:08d}{self._suffix}"

    def _offset(self, row: int) -> int:
        return len(self._header) + row * self._row_type.itemsize

    def _files(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        return [path for path in self._folder.iterdir() if self._our_names.fullmatch(path.name)]

    @contextmanager
    def _open(self, file: int, count: int) -> Iterator[BinaryIO]:
        """Open a file for reading after checking its header, and that it has so many rows."""
        path = self._path(file)
        with open_stored(path) as opened:
            if opened.read(len(self._header)) != self._header:
                raise CollectionDamaged(f"The header of {path} is damaged or belongs to {self._others}.")
            if size_of(opened) < self._offset(count):
                raise CollectionDamaged(f"{path} ends before row {count}.")
            yield opened

    def _check(self, block: Block) -> None:
        digest = blake2b(digest_size=16)
        with self._open(block.file, block.end) as file:
            file.seek(self._offset(block.first_row))
            left = block.rows * self._row_type.itemsize
            while left and (chunk := file.read(min(left, _CHUNK_BYTES))):
                digest.update(chunk)
                left -= len(chunk)
        if digest.hexdigest() != block.digest:
            raise self._rows_damaged(block)

    def _rows_damaged(self, block: Block) -> CollectionDamaged:
        where = f"Rows {block.first_row} to {block.end - 1} of {self._path(block.file)}"
        return CollectionDamaged(f"{where} do not match their checksum.")


def _block(file: int, first_row: int, rows: Rows) -> Block:
    return Block(file, first_row, len(rows), blake2(_bytes(rows)))


def _bytes(rows: Rows) -> memoryview:
    return rows.view(np.uint8).data
