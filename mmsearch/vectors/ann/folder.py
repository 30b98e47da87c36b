"""The files of an index in one folder, but for rows and structure: ids, what is gone, details."""

from collections.abc import Iterable
from pathlib import Path

from mmsearch.errors import CollectionDamaged
from mmsearch.files import storage_errors
from mmsearch.types import Ids, Vectors
from mmsearch.vectors.ann.rows import MappedRows
from mmsearch.vectors.array_files import write_array
from mmsearch.vectors.index_files import DETAILS, GONE, IDS, MOST_DETAILS_BYTES, ROWS
from mmsearch.vectors.plan import IndexDetails
from mmsearch.vectors.reading import open_stored


def write_parts(
    folder: Path, *, ids: Ids, gone: Ids, pieces: Iterable[Vectors], details: IndexDetails, dim: int
) -> MappedRows:
    """Write everything but the structure, and map the rows.

    Args:
        folder: Made if it is not there.
        ids: (n,), sorted.
        gone: Those of them (m,), sorted, that are removed.
        pieces: The unit rows of all ids, in their order; one piece is in memory at a time.
        details: How it is built.
        dim: Of the rows.

    Raises:
        StorageError: The disk is full or the folder cannot be written.
    """
    with storage_errors(f"write {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
        write_array(folder / IDS, ids)
        write_array(folder / GONE, gone)
        MappedRows.write(folder / ROWS, pieces, count=len(ids), dim=dim, half=details.recipe.half)
    write_details(folder, details)
    return MappedRows.open(folder / ROWS, count=len(ids), dim=dim, half=details.recipe.half)


def write_details(folder: Path, details: IndexDetails) -> None:
    """Write the details anew, as after tuning.

    Raises:
        StorageError: The disk is full or the folder cannot be written.
    """
    with storage_errors(f"write {folder / DETAILS}"):
        (folder / DETAILS).write_text(details.to_json(), encoding="utf-8")


def read_details(folder: Path) -> IndexDetails:
    """Read the details.

    Raises:
        CollectionDamaged: They are missing or are none.
    """
    path = folder / DETAILS
    with open_stored(path) as file:
        data = file.read(MOST_DETAILS_BYTES + 1)
    if len(data) > MOST_DETAILS_BYTES:
        raise CollectionDamaged(f"{path} is too large.")
    try:
        return IndexDetails.from_json(data.decode("utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise CollectionDamaged(f"{path} is not text.") from error
