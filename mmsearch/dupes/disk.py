"""What is on disk as it was indexed: deleting copies of what is no longer there would lose the last one."""

import os
from collections.abc import Iterable

from mmsearch.catalog.looks import FileLook


def on_disk(files: Iterable[FileLook]) -> tuple[list[FileLook], int]:
    """Leave out files that are gone or changed, and all but one of the names of a file that has several.

    Of a link and what it leads to the latter stays.

    Returns:
        The files, in order of path, and how many are gone or changed.

    Cost: a look at the disk for each file.
    """
    found: dict[tuple[int, int], FileLook] = {}
    stale = 0
    for file in sorted(files, key=lambda file: file.path):
        place = _place(file)
        if place is None:
            stale += 1
        elif place not in found or (_leads_elsewhere(found[place].path) and not _leads_elsewhere(file.path)):
            found[place] = file
    return sorted(found.values(), key=lambda file: file.path), stale


def _place(file: FileLook) -> tuple[int, int] | None:
    """Return the disk and the number there of a file; None if it is not what was indexed."""
    try:
        there = os.stat(file.path)
    except (OSError, ValueError):  # the latter for names that no system allows, in a damaged catalog
        return None
    as_indexed = (there.st_size, there.st_mtime_ns) == (file.size_bytes, file.mtime_ns)
    return (there.st_dev, there.st_ino) if as_indexed else None


def _leads_elsewhere(path: str) -> bool:
    return os.path.realpath(path) != path
