"""What `explain` answers: for each word of a query, where in an item it found what. Plain values."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from mmsearch.types import Modality

if TYPE_CHECKING:
    from mmsearch.config import Limits


# The fields of a `WordMap` that say where, and the kind of item that has them.
_PLACES: dict[str, Modality] = {
    "cells": "image",
    "regions": "image",
    "spans": "audio",
    "best": "audio",
    "parts": "text",
}


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a picture, in pixels of the upright picture from its upper left corner.

    Attributes:
        right: The column behind the last one, as `bottom` is for rows.
        share: Of all that the word found in the picture, in [0, 1].
    """

    left: int
    top: int
    right: int
    bottom: int
    share: float


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a sound, in seconds from the start of the file.

    Attributes:
        value: How much it spoke for the item; the most that the word found is 1. Of `best` spans, their share of all
            that it found.
    """

    start_s: float
    end_s: float
    value: float


@dataclass(frozen=True, slots=True)
class WordPart:
    """A word of a passage; of a long passage, several neighbouring ones.

    Attributes:
        char_start: Where it begins in the passage; None if the model writes it differently.
        value: As of `Span`.
    """

    text: str
    char_start: int | None
    value: float


@dataclass(frozen=True, slots=True)
class WordMap:
    """Where one word of the query found something.

    Attributes:
        strength: Its share of what all words found together, in [0, 1].
        minor: Whether it is one of the little words that tell nothing by themselves, such as "the".
        cells: Of a picture, rows of columns from the upper left, in [0, 1]; the most that the word found is 1.
        regions: Where in the picture it found most, best first.
        spans: Of a sound, in order of time.
        best: Where in the sound it found most, best first.
        parts: Of a passage, in order.
    """

    word: str
    strength: float
    minor: bool = False
    cells: tuple[tuple[float, ...], ...] = ()
    regions: tuple[Region, ...] = ()
    spans: tuple[Span, ...] = ()
    best: tuple[Span, ...] = ()
    parts: tuple[WordPart, ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the cells of a picture lie.

    Attributes:
        width_px: Of the upright picture, as `height_px`.
        covered: Left, top, right and bottom of the cells together, in pixels of the picture: within it if the model
            sees only its middle, beyond its sides if it sees it with margins.
    """

    width_px: int
    height_px: int
    covered: tuple[float, float, float, float]

    @property
    def shares(self) -> tuple[float, float, float, float]:
        """The same where 0 and 1 are the sides of the picture."""
        left, top, right, bottom = self.covered
        return left / self.width_px, top / self.height_px, right / self.width_px, bottom / self.height_px


@dataclass(frozen=True, slots=True)
class Explanation:
    """Which parts of an item spoke for it, for each word of a query.

    Attributes:
        path: Of the file.
        id: Of the segment that was looked at; of several, the one nearest to the query.
        modality: Of what was looked at; for the sound of a video, "audio".
        model: The re-ranker that looked.
        cosine: Between the query and the segment, in [-1, 1].
        score: What the re-ranker gives it, to be compared with other scores of the same query and kind only; None if
            it cannot tell.
        words: In order of the query.
        together: All words at once; its word is the whole query.
        start_s: From when on the sound was looked at; None unless it is one.
        end_s: To when; pieces between may have been left out of a long sound.
        text: Of a passage.
        frame: Of a picture.
        content_hash: Of the file when it was indexed.
    """

    query: str
    path: str
    id: int
    modality: Modality
    model: str
    cosine: float
    score: float | None
    words: tuple[WordMap, ...]
    together: WordMap
    start_s: float | None = None
    end_s: float | None = None
    text: str | None = None
    frame: Frame | None = None
    content_hash: str = field(default="", repr=False)

    def strongest(self, most: int | None = None) -> list[WordMap]:
        """Return the words that tell something, strongest first; if there are none, the others."""
        telling = [word for word in self.words if not word.minor] or list(self.words)
        return sorted(telling, key=lambda word: -word.strength)[:most]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a JSON object; what is of another kind of item is left out."""
        without = {"content_hash", *_PLACES} - {name for name, kind in _PLACES.items() if kind == self.modality}
        values = {name: value for name, value in asdict(self).items() if name not in without}
        for word in (*values["words"], values["together"]):
            for name in without & word.keys():
                del word[name]
        return {name: value for name, value in values.items() if value is not None or name == "score"}

    def save_picture(self, path: str | os.PathLike[str], *, limits: Limits | None = None) -> None:
        """Write a PNG: the picture once a word with what it found laid over it, or a chart over time of a sound.

        Args:
            path: Ends with .png. A file of that name is replaced, but never the item itself.
            limits: On what is decoded; by default those of this machine.

        Raises:
            UsageError: The path has another ending, is the item itself, or the item is a text.
            MediaError: The picture cannot be read any more, or has changed since it was indexed.
            StorageError: The PNG cannot be written.
        """
        from mmsearch.attention.picture import save_picture

        save_picture(self, path, limits)
