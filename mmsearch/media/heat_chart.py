"""Heat along a sound: what a word found when, a row of bars a word."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from mmsearch.media.heat import heat_colours
from mmsearch.media.heatmap import png_of
from mmsearch.media.lettering import drawable, font_of

_WIDTH_PX, _MARGIN_PX = 1_000, 40
_ROW_PX, _CAPTION_PX, _BARS_PX, _AXIS_PX = 110, 34, 64, 40
_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200)
_MOST_TICKS = 16
_GREY, _PALE = (110, 110, 110), (240, 240, 240)

Span = tuple[float, float, float]  # from when to when, in seconds, and how much in [0, 1]


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One word: `otherwise` is drawn if the font lacks letters of the caption."""

    caption: str
    otherwise: str
    spans: Sequence[Span]


def heat_chart_png(rows: Sequence[HeatRow], start_s: float, end_s: float) -> bytes:
    """Draw rows of bars above one axis of time; `end_s` is above `start_s`. Returns a PNG."""
    sheet = Image.new("RGB", (_WIDTH_PX, len(rows) * _ROW_PX + _AXIS_PX), "white")
    pen = ImageDraw.Draw(sheet)
    scale = (_WIDTH_PX - 2 * _MARGIN_PX) / (end_s - start_s)
    for place, row in enumerate(rows):
        top = place * _ROW_PX
        caption = drawable(row.caption, row.otherwise)
        pen.text((_MARGIN_PX, top + _CAPTION_PX // 2), caption, fill="black", font=font_of(20), anchor="lm")
        floor = top + _CAPTION_PX + _BARS_PX
        pen.rectangle((_MARGIN_PX, top + _CAPTION_PX, _WIDTH_PX - _MARGIN_PX, floor), fill=_PALE)
        for start, end, value in row.spans:
            left, right = (_MARGIN_PX + (time - start_s) * scale for time in (start, end))
            colour = tuple(heat_colours(value).tolist())
            if value > 0:
                pen.rectangle((left, floor - value * _BARS_PX, max(right - 1, left), floor), fill=colour)
    _axis(pen, len(rows) * _ROW_PX, start_s, end_s, scale)
    return png_of(sheet)


def heat_strip_png(values: Sequence[float]) -> bytes:
    """Draw values in [0, 1] as one row of pixels, to be stretched: a PNG."""
    return png_of(Image.fromarray(heat_colours([values])))


def _axis(pen: ImageDraw.ImageDraw, top: int, start_s: float, end_s: float, scale: float) -> None:
    length_s = end_s - start_s
    step_s = next((step for step in _STEPS_S if length_s / step <= _MOST_TICKS), length_s)
    for tick in range(int(-(-start_s // step_s)), int(end_s // step_s) + 1):
        x = _MARGIN_PX + (tick * step_s - start_s) * scale
        pen.line((x, top, x, top + 6), fill=_GREY)
        pen.text((x, top + 18), _clock(tick * step_s, step_s), fill=_GREY, font=font_of(14), anchor="mm")


def _clock(seconds: float, step_s: float) -> str:
    if step_s < 1:
        return f"{seconds:.1f} s"
    minutes, left = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{left:02}" if minutes >= 60 else f"{minutes}:{left:02}"
