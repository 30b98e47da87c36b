"""What a camera wrote beside the pixels: when, with what, where. Nothing in it is trusted."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from PIL.ExifTags import GPS, IFD, Base
from PIL.Image import Exif, Image

from mmsearch.media.decoding import FAULTS

_MAX_CHARS = 200
_OFFSET = re.compile(r"[+-](0\d|1[0-4]):[0-5]\d")

Tags = Mapping[int, object]


@dataclass(frozen=True, slots=True)
class CameraNotes:
    """What EXIF says about a picture; None where it says nothing credible.

    Attributes:
        orientation: 1 to 8, as EXIF numbers them; 1 is upright.
        captured_at: ISO 8601; with an offset only if the camera recorded one.
        gps_lat: Degrees, north positive.
        gps_lon: Degrees, east positive.
    """

    orientation: int = 1
    captured_at: str | None = None
    camera_make: str | None = None
    camera_model: str | None = None
    gps_lat: float | None = None
    gps_lon: float | None = None


def read_exif(image: Image) -> CameraNotes:
    """Read the notes of an opened image, without decoding its pixels (save for PNG, where they come last).

    Never raises on account of what is in them: damaged parts are left out.
    """
    tags = _tags(image)
    photo, gps = _block(tags, IFD.Exif), _block(tags, IFD.GPSInfo)
    taken = _time(photo.get(Base.DateTimeOriginal), photo.get(Base.OffsetTimeOriginal))
    changed = _time(tags.get(Base.DateTime), photo.get(Base.OffsetTime))
    lat = _degrees(gps.get(GPS.GPSLatitude), gps.get(GPS.GPSLatitudeRef), "N", "S", 90)
    lon = _degrees(gps.get(GPS.GPSLongitude), gps.get(GPS.GPSLongitudeRef), "E", "W", 180)
    place = (lat, lon) if lat is not None and lon is not None else (None, None)
    return CameraNotes(
        orientation=_orientation(tags.get(Base.Orientation)),
        captured_at=taken or changed,
        camera_make=_text(tags.get(Base.Make)),
        camera_model=_text(tags.get(Base.Model)),
        gps_lat=place[0],
        gps_lon=place[1],
    )


def _tags(image: Image) -> Exif:
    try:
        return image.getexif()
    except FAULTS:
        return Exif()


def _block(tags: Exif, block: IFD) -> Tags:
    try:
        return dict(tags.get_ifd(block))
    except FAULTS:
        return {}


def _orientation(value: object) -> int:
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _text(value: object) -> str | None:
    """Return a string up to its first NUL, printable and at most 200 characters; None if nothing is left."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return None
    printable = "".join(char for char in value.partition("\0")[0][: 2 * _MAX_CHARS] if char.isprintable())
    return printable.strip()[:_MAX_CHARS] or None


def _time(value: object, offset: object) -> str | None:
    """Turn "2021:05:04 10:20:30" into ISO 8601; impossible dates, such as a camera's zeros, are None."""
    try:
        time = datetime.strptime(_text(value) or "", "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None
    zone = _text(offset) or ""
    return time.isoformat() + (zone if _OFFSET.fullmatch(zone) else "")


def _degrees(value: object, side: object, plus: str, minus: str, limit: float) -> float | None:
    """Turn (degrees, minutes, seconds) and a side such as "S" into signed degrees, to about a centimetre."""
    sign = {plus: 1, minus: -1}.get((_text(side) or "").upper())
    if sign is None or not isinstance(value, tuple) or not 1 <= len(value) <= 3:
        return None
    try:
        degrees = sum(float(part) / 60**place for place, part in enumerate(value))
    except (TypeError, ValueError, ArithmeticError):
        return None
    # A denominator of zero comes out as NaN; comparisons with it are false.
    return round(sign * degrees, 7) if math.isfinite(degrees) and 0 <= degrees <= limit else None
