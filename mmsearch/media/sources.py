"""Where the bytes of one picture come from: a file, or whatever a Python caller hands over."""

import os
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from mmsearch.config import Limits
from mmsearch.errors import MediaEmpty, MediaTooLarge, UsageError
from mmsearch.media.decoding import decoding
from mmsearch.media.exif import read_exif
from mmsearch.media.fit import render
from mmsearch.media.image import check_pixels, read_image
from mmsearch.media.opening import open_regular, unreadable
from mmsearch.media.probe import check_supported
from mmsearch.types import ImageInput, Pixels

ImageSource: TypeAlias = str | os.PathLike[str] | bytes | Image.Image | npt.NDArray[np.generic]


def read_bytes(path: str | os.PathLike[str], max_bytes: int) -> bytes:
    """Read a whole file.

    Raises:
        FileUnreadable: It is not there, not a regular file, or may not be read.
        MediaTooLarge: It has more than `max_bytes`.
    """
    with open_regular(path) as file:
        try:
            found = os.fstat(file.fileno())
            data = file.read(max_bytes + 1)
        except OSError as error:
            raise unreadable(path, error) from error
    if len(data) > max_bytes:
        raise MediaTooLarge(
            f"The file has {max(found.st_size, len(data)):,} bytes; the limit is {max_bytes:,}.",
            remedy="Raise limits.max_file_bytes in mmsearch.toml if you trust the file.",
        )
    return data


def image_from(source: ImageSource, limits: Limits, target: ImageInput | None = None) -> Pixels:
    """Make pixels from a path, the bytes of a picture file, a PIL image or an array.

    Args:
        source: Arrays are (h, w), (h, w, 3) or (h, w, 4), uint8 or float in [0, 1].
        limits: Filled in by `for_machine`.
        target: The size and fit wanted; None gives every pixel.

    Returns:
        Pixels (target.height_px, target.width_px, 3), uint8 RGB, C-contiguous.

    Raises:
        UsageError: The source is of none of these types, or an array of another shape or range.
        MediaError: As `read_image` and `read_bytes`.
    """
    if isinstance(source, str | os.PathLike):
        path = os.path.expanduser(source)
        check_supported(path)
        return read_image(read_bytes(path, limits.max_file_bytes), limits, target).pixels
    if isinstance(source, bytes):
        return read_image(source, limits, target).pixels
    if isinstance(source, np.ndarray):
        return _from_pil(Image.fromarray(_as_bytes(source)), limits, target)
    if isinstance(source, Image.Image):
        return _from_pil(source, limits, target)
    raise UsageError(
        f"An image cannot be made from {type(source).__name__}.",
        remedy="Give a path, the bytes of a file, a PIL image or a numpy array.",
    )


def _from_pil(image: Image.Image, limits: Limits, target: ImageInput | None) -> Pixels:
    """Render a PIL image without changing it: a copy is scaled, so `draft` cannot shrink the caller's."""
    check_pixels(image.size, limits)
    if not all(image.size):
        raise MediaEmpty("The image has no pixels.")
    with decoding(image.format or "PIL"):
        image.load()
        # A TIFF that is loaded was turned upright by Pillow, and its orientation removed.
        return np.array(render(image.copy(), read_exif(image).orientation, target))


def _as_bytes(array: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """Bring an array to uint8 without changing its shape.

    Raises:
        UsageError: Another shape or type, or values outside [0, 1].
    """
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (3, 4)):
        raise UsageError(
            f"An array of shape {array.shape} is not an image.", remedy="Use (h, w), (h, w, 3) or (h, w, 4)."
        )
    if 0 in array.shape:
        raise MediaEmpty("The image has no pixels.")
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array, dtype=np.uint8)
    if not np.issubdtype(array.dtype, np.floating) or not _in_unit_range(array):
        raise UsageError(
            f"An array of {array.dtype} with such values is not an image.",
            remedy="Use uint8, or floats from 0 to 1.",
        )
    return np.rint(array.astype(np.float32) * 255).astype(np.uint8)


def _in_unit_range(array: npt.NDArray[np.generic]) -> bool:
    values = np.asarray(array, dtype=np.float64)
    return bool(np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1)
