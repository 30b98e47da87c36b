"""What the parts of each segment mean, for re-rankers: rows of 8-bit codes, each row with a scale of its own.

The tokens of a segment are consecutive rows. What files are and how they are written: `vectors.rows`. Rounding to 8
bits a row by its largest value is what Dettmers et al., "LLM.int8()", NeurIPS 2022, section 2.1, call absmax
quantisation; a token takes dim + 4 bytes.
"""

import struct
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mmsearch.errors import CollectionDamaged
from mmsearch.files import blake2
from mmsearch.types import Block, CodedTokens, EmbeddingSpace, Tokens
from mmsearch.vectors.rows import Rows, RowStore

_HEADER = struct.Struct("<8sHHI16s32s")  # magic, format version, dtype, dim, space id, digest of the revision
_MAGIC = b"MMSTOKS\n"
_VERSION = 1
_INT8 = 2
_MAX_CODE = 127
# Beyond these, a float32 scale would overflow when it is multiplied, or be too coarse; tokens are about 1.
_LARGEST = 1e30
_SMALLEST = 1e-30

Places = npt.NDArray[np.int64]


def token_type(dim: int) -> np.dtype[np.void]:
    """Return the type of one token as it is stored: value i is `scale * codes[i]`."""
    return np.dtype([("scale", "<f4"), ("codes", "i1", (dim,))])


def quantise(tokens: Tokens) -> CodedTokens:
    """Round tokens (t, d) to 8 bits a value: records (t,), each with the scale max |x| / 127 of its row.

    Guarantees: no value is off by more than half of its row's scale; rows with nothing above 1e-30 become zeros.

    Raises:
        ValueError: They have another shape, or a value is not finite or beyond 1e30.
    """
    if tokens.ndim != 2:
        raise ValueError(f"expected tokens of shape (t, d), got {tokens.shape}")
    largest = np.abs(tokens).max(axis=1, initial=0)
    if not (largest <= _LARGEST).all():  # so NaN is refused too
        raise ValueError("a token holds NaN, infinity or a value beyond 1e30")
    coded = np.zeros(len(tokens), dtype=token_type(tokens.shape[1]))
    coded["scale"] = np.where(largest < _SMALLEST, 0, largest / _MAX_CODE)
    steps = np.where(coded["scale"] > 0, coded["scale"], np.float32(np.inf))  # x / inf: zeros
    coded["codes"] = np.rint(tokens / steps[:, None])
    return coded


def dequantise(coded: CodedTokens) -> Tokens:
    """Return the tokens (t, d) that records (t,) stand for."""
    tokens: Tokens = np.multiply(coded["codes"], coded["scale"][:, None], dtype=np.float32)
    return tokens


class TokenStore(RowStore):
    """The token files of one embedding space. One process may write while others read.

    Args:
        folder: Where the files are; made at the first write.
        space: The embedding space; a file of another space is refused.
        revision: `EncoderSpec.tokens` of what made them; a file of another revision is refused.
    """

    def __init__(self, folder: Path, space: EmbeddingSpace, revision: str) -> None:
        made_by = blake2(revision.encode()).encode()
        header = _HEADER.pack(_MAGIC, _VERSION, _INT8, space.dim, space.space_id.encode(), made_by)
        others = "another space or another revision of the tokens"
        super().__init__(folder, ".i8", token_type(space.dim), header, others)

    def append(self, file: int, first_row: int, coded: CodedTokens) -> Block:
        """Write records (n,), the tokens of one segment after the other, behind the committed rows of a file, durably.

        Args:
            file: Its number; the file is made if `first_row` is 0.
            first_row: The number of rows of this file that are committed.
            coded: At least one row.

        Raises:
            StorageError: The disk is full or cannot be written; committed rows are as they were.
            CollectionDamaged: The file lacks rows that are committed, or is of another revision.
            ValueError: They are of another type, or a scale is none that `quantise` gives.
        """
        return self._append_rows(file, first_row, self._checked(coded))

    def write_new(self, file: int, pieces: Iterable[CodedTokens]) -> tuple[Block, ...]:
        """Write a new file, whole or not at all; each piece of records (n,) becomes a block.

        Args:
            file: A number that no committed block uses.
            pieces: At least one row each; only one is held in memory at a time.

        Raises:
            StorageError: The disk is full or cannot be written.
            ValueError: As for `append`.
        """
        return self._write_new_rows(file, (self._checked(piece) for piece in pieces))

    def gather(self, files: Places, rows: Places, counts: Places) -> list[Tokens]:
        """Return the tokens (t, d) of each segment: `counts[i]` rows from `rows[i]` on of file `files[i]`.

        Cost: each file is mapped once; no digest is checked.

        Raises:
            CollectionDamaged: A file is missing, of another revision or shorter, or a scale is none that was written.
            ValueError: A row or a count is negative.
        """
        return [dequantise(coded) for coded in self._slices(files, rows, counts)]

    def gather_coded(self, files: Places, rows: Places, counts: Places) -> list[CodedTokens]:
        """Copy out the records (t,) of each segment as they are stored: as `gather`, with the same errors."""
        return [coded.copy() for coded in self._slices(files, rows, counts)]

    def _checked(self, coded: CodedTokens) -> Rows:
        if coded.ndim != 1 or coded.dtype != self._row_type or not len(coded):
            raise ValueError(f"expected records (n,) of {self._row_type}, n > 0, got {coded.shape} of {coded.dtype}")
        if not _are_scales(coded["scale"]):
            raise ValueError("a scale of the tokens is negative, too large or not finite")
        return np.ascontiguousarray(coded)

    def _slices(self, files: Places, rows: Places, counts: Places) -> list[Rows]:
        """Return views of the mapped files, one a segment, with all scales checked."""
        places = list(zip(files.tolist(), rows.tolist(), counts.tolist(), strict=True))
        if any(row < 0 or count < 0 for _, row, count in places):
            raise ValueError("rows and counts of tokens are 0 or more")
        ends: dict[int, int] = {}  # as Python integers, whose sums do not overflow
        for file, row, count in places:
            ends[file] = max(ends.get(file, 0), row + count)
        mapped = {file: self._mapped(file, end) for file, end in ends.items()}
        slices = [mapped[file][row : row + count] for file, row, count in places]
        if slices and not _are_scales(np.concatenate([each["scale"] for each in slices])):
            raise CollectionDamaged(f"Tokens in {self._folder} have a scale that was never written.")
        return slices


def _are_scales(scales: npt.NDArray[np.float32]) -> bool:
    """Tell whether no scale is negative, NaN or so large that a token would overflow."""
    return bool(((scales >= 0) & (scales <= _LARGEST)).all())
