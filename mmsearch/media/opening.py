"""Opening the files that users name, without waiting on pipes or reading devices."""

import os
import stat
from typing import BinaryIO

from mmsearch.errors import FileUnreadable


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file for reading.

    Raises:
        FileUnreadable: It is not there, not a regular file, or may not be read.
    """
    try:
        # O_NONBLOCK: opening a pipe that nobody writes to would wait for ever.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise FileUnreadable(f"{path} is not a file.", remedy="Name a regular file.")
    return open(handle, "rb")


def unreadable(path: str | os.PathLike[str], error: OSError | ValueError) -> FileUnreadable:
    """Make the error for a file that cannot be opened, or whose disk fails while it is read."""
    reason = error.strerror if isinstance(error, OSError) else error
    remedy = None if isinstance(error, PermissionError) else "Check its name and its disk."
    return FileUnreadable(f"{path} cannot be read: {reason}.", remedy=remedy)
