"""Captions that lie beside one media file: `photo.txt`, `photo.jpg.json` and the like."""

import os
from collections.abc import Callable, Iterator, Sequence

from mmsearch.media.probe import MEDIA_ENDINGS, modality_of

Exists = Callable[[str], bool]
"""Says whether there is a file at an absolute path."""

CAPTION_KEYS = ("caption", "captions", "text", "description", "title", "alt", "comment", "keywords", "tags")
"""The keys under which captions are looked for, in a sidecar or in a table."""

# Google Takeout writes photo.jpg.supplemental-metadata.json, and cuts the middle part short in long names.
_TAKEOUT = "supplemental-metadata"


def described_by(path: str, exists: Exists) -> str | None:
    """Find the media file that a file of captions lies beside.

    `photo.jpg.txt` belongs to `photo.jpg`; `photo.txt` to the first of `photo.jpg`, `photo.jpeg`, ...

    Args:
        path: Absolute path of the captions.
        exists: Asked about absolute paths in the same folder.
    """
    stem = os.path.splitext(path)[0]
    whole, _, added = stem.rpartition(".")
    for name in (stem, whole) if _TAKEOUT.startswith(added) else (stem,):
        if is_media(name) and exists(name):
            return name
    return next((name for name in _with_media_endings(stem) if exists(name)), None)


def is_media(path: str) -> bool:
    """Say whether a path names a picture, a sound or a video."""
    return modality_of(path) in ("image", "audio", "video")


def captions_in(record: object, *, file_name: str = "", keys: Sequence[str] = CAPTION_KEYS) -> Iterator[str]:
    """Yield the captions in one JSON object or table row, best known key first; each only once.

    Args:
        record: Anything that JSON can hold; only objects have captions.
        file_name: Not taken for a caption: Google Takeout writes it under "title".
        keys: Where to look, in lower case.
    """
    if not isinstance(record, dict):
        return
    lowered = {str(key).strip().lower(): value for key, value in record.items()}
    seen = {"", file_name}
    for key in keys:
        for caption in _strings(lowered.get(key), joined=key in ("keywords", "tags")):
            if caption not in seen:
                seen.add(caption)
                yield caption


def _strings(value: object, *, joined: bool) -> list[str]:
    """Return the string, or the strings of a list; lists of keywords as one."""
    items = value if isinstance(value, list) else [value]
    strings = [cleaned(item) for item in items if isinstance(item, str)]
    return [", ".join(strings)] if joined else strings


def cleaned(text: str) -> str:
    """Strip white space, and what JSON can escape but no text file holds: NULs and halves of surrogate pairs."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode().strip()


def _with_media_endings(stem: str) -> Iterator[str]:
    for ending in MEDIA_ENDINGS:
        yield stem + ending
        yield stem + ending.upper()
