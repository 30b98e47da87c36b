"""Heat maps over a picture: what a word found where, a panel a word."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from math import ceil

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from mmsearch.media.heat import heat_colours
from mmsearch.media.lettering import drawable, font_of
from mmsearch.types import Pixels

Box = tuple[float, float, float, float]  # left, top, right, bottom
Size = tuple[int, int]  # (width, height)

PANEL_PX = (256, 512)  # the longer side of the picture on a panel, at least and at most
_CAPTION_PX, _LETTERS_PX, _MARGIN_PX = 34, 20, 12
_NARROWEST_PX = 200  # a caption needs so much
_OPAQUE = (0.25, 0.7)  # where nothing and where most was found: the picture must still be seen below
_UNSEEN = (128, 128, 128, 150)


@dataclass(frozen=True, slots=True)
class HeatPanel:
    """One map.

    Attributes:
        caption: Drawn above it.
        otherwise: What is drawn if the font lacks letters of it.
        cells: (rows, columns) in [0, 1].
    """

    caption: str
    otherwise: str
    cells: npt.NDArray[np.float64]


def heatmap_png(picture: Pixels, panels: Sequence[HeatPanel], covered: Box) -> bytes:
    """Draw maps side by side, each over the picture.

    Args:
        picture: (height, width, 3), with a longer side as `PANEL_PX` says.
        panels: At least one.
        covered: Where the sides of the cells lie, 0 and 1 being those of the picture.

    Returns:
        A PNG; the same input gives the same one.
    """
    height, width = picture.shape[:2]
    columns = min(len(panels), 4 if len(panels) > 6 else 3)
    step_x, step_y = max(width, _NARROWEST_PX) + _MARGIN_PX, height + _CAPTION_PX + _MARGIN_PX
    size = columns * step_x + _MARGIN_PX, ceil(len(panels) / columns) * step_y
    sheet = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(sheet)
    for place, panel in enumerate(panels):
        left, top = _MARGIN_PX + place % columns * step_x, place // columns * step_y
        caption = drawable(panel.caption, panel.otherwise)
        pen.text((left, top + _CAPTION_PX // 2), caption, fill="black", font=font_of(_LETTERS_PX), anchor="lm")
        shown = Image.fromarray(picture).convert("RGBA")
        shown.alpha_composite(_overlay(panel.cells, (width, height), covered))
        sheet.paste(shown.convert("RGB"), (left, top + _CAPTION_PX))
    return png_of(sheet)


def overlay_png(cells: npt.NDArray[np.float64], size: Size, covered: Box) -> bytes:
    """Draw one map by itself, mostly transparent, to be laid over a picture of the same shape: a PNG."""
    return png_of(_overlay(cells, size, covered))


def png_of(image: Image.Image) -> bytes:
    """Encode a drawing."""
    encoded = BytesIO()
    image.save(encoded, "PNG")
    return encoded.getvalue()


def _overlay(cells: npt.NDArray[np.float64], size: Size, covered: Box) -> Image.Image:
    """Spread cells smoothly over a picture of a size, RGBA; what the cells do not cover is grey."""
    left, top, right, bottom = covered
    seen = tuple(round(side * size[axis % 2]) for axis, side in enumerate(np.clip(covered, 0, 1).tolist()))
    wanted = max(1, seen[2] - seen[0]), max(1, seen[3] - seen[1])
    rows, columns = cells.shape
    x = [(side - left) / (right - left) * columns for side in (max(left, 0), min(right, 1))]
    y = [(side - top) / (bottom - top) * rows for side in (max(top, 0), min(bottom, 1))]
    small = Image.fromarray(cells.astype(np.float32))
    values = np.asarray(small.resize(wanted, Image.Resampling.BILINEAR, box=(x[0], y[0], x[1], y[1])))
    alpha = np.interp(values, (0, 1), _OPAQUE) * 255
    drawn = Image.new("RGBA", size, (0, 0, 0, 0) if wanted == size else _UNSEEN)
    drawn.paste(Image.fromarray(np.dstack([heat_colours(values), alpha.astype(np.uint8)])), seen[:2])
    return drawn
