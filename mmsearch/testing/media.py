"""Makers of tiny media files, well formed and not, for tests of plug-ins and of mmsearch itself."""

import struct
import wave
import zlib
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsearch.types import Pixels

if TYPE_CHECKING:
    from PIL import Image

Colour = str | tuple[int, ...]
Degrees = tuple[float, float, float]  # degrees, minutes, seconds

# EXIF orientation -> what a camera held that way does to the upright picture before it stores it.
_STORED: dict[int, tuple[int, bool]] = {
    # orientation: (quarter turns to the left, then mirrored left to right)
    1: (0, False),
    2: (0, True),
    3: (2, False),
    4: (2, True),
    5: (3, True),
    6: (1, False),
    7: (1, True),
    8: (3, False),
}


def four_colours(width_px: int = 64, height_px: int = 48) -> Pixels:
    """Make a picture that shows how it is turned: red, green / blue, white quarters."""
    pixels = np.zeros((height_px, width_px, 3), np.uint8)
    middle_x, middle_y = width_px // 2, height_px // 2
    pixels[:middle_y, :middle_x] = (255, 0, 0)
    pixels[:middle_y, middle_x:] = (0, 255, 0)
    pixels[middle_y:, :middle_x] = (0, 0, 255)
    pixels[middle_y:, middle_x:] = (255, 255, 255)
    return pixels


def write_image(
    path: Path,
    content: Colour | Pixels = "red",
    size: tuple[int, int] = (64, 48),
    *,
    mode: str = "RGB",
    exif: "Image.Exif | None" = None,
    **options: Any,  # noqa: ANN401 - whatever the writers of Pillow take
) -> Path:
    """Write a picture in the format of the path's ending.

    Args:
        path: Where to.
        content: A colour in that mode, or RGB pixels (h, w, 3).
        size: (width, height), for a colour.
        mode: Pillow's name of the pixel layout: "L", "CMYK", "RGBA", "I;16", ...
        exif: What `exif_notes` gives.
        **options: For the format's writer, such as quality=95.
    """
    from PIL import Image

    image = Image.fromarray(content) if isinstance(content, np.ndarray) else Image.new(mode, size, content)
    image = image if image.mode == mode else image.convert(mode)
    extra = options if exif is None else {**options, "exif": exif}
    image.save(path, **extra)
    return path


def write_turned(path: Path, upright: Pixels, orientation: int) -> Path:
    """Write a picture as a camera that is held otherwise stores it: turned, with the EXIF note to undo it."""
    turns, mirrored = _STORED[orientation]
    stored = np.rot90(upright, turns)
    stored = np.ascontiguousarray(stored[:, ::-1] if mirrored else stored)
    return write_image(path, stored, exif=exif_notes(orientation=orientation))


def exif_notes(
    *,
    orientation: int | None = None,
    taken: str | None = None,
    offset: str | None = None,
    make: str | None = None,
    model: str | None = None,
    gps: tuple[str, Degrees, str, Degrees] | None = None,
) -> "Image.Exif":
    """Make what a camera writes beside the pixels.

    Args:
        orientation: 1 to 8.
        taken: As "2021:05:04 10:20:30".
        offset: From UTC, as "+02:00".
        make: Of the camera.
        model: Of the camera.
        gps: As ("N", (48, 8, 14.5), "E", (11, 34, 31.5)).
    """
    from PIL import Image
    from PIL.ExifTags import GPS, IFD, Base

    notes = Image.Exif()
    plain = {Base.Orientation: orientation, Base.Make: make, Base.Model: model}
    photo = {Base.DateTimeOriginal: taken, Base.OffsetTimeOriginal: offset}
    notes.update({tag: value for tag, value in plain.items() if value is not None})
    notes.get_ifd(IFD.Exif).update({tag: value for tag, value in photo.items() if value is not None})
    if gps:
        tags = (GPS.GPSLatitudeRef, GPS.GPSLatitude, GPS.GPSLongitudeRef, GPS.GPSLongitude)
        notes.get_ifd(IFD.GPSInfo).update(zip(tags, gps, strict=True))
    # Read back, because the TIFF writer passes over blocks that were never in a file.
    written = Image.Exif()
    written.load(notes.tobytes())
    return written


def write_animation(path: Path, colours: Sequence[Colour], size: tuple[int, int] = (32, 24)) -> Path:
    """Write one frame a colour, as GIF, PNG or WebP by the path's ending."""
    from PIL import Image

    first, *others = [Image.new("RGB", size, colour) for colour in colours]
    first.save(path, save_all=True, append_images=others, duration=100)
    return path


def write_truncated(path: Path, keep: float = 0.5) -> Path:
    """Write a picture in the format of the path's ending, of which only a part arrived."""
    from PIL import Image

    whole = BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(whole, Image.registered_extensions()[path.suffix.lower()])
    data = whole.getvalue()
    path.write_bytes(data[: int(len(data) * keep)])
    return path


def write_bomb_png(path: Path, width_px: int = 100_000, height_px: int = 100_000) -> Path:
    """Write a PNG of a few bytes whose header promises billions of pixels."""
    header = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(64))), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


def write_corrupt(path: Path) -> Path:
    """Write bytes that are no media at all, whatever the path is called."""
    path.write_bytes(np.random.default_rng(0).integers(0, 256, 512, dtype=np.uint8).tobytes())
    return path


def write_text(path: Path, text: str = "A dog runs along the beach.\n", encoding: str = "utf-8") -> Path:
    """Write a text file; line ends stay as they are."""
    path.write_bytes(text.encode(encoding))
    return path


def write_wav(path: Path, seconds: float = 0.1, pitch_hz: float = 440.0, rate_hz: int = 8_000) -> Path:
    """Write a sine tone: 16-bit, one channel."""
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    samples = np.round(np.sin(2 * np.pi * pitch_hz * times) * 0x3FFF).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples.tobytes())
    return path
