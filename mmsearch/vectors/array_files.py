"""Arrays in files of numpy's own format (.npy): written as they are, mapped after a check, and never unpickled."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mmsearch.errors import CollectionDamaged
from mmsearch.types import Ids
from mmsearch.vectors.reading import open_stored, size_of

_MAX_HEADER_BYTES = 1000  # numpy writes 128; the header is a Python literal, and parsing a large one is slow


def write_array(path: Path, array: npt.NDArray[Any]) -> None:
    """Write an array as a new file.

    Raises:
        OSError: The disk is full or the folder cannot be written.
    """
    with path.open("wb") as file:  # numpy would add ".npy" to a name without
        np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)


def map_array(path: Path, *, dtype: npt.DTypeLike, shape: tuple[int | None, ...]) -> npt.NDArray[Any]:
    """Map an array that `write_array` wrote, read-only.

    Args:
        path: The file.
        dtype: What it must have.
        shape: What it must have; None stands for any length.

    Raises:
        CollectionDamaged: It is missing, or is something else.
    """
    try:
        with open_stored(path) as file:
            size = size_of(file)
        array = np.load(path, mmap_mode="r", allow_pickle=False, max_header_size=_MAX_HEADER_BYTES)
    except (ValueError, EOFError, OSError, SyntaxError, TypeError, OverflowError, MemoryError) as error:
        raise CollectionDamaged(f"{path} is not an array of numbers: {error}.") from error
    if not isinstance(array, np.memmap) or array.dtype != np.dtype(dtype) or not array.flags.c_contiguous:
        raise CollectionDamaged(f"{path} is not an array of {np.dtype(dtype)}.")
    if len(array.shape) != len(shape) or any(w not in (None, n) for n, w in zip(array.shape, shape, strict=True)):
        raise CollectionDamaged(f"{path} has the shape {array.shape}, not {shape}.")
    if array.offset + array.nbytes != size:
        raise CollectionDamaged(f"{path} goes on behind its array.")
    return np.asarray(array)


def map_ids(path: Path) -> Ids:
    """Map a list of ids (n,) that `write_array` wrote: none below 0, each once, sorted.

    Raises:
        CollectionDamaged: It is missing, or is something else.
    """
    ids: Ids = map_array(path, dtype="<i8", shape=(None,))
    if len(ids) and (ids[0] < 0 or not bool((ids[1:] > ids[:-1]).all())):
        raise CollectionDamaged(f"{path} is not a sorted list of ids.")
    return ids
