"""Durable writes, hashing and the writer's lock: the only code that replaces a file on disk."""

import hashlib
import mmap
import os
import shutil
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from mmsearch.errors import CollectionLocked, StorageError

_CHUNK_BYTES = 1 << 20


def blake2(data: bytes | memoryview) -> str:
    """Digest for our own records: 32 hexadecimal digits."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def blake2_file(path: str | os.PathLike[str]) -> str:
    """Digest of a file's content, read in pieces: equal to `blake2` of its bytes."""
    with open(path, "rb") as file:
        return blake2_stream(file)


def crc32(data: bytes) -> str:
    """CRC-32: 8 hexadecimal digits. Any single damaged byte changes it; somebody who means to can keep it."""
    return f"{zlib.crc32(data):08x}"


def crc32_file(path: str | os.PathLike[str]) -> str:
    """CRC-32 of a file's content, read in pieces at several gigabytes a second: equal to `crc32` of its bytes."""
    checksum = 0
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            checksum = zlib.crc32(chunk, checksum)
    return f"{checksum:08x}"


def blake2_stream(file: BinaryIO, alive: Callable[[], None] = lambda: None) -> str:
    """Digest of what is left to read of an open file; `alive` is called for each piece."""
    digest = hashlib.blake2b(digest_size=16)
    while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
        alive()
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
    temporary = _temporary(path)
    try:
        with storage_errors(f"write {path}"):
            _make_folder(path.parent)
            yield temporary
            _fsync_file(temporary)
            os.replace(temporary, path)
            fsync_folder(path.parent)
    finally:
        with suppress(OSError):  # what kept it from being written must not be hidden by this
            temporary.unlink()


@contextmanager
def making_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty temporary folder beside `folder`; on success its files are synced and it takes the name.

    What had the name before is removed first. Otherwise the temporary folder is removed with all that is in it.

    Guarantees: the folder is there whole or not at all; after return it survives power loss.

    Raises:
        StorageError: The disk is full or cannot be written.
    """
    temporary = _temporary(folder)
    try:
        with storage_errors(f"write {folder}"):
            _make_folder(folder.parent)
            temporary.mkdir()
            yield temporary
            for path in temporary.iterdir():
                _fsync_file(path)
            fsync_folder(temporary)
            remove_tree(folder)
            os.replace(temporary, folder)
            fsync_folder(folder.parent)
    finally:
        with suppress(OSError):
            remove_tree(temporary)


def remove_tree(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, if it is there; links are removed, not followed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")


def _fsync_file(path: Path) -> None:
    with open(path, "r+b") as file:  # Windows syncs only what is open for writing
        os.fsync(file.fileno())


def _make_folder(folder: Path) -> None:
    """Make a folder and what is missing above it, and sync the names of the new ones."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in missing:
        fsync_folder(each.parent)


def write_durably(path: Path, data: bytes) -> None:
    """Write a small file so that it is either there whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_for_user(path: Path, data: bytes) -> None:
    """Write a file that the user names, as `write_durably`; its folder must be there.

    Raises:
        StorageError: It is not, or the file cannot be written.
    """
    require_folder(path)
    write_durably(path.absolute(), data)


def require_folder(path: Path) -> None:
    """Check that the folder of a file to be written is there: one that the user mistyped must not come into being.

    Raises:
        StorageError: It is not.
    """
    folder = path.absolute().parent
    if not folder.is_dir():
        raise StorageError(
            f"Cannot write {path.name}: there is no folder {folder}.", remedy="Make it, or name another."
        )


def map_readonly(file: BinaryIO) -> mmap.mmap:
    """Map a whole non-empty file for reading."""
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


class WriterLock:
    """Lets one process at a time write below a folder. The system releases it when the process ends, however."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        self._holder = folder / "lock.holder"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock for a while.

        Raises:
            CollectionLocked: Another process holds it; says which one and since when.
            StorageError: The folder cannot be written.
        """
        from filelock import FileLock, Timeout  # 80 ms that a search need not pay

        lock = FileLock(self._path, timeout=0)
        with storage_errors(f"write in {self._path.parent}"):
            _make_folder(self._path.parent)
            try:
                lock.acquire()
            except Timeout as error:  # which is an OSError too
                raise CollectionLocked(f"{self._path.parent} is being written by {self._who()}.") from error
        try:
            started = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
            with storage_errors(f"write in {self._path.parent}"):
                self._holder.write_text(f"process {os.getpid()} since {started}", encoding="utf-8")
            yield
        finally:
            self._holder.unlink(missing_ok=True)
            lock.release()

    def _who(self) -> str:
        try:
            return self._holder.read_text(encoding="utf-8")[:200]
        except (OSError, UnicodeDecodeError):
            return "another process"
