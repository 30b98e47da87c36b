"""Stage 1: a vector that was given as such, as numbers or as a .npy file, is checked."""

import os
import re
from typing import Any

import numpy as np
import numpy.typing as npt

from mmsearch.errors import FileUnreadable, QueryError
from mmsearch.media.opening import open_regular

MAX_FILE_BYTES = 1 << 20
_REMEDY = "Give a .npy file with one vector of float or integer numbers, as numpy.save writes it."
_MAGIC = b"\x93NUMPY"
_LENGTH_BYTES = {1: 2, 2: 4, 3: 4}  # version of the format -> bytes of the header's length
# The header is the source of a Python dict. What is needed of it is picked out, never evaluated.
_DTYPE = re.compile(rb"""['"]descr['"]\s{0,9}:\s{0,9}['"]([<>|=]?(?:f[248]|[iu][1248]))['"]""")
_SHAPE = re.compile(rb"""['"]shape['"]\s{0,9}:\s{0,9}\(\s{0,9}(?:1\s{0,9},\s{0,9})?([0-9]{1,6})\s{0,9},?\s{0,9}\)""")


def raw_vector(given: Any, dim: int) -> npt.NDArray[np.float32]:  # noqa: ANN401 - whatever the user gave
    """Check a raw vector, (d,) or (1, d), or read it from a .npy file: (d,) float32.

    Raises:
        QueryError: It cannot be read, does not fit the model, or has no direction.
    """
    source = _read_npy(given) if isinstance(given, str | os.PathLike) else given
    try:
        numbers = np.asarray(source)
    except (TypeError, ValueError, RuntimeError) as error:  # RuntimeError: of PyTorch, for what needs gradients
        raise QueryError(f"A vector must be a list of numbers: {error}.") from error
    if numbers.dtype.kind not in "fiu":
        raise QueryError("A vector must be a list of numbers.")
    if numbers.shape not in ((dim,), (1, dim)):
        raise QueryError(f"A vector must have the model's {dim} dimensions, not the shape {numbers.shape}.")
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
        vector = numbers.reshape(dim).astype(np.float32)
    if not np.isfinite(vector).all():
        raise QueryError("A vector holds NaN, infinity, or a number that is too large.")
    if not vector.any():
        raise QueryError("A vector of zeros has no direction to search in.")
    return vector


def _read_npy(path: str | os.PathLike[str]) -> npt.NDArray[Any]:
    name = os.fspath(path)
    try:
        with open_regular(os.path.expanduser(path)) as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except FileUnreadable as error:
        raise QueryError(error.message, remedy=error.remedy) from error
    except OSError as error:
        raise QueryError(f"{name} cannot be read: {error.strerror}.", remedy="Check its disk.") from error
    if len(data) > MAX_FILE_BYTES:
        raise QueryError(f"{name} has more than {MAX_FILE_BYTES >> 20} MiB, too much for a vector.", remedy=_REMEDY)
    vector = _npy_vector(data)
    if vector is None:
        raise QueryError(f"{name} holds no vector.", remedy=_REMEDY)
    return vector


def _npy_vector(data: bytes) -> npt.NDArray[Any] | None:
    """Make an array of the bytes of a .npy file; None if it is not one of one vector.

    Source: the format's description in numpy.lib.format, versions 1.0 to 3.0.
    """
    wide = _LENGTH_BYTES.get(data[6]) if data.startswith(_MAGIC) and len(data) > 12 else None
    if wide is None:
        return None
    start = 8 + wide
    end = start + int.from_bytes(data[8:start], "little")
    dtype, shape = _DTYPE.search(data, start, end), _SHAPE.search(data, start, end)
    if dtype is None or shape is None:
        return None
    kind, count = np.dtype(dtype[1].decode()), int(shape[1])
    if len(data) - end < count * kind.itemsize:
        return None
    return np.frombuffer(data, kind, count, offset=end)
