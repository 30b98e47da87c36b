"""One door for everything that is read as text: notes, sidecars and tables of captions."""

from mmsearch.config import Limits
from mmsearch.media.captions import read_captions
from mmsearch.media.passages import passages
from mmsearch.media.probe import ending_of, is_captions_file, is_markdown
from mmsearch.media.sidecar import Exists, described_by
from mmsearch.media.text import read_text
from mmsearch.types import MediaInfo, Segment

_MEDIA_TYPES = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
}


def read_document(
    path: str, data: bytes, limits: Limits, exists: Exists
) -> tuple[tuple[Segment, ...], MediaInfo] | None:
    """Read a text file, or a file of captions.

    Args:
        path: Absolute; its ending decides how the content is taken.
        data: The content.
        limits: On bytes and on passages.
        exists: Says whether there is a file at an absolute path in or below the same folder.

    Returns:
        At least one segment, and the media type. None if a .csv, .json or .jsonl file holds no captions:
        skip it, it has not failed.

    Raises:
        MediaError: As `read_text`, `passages` and `read_captions`.
    """
    segments = _segments(path, data, limits, exists)
    if segments is None:
        return None
    return segments, MediaInfo(_MEDIA_TYPES.get(ending_of(path), "text/plain"))


def _segments(path: str, data: bytes, limits: Limits, exists: Exists) -> tuple[Segment, ...] | None:
    if is_captions_file(path):
        return read_captions(path, data, limits, exists)
    text = read_text(data, limits)
    return passages(text, markdown=is_markdown(path), limits=limits, about=described_by(path, exists))
