"""One door for everything that is read as text: notes, sidecars and tables of captions."""

from dataclasses import dataclass

from mmsearch.config import Limits
from mmsearch.media.captions import read_captions
from mmsearch.media.passages import passages
from mmsearch.media.probe import ending_of, is_captions_file, is_markdown
from mmsearch.media.sidecar import Exists, described_by
from mmsearch.media.text import read_text
from mmsearch.types import Fields, MediaInfo, Segment

_MEDIA_TYPES = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
}


@dataclass(frozen=True, slots=True)
class Document:
    """A text file as it was read.

    Attributes:
        segments: Passages, or captions; none if the file has only fields.
        fields: What a sidecar or table says of media files besides captions.
    """

    info: MediaInfo
    segments: tuple[Segment, ...]
    fields: tuple[Fields, ...] = ()


def read_document(path: str, data: bytes, limits: Limits, exists: Exists) -> Document | None:
    """Read a text file, or a file of captions.

    Args:
        path: Absolute; its ending decides how the content is taken.
        data: The content.
        limits: On bytes and on passages.
        exists: Says whether there is a file at an absolute path in or below the same folder.

    Returns:
        None if a .csv, .json or .jsonl file says nothing of media files: skip it, it has not failed.

    Raises:
        MediaError: As `read_text`, `passages` and `read_captions`.
    """
    info = MediaInfo(_MEDIA_TYPES.get(ending_of(path), "text/plain"))
    if is_captions_file(path):
        described = read_captions(path, data, limits, exists)
        return Document(info, described.segments, described.fields) if described else None
    text = read_text(data, limits)
    return Document(info, passages(text, markdown=is_markdown(path), limits=limits, about=described_by(path, exists)))
