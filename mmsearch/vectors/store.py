"""Append-only vector files: the embeddings themselves, from which every index can be made again.

A file is a header of 64 bytes and then rows: a float32 vector each and, where the model gives features, those as
float16 behind it, since both are written, copied and lost together. Which rows count is for the catalog to say,
block by block: bytes behind the last committed block are what a crash left behind, and the next append writes
over them. Files never shrink (that would kill every process that has one mapped), and committed rows never change.
"""

import os
import re
import struct
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from mmsearch.errors import CollectionDamaged
from mmsearch.files import blake2, map_readonly, replacing, storage_errors, write_durably
from mmsearch.types import Block, EmbeddingSpace, Features, Vectors
from mmsearch.vectors.reading import open_stored, size_of

_HEADER = struct.Struct("<8sHHI16sI28x")  # magic, format version, dtype, dim, space id, length of the features
_MAGIC = b"MMSVECS\n"
_VERSION = 1
_FLOAT32 = 1
_CHUNK_BYTES = 1 << 20
Rows = npt.NDArray[np.void]  # (n,) records of a vector and its features
_OUR_NAMES = re.compile(r"(\d{8,})\.f32|\.\d{8,}\.f32\.[\d-]+\.tmp")


class VectorStore:
    """The vector files of one embedding space. One process may write while others read.

    Args:
        folder: Where the files are; made at the first write.
        space: The embedding space; a file of another space is refused.
        feature_dim: Length of the features beside each vector; 0 if there are none.
    """

    def __init__(self, folder: Path, space: EmbeddingSpace, feature_dim: int = 0) -> None:
        self._folder = folder
        self._dim = space.dim
        self._row_type = np.dtype([("vector", "<f4", (space.dim,)), ("features", "<f2", (feature_dim,))])
        self._header = _HEADER.pack(_MAGIC, _VERSION, _FLOAT32, space.dim, space.space_id.encode(), feature_dim)

    @property
    def size_bytes(self) -> int:
        """Size of all files."""
        return sum(path.stat().st_size for path in self._files())

    def append(self, file: int, first_row: int, vectors: Vectors, features: Features | None = None) -> Block:
        """Write unit rows (n, d) behind the committed rows of a file, durably.

        Args:
            file: Its number; the file is made if `first_row` is 0.
            first_row: The number of rows of this file that are committed.
            vectors: At least one row.
            features: (n, feature_dim); zeros if they are not given.

        Raises:
            StorageError: The disk is full or cannot be written; committed rows are as they were.
            CollectionDamaged: The file lacks rows that are committed.
            ValueError: The shape does not fit, or a value is not finite.
        """
        rows = self._checked(vectors, features)
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

    def write_new(self, file: int, pieces: Iterable[tuple[Vectors, Features | None]]) -> tuple[Block, ...]:
        """Write a new file, whole or not at all; each piece of unit rows (n, d) and features becomes a block.

        Args:
            file: A number that no committed block uses.
            pieces: At least one row each; only one is held in memory at a time.

        Raises:
            StorageError: The disk is full or cannot be written.
            ValueError: A shape does not fit, or a value is not finite.
        """
        blocks: list[Block] = []
        with replacing(self._path(file)) as temporary, temporary.open("wb") as target:
            target.write(self._header)
            for piece in pieces:
                rows = self._checked(*piece)
                target.write(_bytes(rows))
                blocks.append(_block(file, blocks[-1].end if blocks else 0, rows))
        return tuple(blocks)

    def read(self, block: Block) -> Vectors:
        """Read the rows (n, d) of a block and check them.

        Raises:
            CollectionDamaged: The file or its header is not what it should be, or the rows are not those
                that were committed.
        """
        with self._open(block.file, block.end) as file:
            file.seek(self._offset(block.first_row))
            rows = np.fromfile(file, dtype=self._row_type, count=block.rows)
        if blake2(_bytes(rows)) != block.digest:
            raise self._rows_damaged(block)
        return np.asarray(rows["vector"], dtype=np.float32)

    def rows(self, file: int, count: int) -> Vectors:
        """Map the first `count` rows (count, d) of a file, read-only and without a digest check.

        Guarantees: the rows stay as they are while the writer appends, and after the file is removed.

        Raises:
            CollectionDamaged: The file is missing or shorter, or its header is not what it should be.
        """
        return np.asarray(self._mapped(file, count)["vector"], dtype=np.float32)

    def gather(self, files: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]) -> Vectors:
        """Copy single rows out: result row i (of (n, d)) is row `rows[i]` of file `files[i]`.

        Raises:
            CollectionDamaged: A file is missing or has no such row.
            ValueError: A row is negative.
        """
        return np.asarray(self._gathered(files, rows, "vector"), dtype=np.float32)

    def gather_features(self, files: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]) -> Features:
        """Copy the features of single rows out, (n, feature_dim): as `gather`, with the same errors."""
        return np.asarray(self._gathered(files, rows, "features"), dtype=np.float16)

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

    def _path(self, file: int) -> Path:
        return self._folder / f"{file:08d}.f32"

    def _offset(self, row: int) -> int:
        return _HEADER.size + row * self._row_type.itemsize

    def _files(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        return [path for path in self._folder.iterdir() if _OUR_NAMES.fullmatch(path.name)]

    def _checked(self, vectors: Vectors, features: Features | None) -> Rows:
        if vectors.ndim != 2 or vectors.shape[1] != self._dim or not len(vectors):
            raise ValueError(f"expected vectors of shape (n, {self._dim}), n > 0, got {vectors.shape}")
        rows = np.zeros(len(vectors), dtype=self._row_type)
        if features is not None and features.shape != rows["features"].shape:
            raise ValueError(f"expected features of shape {rows['features'].shape}, got {features.shape}")
        rows["vector"] = vectors
        rows["features"] = 0 if features is None else features
        if not (np.isfinite(rows["vector"]).all() and np.isfinite(rows["features"]).all()):
            raise ValueError("a vector holds NaN or infinity")
        return rows

    def _mapped(self, file: int, count: int) -> Rows:
        with self._open(file, count) as opened:
            mapped = map_readonly(opened)
        return np.frombuffer(mapped, dtype=self._row_type, count=count, offset=_HEADER.size)

    def _gathered(
        self, files: npt.NDArray[np.int64], rows: npt.NDArray[np.int64], field: str
    ) -> npt.NDArray[np.floating]:
        if len(rows) and rows.min() < 0:
            raise ValueError(f"rows count from 0, got {rows.min()}")
        kind = self._row_type[field]
        gathered = np.empty((len(rows), *kind.shape), dtype=kind.base)
        for file in np.unique(files):
            here = files == file
            wanted = rows[here]
            gathered[here] = self._mapped(int(file), int(wanted.max()) + 1)[field][wanted]
        return gathered

    @contextmanager
    def _open(self, file: int, count: int) -> Iterator[BinaryIO]:
        """Open a file for reading after checking its header, and that it has so many rows."""
        path = self._path(file)
        with open_stored(path) as opened:
            if opened.read(_HEADER.size) != self._header:
                raise CollectionDamaged(f"The header of {path} is damaged or belongs to another space.")
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
