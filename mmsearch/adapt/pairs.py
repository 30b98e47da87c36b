"""The user's pairs: a table of media files with what is said of them."""

import csv
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mmsearch.config import Limits
from mmsearch.errors import MediaDamaged, MediaEmpty, MediaTooLarge, UsageError
from mmsearch.media.captions import FILE_KEYS, named_media, table_of
from mmsearch.media.probe import ending_of
from mmsearch.media.sidecar import CAPTION_KEYS, captions_in
from mmsearch.media.sources import read_bytes
from mmsearch.media.text import read_text

KEYS = (*CAPTION_KEYS, "label", "labels", "class", "category")
JSON_LINES, TABLES = (".jsonl", ".ndjson"), (".csv", ".tsv")
MAX_ROWS = 200_000
MAX_CAPTIONS = 100  # of one file; more are passed over

Row = tuple[int, object]  # (line number from 1, what it says)


@dataclass(frozen=True, slots=True)
class Pair:
    """A media file, by its absolute path, with at least one caption or label."""

    path: str
    captions: tuple[str, ...]


def read_pairs(path: str | os.PathLike[str], limits: Limits) -> list[Pair]:
    """Read the user's pairs from JSON lines, or from a table with a header (.csv, .tsv).

    A row names its file under one of `FILE_KEYS`, relative to the table's own folder or absolute, and captions or
    labels under any of `KEYS`. Rows about one file are merged; rows that say nothing of theirs are passed over.

    Args:
        limits: On the bytes of the table.

    Returns:
        One pair a file, in order of first mention; captions without repetition.

    Raises:
        UsageError: Another ending, a line that cannot be read or names no media file (with its number), too many
            rows, or not one caption.
        MediaError: The table is not there, is no text, or is too large.
    """
    name = os.fspath(path)
    folder = os.path.dirname(os.path.abspath(name))
    captions: dict[str, dict[str, None]] = {}
    for line, row in read_rows(name, limits):
        media = _media(name, line, row)
        said = dict.fromkeys(captions_in(row, file_name=os.path.basename(media), keys=KEYS))
        captions.setdefault(os.path.normpath(os.path.join(folder, media)), {}).update(said)
    pairs = [Pair(media, tuple(said)[:MAX_CAPTIONS]) for media, said in captions.items() if said]
    if not pairs:
        raise UsageError(f"{name} has no captions.", remedy=f"Give them under one of: {', '.join(KEYS)}.")
    return pairs


def read_rows(name: str, limits: Limits) -> Iterator[Row]:
    """Yield the rows of JSON lines or of a table with a header, each with the number of its line.

    Raises:
        UsageError: Another ending, a line that cannot be read (with its number), or too many rows.
        MediaError: The file is not there, is no text, or is too large.
    """
    rows = _reader_for(name)
    text = read_named(name, limits)
    for number, row in enumerate(rows(name, text)):
        if number == MAX_ROWS:
            raise UsageError(f"{name} has more than {MAX_ROWS:,} rows.", remedy="Give a part of them.")
        yield row


def read_named(name: str, limits: Limits) -> str:
    """Read a text file that the user names.

    Raises:
        MediaError: It is not there, is no text, or is too large; says its name.
    """
    try:
        return read_text(read_bytes(name, limits.max_text_bytes), limits)
    except (MediaDamaged, MediaEmpty, MediaTooLarge) as error:  # which speak of "the file"
        raise type(error)(f"{name}: {error.message}", remedy=error.remedy) from error


def _reader_for(name: str) -> Callable[[str, str], Iterator[Row]]:
    ending = ending_of(name)
    if ending in JSON_LINES:
        return _from_json_lines
    if ending in TABLES:
        return _from_table
    raise UsageError(
        f"{name} is neither JSON lines nor a table.",
        remedy=f"Give a file that ends in {', '.join((*JSON_LINES, *TABLES))}.",
    )


def _from_json_lines(name: str, text: str) -> Iterator[Row]:
    for line, content in enumerate(text.split("\n"), start=1):
        if content.strip():
            try:
                yield line, json.loads(content)
            except (ValueError, RecursionError) as error:
                raise UsageError(f"{name}, line {line}: not valid JSON.", remedy="Mend the line.") from error


def _from_table(name: str, text: str) -> Iterator[Row]:
    table = table_of(text)
    try:
        for row in table:
            yield table.line_num, row
    except csv.Error as error:
        raise UsageError(f"{name}, line {table.line_num + 1}: {error}.", remedy="Mend the line.") from error


def _media(name: str, line: int, row: object) -> str:
    media = named_media(row)
    if media is None:
        raise UsageError(
            f"{name}, line {line}: names no picture, sound or video.",
            remedy=f"Name the file, with its ending, under one of: {', '.join(FILE_KEYS)}.",
        )
    return media
