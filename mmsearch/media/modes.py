"""Every pixel layout that Pillow knows, brought to 8-bit colour."""

import numpy as np
import numpy.typing as npt
from PIL import Image

SCALABLE = frozenset({"L", "RGB", "CMYK", "YCbCr"})
"""Layouts that may be scaled before the conversion to RGB: 8-bit samples, no transparency, no palette."""


def scalable(image: Image.Image) -> Image.Image:
    """Bring an image to one of the SCALABLE layouts; transparent parts become white.

    16-bit samples keep their upper byte, or the upper 8 bits of 12 where none has more, as from microscopes
    and X-rays. 32-bit and float samples: see `eight_bits`.
    """
    if image.has_transparency_data:
        # Pillow converts premultiplied grey to plain grey and alpha only.
        image = image.convert("LA") if image.mode == "La" else image
        return _over_white(image.convert("RGBA"))
    if image.mode in SCALABLE:
        return image
    if image.mode.startswith("I;16"):
        samples = np.asarray(image)
        return Image.fromarray((samples >> _spare_bits(samples)).astype(np.uint8))
    if image.mode in ("I", "F"):
        return Image.fromarray(eight_bits(np.asarray(image)))
    return image.convert("L" if image.mode == "1" else "RGB")


def to_rgb(image: Image.Image) -> Image.Image:
    """Bring an image of any layout to RGB, as `scalable` does."""
    image = scalable(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def eight_bits(samples: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """Scale 32-bit or float samples (h, w) to 0..255.

    White is 1.0 (floats only), 255 or 65535, the first of them that no sample exceeds; where samples are
    negative or exceed 65535 nobody can tell, and their range is stretched. NaN is black.
    """
    values: npt.NDArray[np.float32] = np.nan_to_num(samples.astype(np.float32), nan=0.0)
    low, high = float(values.min()), float(values.max())
    whites = (1.0, 255.0, 65535.0) if np.issubdtype(samples.dtype, np.floating) else (255.0, 65535.0)
    white = next((white for white in whites if low >= 0 and high <= white), None)
    if white is None:
        # Halved, because the width of float32's whole range is infinite.
        values = values / np.float32(2) - np.float32(low / 2)
        white = high / 2 - low / 2 or 1.0
    scaled: npt.NDArray[np.uint8] = np.rint(values * np.float32(255 / white)).astype(np.uint8)
    return scaled


def _spare_bits(samples: npt.NDArray[np.generic]) -> int:
    return 4 if np.max(samples) < 1 << 12 else 8


def _over_white(image: Image.Image) -> Image.Image:
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image)
    return white
