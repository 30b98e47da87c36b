"""Lets one process or thread at a time make and remove generations; others do without and go on."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mmsearch.files import storage_errors


@contextmanager
def build_lock(folder: Path) -> Iterator[bool]:
    """Yield whether nobody else makes an index of the collection in a folder; then it stays so in the block.

    It is another lock than the writer's: a build takes minutes, in which files may be indexed and removed. Numbers of
    generations and temporary folders belong to whoever holds it. The system releases it when the process ends.

    Raises:
        StorageError: The folder cannot be written.
    """
    from filelock import FileLock, Timeout  # 80 ms that a search need not pay

    lock = FileLock(folder / "index.lock", timeout=0)
    with storage_errors(f"write in {folder}"), suppress(Timeout):  # which is an OSError too
        lock.acquire()
    try:
        yield lock.is_locked
    finally:
        lock.release()
