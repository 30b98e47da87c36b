"""The fields that every file has: their names, what they hold, and what a value for them looks like."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Literal

from mmsearch.where.place import Place
from mmsearch.where.syntax import Field

FieldKind = Literal["text", "choice", "number", "size", "duration", "date"]

MAX_NAME_CHARS = 64

_OTHER_SIGNS = re.compile(r"[^\w.]+")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """What a filter can ask of every file.

    Attributes:
        name: As errors and lists call it.
        kind: What its values are.
        meaning: One line.
        example: A filter that uses it.
        aliases: Other names for it; those of a hit's attributes are among them.
        choices: For a choice, all its values.
        words: Names of the numbers from 1 on; three letters are enough.
    """

    name: str
    kind: FieldKind
    meaning: str
    example: str
    aliases: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


FIELDS: tuple[FieldInfo, ...] = (
    FieldInfo("name", "text", "the file's name with its ending", "name LIKE 'img_%'"),
    FieldInfo("path", "text", "the file's full path", "path GLOB '/photos/*/raw/*'"),
    FieldInfo(
        "folder", "text", "a folder that it lies in or below, by name or full path",
        "folder = 'Italy'",
    ),
    FieldInfo("ext", "text", "the ending of its name, in lower case, without the dot", "ext IN (jpg, heic)"),
    FieldInfo("type", "text", "its media type", "type LIKE 'image/%'", ("media_type",)),
    FieldInfo(
        "modality", "choice", "what kind of file it is", "modality = video", ("kind",),
        choices=("text", "image", "audio", "video"),
    ),
    FieldInfo("size", "size", "its size in bytes", "size > 5MB", ("size_bytes",)),
    FieldInfo("modified", "date", "when the file was changed last", "modified >= yesterday", ("mtime",)),
    FieldInfo("indexed", "date", "when it was indexed last", "indexed = today", ("indexed_at",)),
    FieldInfo("taken", "date", "when it was taken or recorded", "taken BETWEEN 2023-06 AND 2023-08", ("captured_at",)),
    FieldInfo("year", "number", "the year in which it was taken", "year >= 2020"),
    FieldInfo("month", "number", "the month: 1 to 12, or its name", "month IN (june, july)", words=_MONTHS),
    FieldInfo("day", "number", "the day of the month", "day = 24 AND month = 12"),
    FieldInfo("weekday", "number", "1 for Monday to 7, or its name", "weekday IN (sat, sun)", words=_WEEKDAYS),
    FieldInfo("hour", "number", "the hour of the day, 0 to 23", "hour BETWEEN 5 AND 8"),
    FieldInfo("camera", "text", "the camera's make or model", "camera LIKE '%canon%'"),
    FieldInfo("make", "text", "the camera's make", "make = Nikon", ("camera_make",)),
    FieldInfo("model", "text", "the camera's model", "model LIKE 'iPhone 1%'", ("camera_model",)),
    FieldInfo("lat", "number", "the latitude in degrees, north positive", "lat > 66.56", ("latitude", "gps_lat")),
    FieldInfo("lon", "number", "the longitude in degrees, east positive", "lon IS NOT NULL", ("longitude", "gps_lon")),
    FieldInfo("duration", "duration", "how long it plays", "duration < 90s", ("duration_s",)),
    FieldInfo("width", "number", "its width in pixels", "width >= 1920", ("width_px",)),
    FieldInfo("height", "number", "its height in pixels", "height >= 1080", ("height_px",)),
    FieldInfo("pixels", "number", "width times height", "pixels < 100000"),
    FieldInfo("megapixels", "number", "the same in millions", "megapixels >= 12"),
    FieldInfo(
        "orientation", "choice", "its shape", "orientation = portrait", choices=("portrait", "landscape", "square")
    ),
    FieldInfo("language", "text", "a language that is spoken in it, as ISO 639-1", "language IN (de, en)"),
    FieldInfo("text", "text", "what is written or said in it, or in a caption of it", "text LIKE '%invoice%'"),
    FieldInfo("tags", "text", "your tags: any of them", "tag = beach", ("tag", "keyword", "keywords")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PlaceTestInfo:
    """A test of where a file was taken.

    Attributes:
        name: As it is called.
        arguments: What stands between its parentheses.
        meaning: One line.
        example: A filter that uses it.
    """

    name: str
    arguments: str
    meaning: str
    example: str


PLACE_TESTS: tuple[PlaceTestInfo, ...] = (
    PlaceTestInfo(
        "near", "latitude, longitude, distance", "it was taken at most so far from a place", "near(48.137, 11.576, 5km)"
    ),
    PlaceTestInfo(
        "within",
        "latitude, longitude, latitude, longitude",
        "it was taken in the box of two corners",
        "within(47.2, 5.8, 55.1, 15.1)",
    ),
)

BUILTIN_FIELDS: Mapping[str, FieldInfo] = MappingProxyType(
    {name: field for field in FIELDS for name in (field.name, *field.aliases)}
)
"""Every name and alias -> the field. All other names are the user's own fields."""


def normal_name(name: str) -> str:
    """Write a field's name as it is stored: in lower case, with other signs than letters, digits and dots as '_'."""
    return _OTHER_SIGNS.sub("_", unicodedata.normalize("NFKC", name).lower()).strip("_.")


def field_at(name: str, place: Place) -> Field:
    """Return the field of a name or alias, as it stands at a place.

    Raises:
        FilterError: The name is too long, or has no letter or digit.
    """
    stored = normal_name(name[: 4 * MAX_NAME_CHARS])
    if not stored or len(stored) > MAX_NAME_CHARS:
        raise place.error(f"a field has a name of 1 to {MAX_NAME_CHARS} letters and digits")
    info = BUILTIN_FIELDS.get(stored)
    return Field(info.name if info else stored, place)


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return "did you mean ...?" with up to three names that are nearly the same, or nothing."""
    close = get_close_matches(name, sorted(known), n=3, cutoff=0.7)
    return f"; did you mean {' or '.join(repr(each) for each in close)}?" if close else ""
