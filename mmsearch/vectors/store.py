"""The embeddings themselves, from which every index can be made again.

A row is a float32 vector and, where the model gives features, those as float16 behind it, since both are written,
copied and lost together. What files are and how they are written: `vectors.rows`.
"""

import struct
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mmsearch.types import Block, EmbeddingSpace, Features, Vectors
from mmsearch.vectors.rows import Rows, RowStore

_HEADER = struct.Struct("<8sHHI16sI28x")  # magic, format version, dtype, dim, space id, length of the features
_MAGIC = b"MMSVECS\n"
_VERSION = 1
_FLOAT32 = 1


class VectorStore(RowStore):
    """The vector files of one embedding space. One process may write while others read.

    Args:
        folder: Where the files are; made at the first write.
        space: The embedding space; a file of another space is refused.
        feature_dim: Length of the features beside each vector; 0 if there are none.
    """

    def __init__(self, folder: Path, space: EmbeddingSpace, feature_dim: int = 0) -> None:
        self._dim = space.dim
        row_type = np.dtype([("vector", "<f4", (space.dim,)), ("features", "<f2", (feature_dim,))])
        header = _HEADER.pack(_MAGIC, _VERSION, _FLOAT32, space.dim, space.space_id.encode(), feature_dim)
        super().__init__(folder, ".f32", row_type, header, "another space")

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
        return self._append_rows(file, first_row, self._checked(vectors, features))

    def write_new(self, file: int, pieces: Iterable[tuple[Vectors, Features | None]]) -> tuple[Block, ...]:
        """Write a new file, whole or not at all; each piece of unit rows (n, d) and features becomes a block.

        Args:
            file: A number that no committed block uses.
            pieces: At least one row each; only one is held in memory at a time.

        Raises:
            StorageError: The disk is full or cannot be written.
            ValueError: A shape does not fit, or a value is not finite.
        """
        return self._write_new_rows(file, (self._checked(*piece) for piece in pieces))

    def read(self, block: Block) -> Vectors:
        """Read the rows (n, d) of a block and check them.

        Raises:
            CollectionDamaged: The file or its header is not what it should be, or the rows are not those
                that were committed.
        """
        return np.asarray(self._read_rows(block)["vector"], dtype=np.float32)

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
