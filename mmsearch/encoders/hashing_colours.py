"""What the hashing encoder sees: which share of a picture has which shade, and how bright each of its cells is."""

import numpy as np
import numpy.typing as npt

from mmsearch.types import PixelBatch

SIDE_PX = 32
GRID = 4  # cells a side

# Several shades a name: the nearest one names the pixel.
PALETTE: tuple[tuple[str, tuple[int, int, int]], ...] = (
    ("red", (255, 0, 0)),
    ("red", (160, 20, 20)),
    ("green", (0, 255, 0)),
    ("green", (0, 128, 0)),
    ("green", (30, 80, 40)),
    ("blue", (0, 0, 255)),
    ("blue", (0, 0, 128)),
    ("blue", (110, 170, 240)),
    ("yellow", (255, 255, 0)),
    ("yellow", (240, 220, 90)),
    ("orange", (255, 165, 0)),
    ("orange", (230, 110, 20)),
    ("purple", (128, 0, 128)),
    ("purple", (150, 80, 200)),
    ("pink", (255, 192, 203)),
    ("pink", (255, 105, 180)),
    ("brown", (165, 42, 42)),
    ("brown", (110, 70, 40)),
    ("black", (0, 0, 0)),
    ("white", (255, 255, 255)),
    ("gray", (128, 128, 128)),
    ("gray", (200, 200, 200)),
)
_SHADES = np.array([rgb for _, rgb in PALETTE], dtype=np.float32)  # (shades, 3)

Shares = npt.NDArray[np.float32]  # (n, shades): they add up to 1


def colour_shares(images: PixelBatch) -> Shares:
    """Count which share of each picture (n, h, w, 3) is nearest to which shade."""
    flat = images.reshape(-1, images.shape[1] * images.shape[2], 3).astype(np.float32)  # (n, pixels, 3)
    # |pixel - shade|^2 without |pixel|^2, which is the same for all shades.
    distances = (_SHADES**2).sum(axis=1) - 2 * flat @ _SHADES.T  # (n, pixels, shades)
    nearest = distances.argmin(axis=2)[:, :, None] == np.arange(len(_SHADES))
    return np.asarray(nearest.mean(axis=1), dtype=np.float32)


def cells(images: PixelBatch) -> PixelBatch:
    """Cut pictures (n, 32, 32, 3) into their cells, row by row from the upper left: (n * 16, 8, 8, 3)."""
    side = SIDE_PX // GRID
    rows = images.reshape(-1, GRID, side, GRID, side, 3)
    return rows.swapaxes(2, 3).reshape(-1, side, side, 3)


def brightness(images: PixelBatch) -> npt.NDArray[np.float32]:
    """Average the luminance of each cell, in [-1, 1]: (n, 32, 32, 3) to (n, 16)."""
    grey = cells(images).mean(axis=(1, 2, 3), dtype=np.float32).reshape(-1, GRID * GRID)
    return np.asarray(grey / 127.5 - 1, dtype=np.float32)
