"""A sheet to draw sample pictures on: plain shapes with simple light, and smooth edges."""

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Point = tuple[float, float]

SIZE_PX = (512, 384)
# Drawn so many times larger and then shrunk: ImageDraw's own edges are jagged.
_OVERSAMPLING = 3
_BALL_STEPS = 60


class Canvas:
    """Shapes in units of a 512 x 384 picture, with simple light on them."""

    def __init__(self) -> None:
        from PIL import Image

        size = SIZE_PX[0] * _OVERSAMPLING, SIZE_PX[1] * _OVERSAMPLING
        self._image = Image.new("RGB", size)

    def finished(self) -> "Image.Image":
        """Return what was drawn, RGB."""
        from PIL import Image

        return self._image.resize(SIZE_PX, Image.Resampling.BOX)

    @property
    def _pen(self) -> "ImageDraw.ImageDraw":
        from PIL import ImageDraw

        return ImageDraw.Draw(self._image)

    def backdrop(self, top: Colour, bottom: Colour, start: float = 0, end: float = 384) -> None:
        """Fill the rows from `start` to `end` with colours that run from top to bottom."""
        from PIL import Image

        rows = round((end - start) * _OVERSAMPLING)
        ramp = np.linspace(top, bottom, rows).astype(np.uint8)[:, None].repeat(self._image.width, axis=1)
        self._image.paste(Image.fromarray(ramp), (0, round(start * _OVERSAMPLING)))

    def polygon(self, points: list[Point], colour: Colour) -> None:
        """Fill a polygon."""
        self._pen.polygon([(x * _OVERSAMPLING, y * _OVERSAMPLING) for x, y in points], fill=colour)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour, round_: float = 0) -> None:
        """Fill a rectangle, with round corners if wanted."""
        corners = [side * _OVERSAMPLING for side in (left, top, right, bottom)]
        self._pen.rounded_rectangle(corners, round_ * _OVERSAMPLING, fill=colour)

    def oval(self, centre: Point, radius_x: float, radius_y: float, colour: Colour) -> None:
        """Fill an upright ellipse."""
        x, y = centre
        sides = (x - radius_x, y - radius_y, x + radius_x, y + radius_y)
        self._pen.ellipse([side * _OVERSAMPLING for side in sides], fill=colour)

    def line(self, points: list[Point], colour: Colour, width: float) -> None:
        """Draw a line through points."""
        scaled = [(x * _OVERSAMPLING, y * _OVERSAMPLING) for x, y in points]
        self._pen.line(scaled, fill=colour, width=round(width * _OVERSAMPLING), joint="curve")

    def ball(self, centre: Point, radius_x: float, radius_y: float, light: Colour, dark: Colour) -> None:
        """Fill an ellipse that is lit from the upper left."""
        for step in range(_BALL_STEPS):
            part = step / _BALL_STEPS
            colour = tuple(round(low + (high - low) * part**0.8) for low, high in zip(dark, light, strict=True))
            shift = 0.3 * part
            middle = centre[0] - radius_x * shift, centre[1] - radius_y * shift
            self.oval(middle, radius_x * (1 - part), radius_y * (1 - part), (colour[0], colour[1], colour[2]))


def around(centre: Point, radius: float, degrees: float) -> Point:
    """Return a point on a circle; 0 degrees is up, and it goes clockwise."""
    angle = math.radians(degrees)
    return centre[0] + radius * math.sin(angle), centre[1] - radius * math.cos(angle)
