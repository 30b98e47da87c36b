"""What a picture looks like in 64 bits: a perceptual hash that changes little when the picture is edited a little.

Source: Zauner 2010, "Implementation and Benchmarking of Perceptual Image Hash Functions", section 3.2.1: the lowest
8 x 8 frequencies of a cosine transform, each above their median or not. The package imagehash computes the same, and
brings SciPy and PyWavelets along.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from mmsearch.types import Pixels

Looks = npt.NDArray[np.uint64]  # (n,)

BITS = 64
BLANK = 0  # no other picture has it: in any other, half of the frequencies are above the median
# Contrast in grey levels, root mean square, of what the hash sees. Below it are black frames, empty scans and most
# forms, whose hashes come from noise or from the form and say nothing of what is written.
BLANK_BELOW = 10.0
_SIDE = 8
_MIDDLE = BITS // 2 - 1  # of the frequencies in order, without the mean brightness: their median
_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601


def look_of(pixels: Pixels) -> int:
    """Hash a picture (h, w, 3) of at least 8 x 8 pixels.

    Returns:
        64 bits as a signed integer, as SQLite stores them. BLANK for a picture without structure.

    Guarantees: equal pixels give equal bits; resizing, recompressing and mild changes of light turn few of them.

    Cost: 0.1 ms at 224 x 224.
    """
    low = _low_frequencies(pixels)
    contrast = np.sqrt((low**2).sum() - low[0, 0] ** 2)
    if contrast < BLANK_BELOW:
        return BLANK
    above = low > np.partition(low.ravel()[1:], _MIDDLE)[_MIDDLE]
    return int.from_bytes(np.packbits(above).tobytes(), "big", signed=True)


def as_looks(stored: npt.NDArray[np.int64]) -> Looks:
    """Take signed integers (n,) for the bits that they stand for."""
    return stored.view(np.uint64)


def distances(looks: Looks, look: np.uint64) -> npt.NDArray[np.uint8]:
    """Count the bits in which each of n looks differs from another: (n,), from 0 to 64."""
    return np.asarray(np.bitwise_count(looks ^ look), dtype=np.uint8)


def _low_frequencies(pixels: Pixels) -> npt.NDArray[np.float32]:
    """Return the lowest frequencies (8, 8) of the brightness, scaled so that their squares add up to its variance."""
    height, width, _ = pixels.shape
    rows = pixels.astype(np.float32).reshape(height, width * 3)
    vertical = (_cosines(height) @ rows).reshape(_SIDE, width, 3) @ _GREY
    return np.asarray(vertical @ _cosines(width).T, dtype=np.float32)


@lru_cache(maxsize=8)
def _cosines(length: int) -> npt.NDArray[np.float32]:
    """Return the lowest waves of the orthogonal cosine transform (DCT-II), (8, length), over the root of the length."""
    wave, place = np.arange(_SIDE)[:, None], np.arange(length)[None]
    waves = np.cos(np.pi * wave * (2 * place + 1) / (2 * length)) * np.sqrt(2) / length
    waves[0] = 1 / length
    return np.asarray(waves, dtype=np.float32)
