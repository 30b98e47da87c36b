"""Durable writes and hashing: the only code that replaces a file on disk."""

import hashlib
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from mmsearch.errors import StorageError

_CHUNK_BYTES = 1 << 20


def blake2(data: bytes | memoryview) -> str:
    """Digest for our own records: 32 hexadecimal digits."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def blake2_file(path: str | os.PathLike[str]) -> str:
    """Digest of a file's content, read in pieces: equal to `blake2` of its bytes."""
    digest = hashlib.blake2b(digest_size=16)
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder durable (POSIX; elsewhere a folder cannot be opened)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def storage_errors(what: str) -> Iterator[None]:
    """Turn an OSError while writing into a StorageError that names what was being done."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"Cannot {what}: {error.strerror or error}.") from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is synced and takes the name, else it is removed.

    Guarantees: readers see the old file or the new one, whole; after return the new one survives power loss.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with storage_errors(f"write {path}"):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            with open(temporary, "rb") as file:
                os.fsync(file.fileno())
            os.replace(temporary, path)
            fsync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_durably(path: Path, data: bytes) -> None:
    """Write a small file so that it is either there whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def map_readonly(file: BinaryIO) -> mmap.mmap:
    """Map a whole non-empty file for reading."""
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
