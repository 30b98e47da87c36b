"""Files of captions: a table that names media of its own folder, or a sidecar of one media file."""

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mmsearch.config import Limits
from mmsearch.errors import MediaDamaged, MediaEmpty, MediaTooLarge
from mmsearch.media.fields import TAG_KEYS, FieldSheet
from mmsearch.media.passages import passages, too_many_passages
from mmsearch.media.probe import ending_of
from mmsearch.media.sidecar import CAPTION_KEYS, Exists, captions_in, described_by, is_media
from mmsearch.media.text import read_text
from mmsearch.types import Fields, Segment

FILE_KEYS = ("file", "filename", "file_name", "path", "image", "image_name", "audio", "video", "name")
"""The keys under which a row may name the media file that it is about."""

MAX_VALUES = 1_000_000  # in one file; the catalog takes a row each
_CAPTIONS_ONLY = frozenset(CAPTION_KEYS) - TAG_KEYS
_DELIMITERS = ",;\t|"

Record = tuple[str, object]  # (absolute path of the media file, what is said of it)


@dataclass(frozen=True, slots=True)
class Described:
    """What a sidecar or table says of media files; one of the two is not empty.

    Attributes:
        segments: One a caption (long captions: one a passage), `about` its media file; spans count in the caption
            itself.
        fields: What else it says.
    """

    segments: tuple[Segment, ...]
    fields: tuple[Fields, ...]


def read_captions(path: str, data: bytes, limits: Limits, exists: Exists) -> Described | None:
    """Read a .csv, .json or .jsonl file if it holds captions, or other fields of media files.

    It does if it lies beside a media file of the same name and says something of it, or if it names media files in or
    below its own folder and says something of them. Files that are not there, or lie outside the folder, are passed
    over.

    Args:
        path: Absolute; its ending says how the content is laid out.
        data: The content.
        limits: On bytes and on passages.
        exists: Asked about absolute paths in or below the same folder.

    Returns:
        None if the file says nothing of media files: it is then none of mmsearch's business.

    Raises:
        MediaTooLarge: It is larger than `limits.max_text_bytes`, makes too many passages, or has more than
            `MAX_VALUES` values.
        MediaDamaged: It lies beside a media file, but is no text or not valid JSON.
        MediaEmpty: It lies beside a media file, but there is nothing in it.
    """
    try:
        text = read_text(data, limits)
    except (MediaDamaged, MediaEmpty):
        if described_by(path, exists):
            raise
        return None
    records = _from_csv(path, text, exists) if ending_of(path) == ".csv" else _from_json(path, text, exists)
    segments: list[Segment] = []
    sheet = FieldSheet()
    for about, record in records:
        segments += _segments(about, record, limits)
        if len(segments) > limits.max_passages:
            raise too_many_passages(limits)
        sheet.add(about, record, without=naming_keys(record) | _CAPTIONS_ONLY)
        if sheet.values > MAX_VALUES:
            raise MediaTooLarge(f"It has more than {MAX_VALUES:,} values.", remedy="Split it into several files.")
    fields = sheet.fields()
    return Described(tuple(segments), fields) if segments or fields else None


def _segments(about: str, record: object, limits: Limits) -> Iterator[Segment]:
    for caption in captions_in(record, file_name=os.path.basename(about)):
        yield from passages(caption, markdown=False, limits=limits, about=about)


def table_of(text: str) -> "csv.DictReader[str]":
    """Read a table with a header, whose columns are parted by commas, semicolons, tabs or bars."""
    # Counted in the header, which a table of captions must have: csv.Sniffer guesses, and slowly.
    delimiter = max(_DELIMITERS, key=text.partition("\n")[0].count)
    return csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)


def named_media(row: object) -> str | None:
    """Return the media file that a row of a table names, as it is written there."""
    if not isinstance(row, dict):
        return None
    lowered = {str(key).strip().lower(): value for key, value in row.items()}
    names = (lowered.get(key) for key in FILE_KEYS)
    return next((name.strip() for name in names if isinstance(name, str) and _may_be_media(name)), None)


def naming_keys(row: object, file: str = "") -> frozenset[str]:
    """Return the keys of a row, in lower case, that name media files, or `file`, rather than say something."""
    texts = ((key, value) for key, value in row.items() if isinstance(value, str)) if isinstance(row, dict) else ()
    named = (str(key).strip().lower() for key, value in texts if value.strip() == file or _may_be_media(value))
    return frozenset(named) & frozenset(FILE_KEYS)


def _may_be_media(name: str) -> bool:
    return is_media(name.strip()) and "\0" not in name


def _from_csv(path: str, text: str, exists: Exists) -> Iterator[Record]:
    try:
        rows = list(table_of(text))
    except csv.Error:
        return iter(())  # no table after all
    return _from_rows(path, rows, exists)


def _from_json(path: str, text: str, exists: Exists) -> Iterator[Record]:
    media = described_by(path, exists)
    try:
        document = _lines(text) if ending_of(path) == ".jsonl" else json.loads(text)
    except (ValueError, RecursionError) as error:
        if media is None:
            return iter(())
        raise MediaDamaged(f"The captions of {os.path.basename(media)} are not valid JSON.") from error
    if media is not None:
        return iter([(media, document)])
    if isinstance(document, dict):
        return _from_rows(path, rows_by_name(document), exists)
    return _from_rows(path, document if isinstance(document, list) else [], exists)


def _lines(text: str) -> list[object]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def rows_by_name(document: dict[str, object]) -> Iterator[dict[str, object]]:
    """Bring {"photo.jpg": "caption" or ["captions"] or {...}} to the shape of a table."""
    for name, value in document.items():
        yield {**value, "file": name} if isinstance(value, dict) else {"file": name, "captions": value}


def _from_rows(path: str, rows: Iterable[object], exists: Exists) -> Iterator[Record]:
    folder = os.path.dirname(path)
    for row in rows:
        media = _named_file(folder, row)
        if media is not None and exists(media):
            yield media, row


def _named_file(folder: str, row: object) -> str | None:
    """Return the media file that a row is about, if it lies in or below the folder."""
    name = named_media(row)
    media = os.path.normpath(os.path.join(folder, name)) if name else ""
    return media if media.startswith(os.path.join(folder, "")) else None
