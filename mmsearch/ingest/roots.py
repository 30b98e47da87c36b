"""Which folders and files a run starts from."""

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mmsearch.errors import UsageError
from mmsearch.ingest.scan import ScanRules

StrPath = str | os.PathLike[str]


def starting_points(paths: Sequence[StrPath], known: Iterable[str], rules: ScanRules) -> tuple[Path, ...]:
    """Return absolute paths to scan, such that no file is found twice and none that was asked for is missed.

    Args:
        paths: What the user names; without any, all known roots that are there.
        known: The roots of earlier runs. Of these come along what lies below a given folder but its scan passes over,
            such as a hidden folder: it was asked for once, so its files must not be taken for deleted.
        rules: What the scan takes.

    Raises:
        UsageError: A path does not exist, or there is none.
    """
    there = {Path(root) for root in known if os.path.exists(root)}
    given = {_absolute(path) for path in paths} or there
    if not given:
        raise UsageError("There is nothing to index.", remedy="Name a folder: mmsearch index ~/Pictures")
    # What the user excludes by a pattern stays excluded.
    patterns = replace(rules, hidden=True, follow_symlinks=True)
    roots = given | {root for root in there if _is_reached(root, given, patterns)}
    return tuple(sorted(root for root in roots if not _is_reached(root, roots, rules)))


def _absolute(path: StrPath) -> Path:
    """Return a path in full, with links as they are.

    Raises:
        UsageError: It does not exist; its files are not taken for deleted.
    """
    name = os.fspath(path)
    if not name:
        raise UsageError("The path of a folder is empty.", remedy="For the folder of work, write a dot.")
    absolute = Path(os.path.abspath(os.path.expanduser(name)))
    if not os.path.exists(absolute):  # which is false, not an error, for a name that is too long
        raise UsageError(
            f"{absolute} does not exist.",
            remedy="If it was deleted for good, forget its files with `mmsearch remove`.",
        )
    return absolute


def device_of(root: Path) -> str | None:
    """Name the disk that a folder is on; None if it cannot be asked."""
    try:
        return str(os.stat(root).st_dev)
    except OSError:
        return None


def unmounted_roots(roots: Iterable[Path], devices: Mapping[str, str | None]) -> set[Path]:
    """Return the folders that are empty and on another disk than when they were scanned last.

    So looks a folder whose disk is not mounted. Its files must not be taken for deleted.
    """
    return {
        root
        for root in roots
        if (before := devices.get(str(root))) and device_of(root) != before and root.is_dir() and _is_empty(root)
    }


def _is_empty(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except OSError:
        return False


def _is_reached(path: Path, roots: Collection[Path], rules: ScanRules) -> bool:
    return any(parent in roots and _comes_by(parent, path, rules) for parent in path.parents)


def _comes_by(folder: Path, path: Path, rules: ScanRules) -> bool:
    """Tell whether a scan of a folder comes to a path below it."""
    names = path.relative_to(folder).parts
    for depth, name in enumerate(names, start=1):
        here = folder.joinpath(*names[:depth])
        if here.is_symlink() and not rules.follow_symlinks:
            return False
        wants = rules.wants_folder if here.is_dir() else rules.wants_file
        if not wants("/".join(names[:depth]), name):
            return False
    return True
