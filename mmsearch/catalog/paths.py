"""How paths are stored: SQLite keeps text as UTF-8, but a file name may be any bytes."""

import os
from urllib.parse import quote, unquote_to_bytes

import sqlalchemy as sa

_BYTES = "bytes:"  # an absolute path never begins so


def encode_path(path: str) -> str:
    """Write a path as text that can be stored.

    Returns:
        The path itself, or "bytes:" and its percent-quoted bytes if it is not valid Unicode. Either
        way a folder's encoding with its separator is a prefix of the encoding of all that lies below.
    """
    if _is_unicode(path) and not path.startswith(_BYTES):
        return path
    return _quote_path(path)


def decode_path(stored: str) -> str:
    """Undo `encode_path`."""
    if not stored.startswith(_BYTES):
        return stored
    return os.fsdecode(unquote_to_bytes(stored.removeprefix(_BYTES)))


def is_below(path: str, top: str) -> bool:
    """Tell whether a path is another one or lies below it."""
    return path == top or path.startswith(top.rstrip(os.sep) + os.sep)


def subtree_ranges(path: str) -> list[tuple[str, str]]:
    """Return half-open ranges [low, high) of stored paths: `path` itself and all that lies below it.

    Ranges, because a LIKE pattern would read wildcards in names and cannot use the index.
    """
    exact = encode_path(path)
    folder = path.rstrip(os.sep) + os.sep
    prefixes = {encode_path(folder), _quote_path(folder)}
    below = [(prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1)) for prefix in sorted(prefixes)]
    return [(exact, exact + "\0"), *below]


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _quote_path(path: str) -> str:
    return _BYTES + quote(os.fsencode(path))


class PathText(sa.TypeDecorator[str]):
    """An absolute path, surrogate-escaped where its bytes are not UTF-8."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """Encode."""
        return None if value is None else encode_path(value)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """Decode."""
        return None if value is None else decode_path(value)
