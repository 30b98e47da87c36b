"""Arrays in files of numpy's own format (.npy), version 1.0: written by numpy, and mapped after a strict check.

numpy's reader does more than is wanted of a file that may be damaged or made up: it takes a pickle or a zip for what it
says it is, and evaluates the header as Python. Here the header is compared with the one form that is ever written.
"""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mmsearch.errors import CollectionDamaged
from mmsearch.files import map_readonly
from mmsearch.types import Ids
from mmsearch.vectors.reading import open_stored, size_of

_MAX_HEADER_BYTES = 1000  # numpy writes 128
_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00(?P<length>..)"
    rb"\{'descr': '(?P<type>[<>|][a-z]\d{1,2})', 'fortran_order': False, "
    rb"'shape': \((?P<shape>\d{1,18}(?:,|(?:, \d{1,18})+))\), \} *\n",
    re.DOTALL,
)


def write_array(path: Path, array: npt.NDArray[Any]) -> None:
    """Write an array as a new file.

    Raises:
        OSError: The disk is full or the folder cannot be written.
    """
    with path.open("wb") as file:  # numpy would add ".npy" to a name without
        np.lib.format.write_array(file, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)


def map_array(path: Path, *, dtype: npt.DTypeLike, shape: tuple[int | None, ...]) -> npt.NDArray[Any]:
    """Map an array that `write_array` wrote, read-only.

    Args:
        path: The file.
        dtype: What it must have.
        shape: What it must have; None stands for any length.

    Raises:
        CollectionDamaged: It is missing, or is something else.
        StorageError: This user may not read it.
    """
    dtype = np.dtype(dtype)
    with open_stored(path) as file:
        found = _HEADER.match(file.read(_MAX_HEADER_BYTES))
        if found is None or int.from_bytes(found["length"], "little") != found.end() - found.end("length"):
            raise CollectionDamaged(f"{path} is not an array of numbers.")
        if found["type"].decode() != dtype.str:
            raise CollectionDamaged(f"{path} is not an array of {dtype}.")
        stored = tuple(int(length) for length in found["shape"].split(b",") if length)
        if len(stored) != len(shape) or any(want not in (None, got) for got, want in zip(stored, shape, strict=True)):
            raise CollectionDamaged(f"{path} has the shape {stored}, not {shape}.")
        if size_of(file) != found.end() + math.prod(stored) * dtype.itemsize:
            raise CollectionDamaged(f"{path} has not the size of an array of the shape {stored}.")
        mapped = map_readonly(file)
    return np.frombuffer(mapped, dtype, offset=found.end()).reshape(stored)


def map_ids(path: Path) -> Ids:
    """Map a list of ids (n,) that `write_array` wrote: none below 0, each once, sorted.

    Raises:
        CollectionDamaged: It is missing, or is something else.
        StorageError: This user may not read it.
    """
    ids: Ids = map_array(path, dtype="<i8", shape=(None,))
    if len(ids) and (ids[0] < 0 or not bool((ids[1:] > ids[:-1]).all())):
        raise CollectionDamaged(f"{path} is not a sorted list of ids.")
    return ids
