"""A table of the user's own fields: which file a row is about, and what it says."""

import json
import os
from collections.abc import Iterator

from mmsearch.adapt.pairs import read_named, read_rows
from mmsearch.config import Limits
from mmsearch.errors import UsageError
from mmsearch.media.captions import FILE_KEYS, named_media, naming_keys, rows_by_name
from mmsearch.media.fields import FieldSheet
from mmsearch.media.probe import ending_of
from mmsearch.types import Fields


def read_field_table(path: str | os.PathLike[str], limits: Limits) -> tuple[Fields, ...]:
    """Read the fields of files from a table with a header (.csv, .tsv), JSON lines, or JSON (.json).

    A row names its file under one of `FILE_KEYS`, relative to the table's own folder or absolute; its other keys become
    fields, captions too, named as in sidecars. JSON is a list of such rows, or an object of them by file. Rows about
    one file are merged.

    Args:
        limits: On the bytes of the table.

    Raises:
        UsageError: Another ending, a row that cannot be read or names no file, too many rows, or not one field.
        MediaError: The table is not there, is no text, or is too large.
    """
    name = os.fspath(path)
    folder = os.path.dirname(os.path.abspath(name))
    sheet = FieldSheet()
    for place, row in _rows(name, limits):
        file = _named_file(row)
        if file is None:
            raise UsageError(
                f"{name}, {place}: names no file.", remedy=f"Name the file under one of: {', '.join(FILE_KEYS)}."
            )
        about = os.path.normpath(os.path.join(folder, os.path.expanduser(file)))
        sheet.add(about, row, without=naming_keys(row, file))
    fields = sheet.fields()
    if not fields:
        raise UsageError(f"{name} has no fields.", remedy="Give columns or keys besides the one that names the file.")
    return fields


def _rows(name: str, limits: Limits) -> Iterator[tuple[str, object]]:
    """Yield rows, each with its place in the table."""
    if ending_of(name) != ".json":
        yield from ((f"line {line}", row) for line, row in read_rows(name, limits))
        return
    text = read_named(name, limits)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name}: not valid JSON.", remedy="Mend it.") from error
    rows = rows_by_name(document) if isinstance(document, dict) else document
    if not isinstance(document, dict | list):
        raise UsageError(f"{name}: neither a list nor an object.", remedy="Give a list of objects, one a file.")
    yield from ((f"row {number}", row) for number, row in enumerate(rows, start=1))


def _named_file(row: object) -> str | None:
    """Return the file that a row names: a media file if there is one among several."""
    if not isinstance(row, dict):
        return None
    lowered = {str(key).strip().lower(): value for key, value in row.items()}
    names = [value.strip() for key in FILE_KEYS if isinstance(value := lowered.get(key), str)]
    return next((name for name in (named_media(row), *names) if name and _may_be_a_path(name)), None)


def _may_be_a_path(name: str) -> bool:
    try:
        return b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:  # half a surrogate pair, as JSON can have it
        return False
