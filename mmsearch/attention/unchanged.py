"""Files as they were indexed: what was found in another state of one says nothing of how it is now."""

import os

from mmsearch.config import Limits
from mmsearch.errors import FileUnreadable
from mmsearch.files import blake2, blake2_stream


def read_unchanged(path: str, content_hash: str | None, limits: Limits) -> bytes:
    """Read a file whole.

    Args:
        path: Of the file.
        content_hash: Of it when it was indexed.
        limits: On its bytes.

    Raises:
        FileUnreadable: It is gone, may not be read, or has changed.
        MediaTooLarge: It has more than `limits.max_file_bytes`.
    """
    from mmsearch.media.sources import read_bytes  # and Pillow with it

    data = read_bytes(path, limits.max_file_bytes)
    _require(blake2(data) == content_hash, path)
    return data


def require_unchanged(path: str, content_hash: str | None) -> None:
    """Check a file of any size; errors as of `read_unchanged`. Cost: reads it once."""
    from mmsearch.media.opening import open_regular, unreadable

    with open_regular(path) as file:
        try:
            now = blake2_stream(file)
        except OSError as error:
            raise unreadable(path, error) from error
    _require(now == content_hash, path)


def _require(same: bool, path: str) -> None:
    if not same:
        raise FileUnreadable(
            f"{os.path.basename(path)} has changed since it was indexed.", remedy="Run `mmsearch index` first."
        )
