"""Picture files to pixels: limits first, then the cheapest way to upright 8-bit RGB of the wanted size."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

from mmsearch.config import Limits
from mmsearch.errors import MediaTooLarge
from mmsearch.media.decoding import decoding
from mmsearch.media.exif import read_exif
from mmsearch.media.fit import Size, render, turned_size
from mmsearch.media.formats import PictureFormat, declared_size, recognise
from mmsearch.types import ImageInput, MediaInfo, Pixels


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """A picture's pixels, (height, width, 3) uint8 RGB, and what is known about the file."""

    pixels: Pixels
    info: MediaInfo


@dataclass(frozen=True, slots=True)
class OpenedImage:
    """A picture whose header was read and checked against the limits, before any pixel is decoded.

    Attributes:
        orientation: How the stored pixels are turned, as EXIF numbers it.
        info: Its width and height are those of the upright picture.
    """

    image: Image.Image
    orientation: int
    info: MediaInfo


def read_image(data: bytes, limits: Limits, target: ImageInput | None = None) -> DecodedImage:
    """Decode a picture: the first frame, upright, transparent parts white.

    The content decides how it is read, whatever the file is called.

    Args:
        data: The whole file.
        limits: Filled in by `for_machine`.
        target: The size and fit wanted; None gives every pixel.

    Returns:
        Pixels (target.height_px, target.width_px, 3), uint8 RGB, C-contiguous.

    Raises:
        MediaEmpty: There is not one byte.
        MediaTooLarge: More pixels than `limits.max_pixels`, or than memory holds.
        MediaUnsupported: A format or variant that is not read; the remedy says what to do.
        MediaDamaged: Cut short, malformed, or no picture at all.
    """
    form = recognise(data)
    with decoding(form.name):
        opened = open_image(form, data, limits)
        upright = render(opened.image, opened.orientation, target)
        return DecodedImage(np.array(upright), opened.info)


def open_image(form: PictureFormat, data: bytes, limits: Limits) -> OpenedImage:
    """Read the header and the EXIF notes; to be called inside `decoding`."""
    if size := declared_size(data):
        check_pixels(size, limits)
    image = form.open(BytesIO(data))
    check_pixels(image.size, limits)
    if form.name == "PNG":
        image.load()  # its EXIF may come after the pixels
    notes = read_exif(image)
    # Pillow turns TIFFs itself while it decodes them, and gives their size as turned.
    orientation = 1 if form.name == "TIFF" else notes.orientation
    width, height = turned_size(image.size, orientation)
    info = MediaInfo(
        media_type=form.media_type,
        width_px=width,
        height_px=height,
        captured_at=notes.captured_at,
        camera_make=notes.camera_make,
        camera_model=notes.camera_model,
        gps_lat=notes.gps_lat,
        gps_lon=notes.gps_lon,
    )
    return OpenedImage(image, orientation, info)


def check_pixels(size: Size, limits: Limits) -> None:
    """Hold a picture's declared size against the limit.

    Raises:
        MediaTooLarge: It has more pixels than `limits.max_pixels`.
    """
    width, height = size
    if width * height > limits.max_pixels:
        raise MediaTooLarge(
            f"The picture has {width} x {height} pixels; the limit is {limits.max_pixels:,} in all.",
            remedy="Raise limits.max_pixels in mmsearch.toml if you trust the file.",
        )
