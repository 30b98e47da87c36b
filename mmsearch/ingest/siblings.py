"""Which files lie beside a file: one listing of the folder instead of a hundred questions to the disk.

A text may be the caption of a picture under any of dozens of names; asking for each costs more than reading the text.
"""

import os
from functools import lru_cache

from mmsearch.media.sidecar import Exists


def siblings(path: str) -> Exists:
    """Return a function that says whether there is a file at a path, quickest for the folder of `path`."""
    folder = os.path.dirname(path)
    try:
        names = _names(folder, os.stat(folder).st_mtime_ns)
    except OSError:
        return os.path.exists

    def exists(other: str) -> bool:
        other_folder, name = os.path.split(other)
        return name in names if other_folder == folder else os.path.exists(other)

    return exists


@lru_cache(maxsize=2)  # files come folder by folder
def _names(folder: str, mtime_ns: int) -> frozenset[str]:
    """List a folder; the time of its last change is part of what is remembered."""
    return frozenset(os.listdir(folder))
