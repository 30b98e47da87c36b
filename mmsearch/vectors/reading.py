"""Open stored files so that what can be wrong with them comes out as our own errors."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from mmsearch.errors import CollectionDamaged, StorageError


@contextmanager
def open_stored(path: Path) -> Iterator[BinaryIO]:
    """Open a file of the collection for reading; errors while the block runs are turned into ours.

    Raises:
        CollectionDamaged: It is missing, or the disk cannot read it.
        StorageError: This user may not read it: a matter of permissions, not of damage.
    """
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError as error:
        raise CollectionDamaged(f"{path} is missing.") from error
    except PermissionError as error:
        raise StorageError(f"Cannot read {path}.", remedy="Check its permissions.") from error
    except OSError as error:
        raise CollectionDamaged(f"Cannot read {path}: {error.strerror or error}.") from error


def size_of(file: BinaryIO) -> int:
    """Size of an open file in bytes."""
    return os.fstat(file.fileno()).st_size
