"""Small JPEGs of pictures, for result pages."""

import os
from io import BytesIO

from mmsearch.config import Limits
from mmsearch.media.decoding import decoding
from mmsearch.media.fit import render
from mmsearch.media.formats import recognise
from mmsearch.media.image import OpenedImage, open_image
from mmsearch.media.probe import check_supported
from mmsearch.media.sources import read_bytes
from mmsearch.types import ImageInput

_JPEG_QUALITY = 82


def thumbnail_jpeg(path: str | os.PathLike[str], limits: Limits, size_px: int = 256) -> bytes:
    """Make a small JPEG of a picture: upright, of the same shape, never larger than the picture itself.

    It holds pixels only: none of the original's EXIF, so no place and no camera.

    Args:
        path: A file in any format that `read_image` reads.
        limits: Filled in by `for_machine`.
        size_px: The most it is wide and high.

    Raises:
        MediaError: As `read_image` and `read_bytes`.
    """
    check_supported(os.fspath(path))
    data = read_bytes(path, limits.max_file_bytes)
    form = recognise(data)
    with decoding(form.name):
        opened = open_image(form, data, limits)
        small = render(opened.image, opened.orientation, _inside(opened, size_px))
        small.info.clear()
        encoded = BytesIO()
        small.save(encoded, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return encoded.getvalue()


def _inside(opened: OpenedImage, size_px: int) -> ImageInput:
    """Return the largest size of the same shape that fits a square, and no larger than the picture."""
    width, height = opened.info.width_px or 1, opened.info.height_px or 1
    scale = min(1.0, size_px / max(width, height))
    return ImageInput(max(1, round(width * scale)), max(1, round(height * scale)))
