"""Stage 1: which files are there. Streams; holds one open folder a level, never a list of files."""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pathspec import PathSpec

from mmsearch.errors import ConfigError
from mmsearch.media.probe import is_captions_file, modality_of
from mmsearch.types import FileStat


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A folder or file that could not be looked at; nothing below it may be taken for deleted."""

    stat: FileStat
    reason: str


@dataclass(slots=True)
class ScanCounts:
    """What the scan passed over."""

    not_media: int = 0


@dataclass(frozen=True, slots=True)
class ScanRules:
    """What to look at.

    Attributes:
        include: Patterns in the manner of .gitignore, relative to the root; if given, only files that match.
        exclude: The same; files and whole folders that match are passed over.
        hidden: Also names that begin with a dot.
        follow_symlinks: Also what links point to; a folder is entered once however many links lead to it.
        avoid: Folders never to enter, such as the one that holds the collections.
    """

    include: PathSpec[Any] | None = None
    exclude: PathSpec[Any] | None = None
    hidden: bool = False
    follow_symlinks: bool = False
    avoid: frozenset[str] = frozenset()
    counts: ScanCounts = field(default_factory=ScanCounts)

    @classmethod
    def of(
        cls,
        *,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        hidden: bool = False,
        follow_symlinks: bool = False,
        avoid: Sequence[Path] = (),
    ) -> "ScanRules":
        """Compile patterns.

        Raises:
            ConfigError: A pattern is not valid.
        """
        return cls(
            include=_compile(include) if include else None,
            exclude=_compile(exclude) if exclude else None,
            hidden=hidden,
            follow_symlinks=follow_symlinks,
            avoid=frozenset(os.path.realpath(folder) for folder in avoid),
        )

    def wants_folder(self, relative: str, name: str) -> bool:
        """Whether to enter a folder."""
        if not self.hidden and name.startswith("."):
            return False
        return not (self.exclude and self.exclude.match_file(relative + "/"))

    def wants_file(self, relative: str, name: str) -> bool:
        """Whether a file is one of ours."""
        if not self.hidden and name.startswith("."):
            return False
        if self.exclude and self.exclude.match_file(relative):
            return False
        if self.include and not self.include.match_file(relative):
            return False
        if modality_of(name) or is_captions_file(name):
            return True
        self.counts.not_media += 1
        return False


def scan(root: Path, rules: ScanRules) -> Iterator[FileStat | Unreadable]:
    """Yield the files at or below an absolute path, in the order in which the disk gives them.

    A root that is a file is taken whatever the rules say. Special files (pipes, devices) are passed over, and so
    is what goes away meanwhile.
    """
    if not os.path.isdir(root):
        yield _stat_file(os.fspath(root))
        return
    entered: set[tuple[int, int]] = set()
    yield from _scan_folder(os.fspath(root), "", rules, entered)


def _scan_folder(
    folder: str, relative: str, rules: ScanRules, entered: set[tuple[int, int]]
) -> Iterator[FileStat | Unreadable]:
    pending = [(folder, relative)]
    while pending:
        path, prefix = pending.pop()
        try:
            if not _enter(path, rules, entered):
                continue
            with os.scandir(path) as entries:
                for entry in entries:
                    yield from _look_at(entry, prefix, rules, pending)
        except OSError as error:
            if prefix and isinstance(error, FileNotFoundError):
                continue  # deleted since it was listed; but a root that goes away may be a disk that was pulled out
            yield Unreadable(FileStat(path, 0, 0), f"The folder cannot be read: {error.strerror or error}.")


def _enter(path: str, rules: ScanRules, entered: set[tuple[int, int]]) -> bool:
    """Whether a folder is new to this scan; links can lead to one folder in many ways, or in a circle."""
    if rules.avoid and os.path.realpath(path) in rules.avoid:
        return False
    status = os.stat(path)
    identity = (status.st_dev, status.st_ino)
    if identity in entered:
        return False
    if rules.follow_symlinks:  # without links there are no circles, and nothing to remember
        entered.add(identity)
    return True


def _look_at(
    entry: "os.DirEntry[str]", prefix: str, rules: ScanRules, pending: list[tuple[str, str]]
) -> Iterator[FileStat | Unreadable]:
    relative = f"{prefix}{entry.name}"
    try:
        if entry.is_symlink() and not rules.follow_symlinks:
            return
        if entry.is_dir():
            if rules.wants_folder(relative, entry.name):
                pending.append((entry.path, relative + "/"))
        elif entry.is_file() and rules.wants_file(relative, entry.name):
            status = entry.stat()
            yield FileStat(entry.path, status.st_size, status.st_mtime_ns)
    except FileNotFoundError:
        return
    except OSError as error:
        yield Unreadable(FileStat(entry.path, 0, 0), f"The file cannot be looked at: {error.strerror or error}.")


def _stat_file(path: str) -> FileStat | Unreadable:
    try:
        status = os.stat(path)
    except OSError as error:
        return Unreadable(FileStat(path, 0, 0), f"The file cannot be looked at: {error.strerror or error}.")
    if not stat.S_ISREG(status.st_mode):
        return Unreadable(FileStat(path, 0, 0), "It is neither a file nor a folder.")
    return FileStat(path, status.st_size, status.st_mtime_ns)


def _compile(patterns: Sequence[str]) -> PathSpec[Any]:
    try:
        return PathSpec.from_lines("gitignore", patterns)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"Not a valid pattern: {error}.", remedy="Patterns are written as in .gitignore.") from error
