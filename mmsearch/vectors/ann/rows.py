"""The rows of an index in one file: a flat index of FAISS that is mapped into memory and never read as a whole."""

import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, Self

import faiss
import numpy as np
import numpy.typing as npt

from mmsearch.errors import CollectionDamaged
from mmsearch.files import map_readonly
from mmsearch.threads import searching
from mmsearch.types import Vectors
from mmsearch.vectors.ranking import Positions, Scores
from mmsearch.vectors.reading import open_stored, size_of

Mask = npt.NDArray[np.bool_]  # (n,) which rows count
_PIECE_ROWS = 16_384
_SIGN_AND_NUMBER = np.int32(-(1 << 31) | 0x0FFFE000)
_BIAS = np.float32(2.0**112)
_ALWAYS_TAKEN_BYTES = 64 << 20
_READING = Lock()  # the limit is one for all threads
_COUNT_AT = 8  # where an index file has its number of vectors, behind its type and dimension


class MappedRows:
    """Unit rows (n, d), float32 or float16, on disk. They never change, and several threads may read them.

    Made by `open`. What is returned is float32.
    """

    def __init__(self, codes: npt.NDArray[np.uint8], index: Any, *, half: bool) -> None:  # noqa: ANN401 - no types
        self._codes = codes  # (n, bytes of a row): bytes, because rows in the file are not aligned
        self._index = index
        self._half = half
        self.dim = int(index.d)

    def __len__(self) -> int:
        return len(self._codes)

    @staticmethod
    def write(path: Path, pieces: Iterable[Vectors], *, count: int, dim: int, half: bool) -> None:
        """Write a file that `open` takes; only one piece of unit rows (m, d) is in memory at a time.

        Raises:
            OSError: The disk is full or cannot be written.
            ValueError: The pieces do not have `count` rows.
        """
        written = 0
        with path.open("wb") as file:
            file.write(_header(count, dim, half=half))
            for rows in pieces:
                written += len(rows)
                file.write(np.ascontiguousarray(rows, dtype=_dtype(half)).data)
        if written != count:
            raise ValueError(f"expected {count} rows, got {written}")

    @classmethod
    def open(cls, path: Path, *, count: int, dim: int, half: bool) -> Self:
        """Map a file that `write` wrote.

        Raises:
            CollectionDamaged: It is missing, or is not exactly such a file.
        """
        header = _header(count, dim, half=half)
        width = dim * _dtype(half).itemsize
        with open_stored(path) as file:
            if size_of(file) != len(header) + count * width or file.read(len(header)) != header:
                raise CollectionDamaged(f"{path} is not a file of {count} rows of dimension {dim}.")
            mapped = map_readonly(file)
        codes = np.frombuffer(mapped, dtype=np.uint8, offset=len(header)).reshape(count, width)
        return cls(codes, read_index(path), half=half)

    def take(self, places: Positions) -> Vectors:
        """Copy single rows out: (m, d)."""
        codes = self._codes[places]
        return _from_half(codes.view(np.int16)) if self._half else codes.view(np.float32)

    def pieces(self, size: int = _PIECE_ROWS) -> Iterator[Vectors]:
        """Copy all rows out, `size` at once: (m, d)."""
        for start in range(0, len(self), size):
            yield self.take(np.arange(start, min(start + size, len(self))))

    def scan(self, queries: Vectors, depth: int, inside: Mask | None = None) -> tuple[Scores, Positions]:
        """Compare queries (m, d) with all rows, or with those that `inside` (n,) marks.

        Returns:
            Rough scores and places (m, depth), best first; -1 where there are no more.
        """
        parameters = None if inside is None else faiss.SearchParameters(sel=selector(inside))
        with searching(faiss, self.dim):
            scores, places = self._index.search(queries, depth, params=parameters)
        return scores, places


def read_index(path: Path, *, mapped: bool = True) -> Any:  # noqa: ANN401 - FAISS has no types
    """Let FAISS read a file, or map what can be mapped of it.

    Raises:
        CollectionDamaged: It cannot.
    """
    flags = faiss.IO_FLAG_MMAP_IFC if mapped else 0
    try:
        with _plain_name(path) as name, _tables_of_at_most(path.stat().st_size):
            return faiss.read_index(name, flags)
    except (RuntimeError, MemoryError, OSError) as error:
        raise CollectionDamaged(f"FAISS cannot read {path}: {error}.") from error


@contextmanager
def _tables_of_at_most(size_bytes: int) -> Iterator[None]:
    """Let FAISS believe no file that says that it has a larger table: the room for it would be taken at once."""
    with _READING:
        before = faiss.get_deserialization_vector_byte_limit()
        faiss.set_deserialization_vector_byte_limit(max(size_bytes, _ALWAYS_TAKEN_BYTES))
        try:
            yield
        finally:
            faiss.set_deserialization_vector_byte_limit(before)


@contextmanager
def _plain_name(path: Path) -> Iterator[str]:
    """Name a file in UTF-8, as FAISS wants it: where its path is none, by a link for a while."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        with TemporaryDirectory() as folder:
            link = Path(folder) / "index"
            link.symlink_to(path.absolute())
            yield str(link)
    else:
        yield str(path)


def selector(inside: Mask) -> Any:  # noqa: ANN401 - FAISS has no types
    """Make FAISS's selector of the places that are marked."""
    return faiss.IDSelectorBitmap(np.packbits(inside, bitorder="little"))


def _dtype(half: bool) -> np.dtype[Any]:
    return np.dtype("<f2" if half else "<f4")


def _from_half(bits: npt.NDArray[np.int16]) -> Vectors:
    """Convert the bits of float16 numbers, none of them infinite or NaN: a quarter of the time that numpy takes.

    Sign, exponent and mantissa are put where float32 has them; then the exponent counts from 2**-127 instead of 2**-15.
    """
    wide = bits.astype(np.int32)
    wide <<= 13
    wide &= _SIGN_AND_NUMBER
    rows = wide.view(np.float32)
    rows *= _BIAS
    return rows


def _header(count: int, dim: int, *, half: bool) -> bytes:
    """Return what stands before the rows: as FAISS writes an empty index, with the numbers of a full one."""
    empty = _empty(dim, half=half)
    data = faiss.serialize_index(empty).tobytes()
    stored = count * dim * (2 if half else 1)  # bytes, or numbers
    return b"".join(
        (data[:_COUNT_AT], struct.pack("<q", count), data[_COUNT_AT + 8 : -8], struct.pack("<Q", stored)),
    )


def _empty(dim: int, *, half: bool) -> Any:  # noqa: ANN401 - FAISS has no types
    if not half:
        return faiss.IndexFlatIP(dim)
    index = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    index.is_trained = True  # there is nothing to learn
    return index
