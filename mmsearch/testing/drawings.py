"""A handful of drawn pictures that a small image model recognises: the offline sample collection."""

import math
from collections.abc import Callable
from pathlib import Path

from mmsearch.testing.canvas import Canvas, around

_WHITE, _BLACK = (255, 255, 255), (15, 15, 18)


def draw_samples(folder: Path) -> dict[Path, str]:
    """Draw every sample as a JPEG in a folder that exists.

    Returns:
        The files, each with a line of text that says what is on it.
    """
    drawn = {}
    for name, (text, draw) in SAMPLES.items():
        path = folder / f"{name}.jpg"
        canvas = Canvas()
        draw(canvas)
        canvas.finished().save(path, quality=90)
        drawn[path] = text
    return drawn


def _traffic_light(canvas: Canvas) -> None:
    canvas.backdrop((120, 170, 220), (205, 225, 240))
    canvas.box(246, 300, 266, 384, (70, 72, 75))
    canvas.box(186, 18, 326, 322, (28, 30, 32), 18)
    canvas.box(196, 28, 316, 312, (45, 48, 50), 14)
    lamps = (
        (80, (255, 90, 70), (190, 10, 10)),
        (170, (95, 75, 20), (60, 45, 10)),
        (260, (25, 85, 40), (10, 50, 20)),
    )
    for y, light, dark in lamps:
        canvas.oval((256, y), 44, 44, (12, 12, 12))
        canvas.ball((256, y), 38, 38, light, dark)


def _clock(canvas: Canvas) -> None:
    canvas.backdrop((198, 186, 168), (176, 162, 142))
    centre = (256, 192)
    canvas.oval((264, 202), 172, 172, (140, 126, 108))
    canvas.ball(centre, 170, 170, (110, 78, 48), (66, 42, 24))
    canvas.oval(centre, 148, 148, (250, 248, 240))
    for hour in range(60):
        inner, width = (118, 7) if hour % 5 == 0 else (132, 2)
        canvas.line([around(centre, inner, hour * 6), around(centre, 140, hour * 6)], _BLACK, width)
    canvas.line([around(centre, 18, 125), around(centre, 78, 305)], _BLACK, 11)
    canvas.line([around(centre, 22, 240), around(centre, 118, 60)], _BLACK, 7)
    canvas.oval(centre, 10, 10, (170, 30, 25))


def _balloon(canvas: Canvas) -> None:
    canvas.backdrop((70, 135, 215), (190, 220, 245))
    canvas.backdrop((95, 140, 80), (60, 105, 55), 340)
    canvas.oval((90, 90), 60, 16, (240, 246, 252))
    canvas.oval((430, 140), 70, 18, (240, 246, 252))
    colours = [(214, 48, 40), (250, 190, 40), (214, 48, 40), (250, 190, 40), (225, 70, 50)]
    canvas.polygon([(164, 176), (348, 176), (276, 276), (236, 276)], (190, 40, 34))
    canvas.polygon([(208, 190), (304, 190), (264, 276), (248, 276)], (240, 180, 40))
    for radius, colour in zip((112, 90, 64, 38, 14), colours, strict=True):
        canvas.oval((256, 136), radius, 112, colour)
    for x in (238, 274):
        canvas.line([(x, 274), (256 + (x - 256) * 0.8, 308)], (70, 50, 30), 2)
    canvas.box(238, 306, 274, 332, (132, 88, 46), 4)


def _crossword(canvas: Canvas) -> None:
    canvas.backdrop(_WHITE, (244, 243, 238))
    dark = {
        (0, 4),
        (1, 1),
        (1, 6),
        (2, 3),
        (2, 8),
        (3, 5),
        (4, 0),
        (4, 9),
        (5, 2),
        (5, 6),
        (6, 4),
        (6, 8),
        (7, 1),
    }
    canvas.box(30, 26, 482, 358, _BLACK)
    for row in range(8):
        for column in range(11):
            left, top = 32 + column * 41, 28 + row * 41.2
            colour = _BLACK if (row, column) in dark else (252, 252, 250)
            canvas.box(left, top, left + 38.5, top + 38.8, colour)


def _umbrella(canvas: Canvas) -> None:
    canvas.backdrop((200, 208, 216), (150, 160, 170))
    hook = [around((278, 318), 22, angle) for angle in range(270, 89, -10)]
    canvas.line(hook, (110, 66, 34), 10)
    panels = [(178, 24, 36), (214, 38, 50), (236, 62, 70), (214, 38, 50), (178, 24, 36)]
    for panel, colour in enumerate(panels):
        dome = [around((256, 226), 190, -90 + 36 * panel + step * 3.6) for step in range(11)]
        canvas.polygon([(256, 226), *dome], colour)
    for panel in range(5):
        canvas.oval((104 + 76 * panel, 228), 38, 18, (165, 174, 183))
    canvas.line([(256, 200), (256, 318)], (60, 44, 34), 7)
    canvas.polygon([(252, 40), (260, 40), (256, 18)], (60, 44, 34))


def _candle(canvas: Canvas) -> None:
    canvas.backdrop((14, 10, 12), (38, 24, 18))
    canvas.ball((256, 120), 150, 140, (120, 70, 24), (24, 15, 13))
    canvas.box(214, 176, 298, 352, (232, 214, 178), 8)
    canvas.box(270, 178, 298, 352, (196, 170, 128), 8)
    canvas.oval((256, 178), 42, 12, (250, 236, 200))
    canvas.line([(256, 178), (257, 150)], (40, 28, 24), 4)
    for scale, colour in ((1.0, (250, 140, 30)), (0.75, (255, 200, 70)), (0.45, (255, 245, 200))):
        canvas.oval((256, 130), 22 * scale, 34 * scale, colour)
        canvas.polygon([(256 - 20 * scale, 120), (256 + 20 * scale, 120), (256, 120 - 66 * scale)], colour)
    canvas.oval((256, 352), 92, 18, (120, 92, 50))


def _football(canvas: Canvas) -> None:
    canvas.backdrop((96, 160, 70), (52, 116, 40))
    canvas.oval((270, 326), 140, 26, (34, 80, 28))
    centre = (256, 186)
    canvas.ball(centre, 146, 146, _WHITE, (168, 170, 176))
    canvas.polygon([around(centre, 50, 72 * corner) for corner in range(5)], _BLACK)
    for corner in range(5):
        spoke = 72 * corner
        canvas.line([around(centre, 50, spoke), around(centre, 96, spoke)], _BLACK, 4)
        outer = [(96, 0), (116, -22), (144, -17), (144, 17), (116, 22)]
        canvas.polygon([around(centre, radius, spoke + turn) for radius, turn in outer], _BLACK)
        seam = [
            around(centre, 116, spoke + 22),
            around(centre, 104, spoke + 36),
            around(centre, 116, spoke + 50),
        ]
        canvas.line(seam, _BLACK, 4)


def _sailing_boat(canvas: Canvas) -> None:
    canvas.backdrop((110, 170, 230), (214, 232, 246))
    canvas.backdrop((44, 110, 170), (18, 62, 112), 262)
    for row in range(12):
        y, shift = 272 + row * 10, (row * 67) % 90
        for x in range(-90 + shift, 512, 118):
            canvas.line([(x, y), (x + 40, y)], (84, 148, 200), 2)
    canvas.line([(252, 22), (252, 284)], (92, 66, 44), 6)
    canvas.polygon([(260, 32), (260, 258), (396, 258)], (250, 249, 244))
    canvas.polygon([(244, 52), (244, 258), (146, 258)], (232, 230, 222))
    canvas.polygon([(120, 276), (408, 276), (366, 320), (160, 320)], (134, 46, 34))
    canvas.polygon([(120, 276), (408, 276), (402, 284), (128, 284)], (240, 236, 226))


def _pumpkin(canvas: Canvas) -> None:
    canvas.backdrop((16, 12, 24), (40, 26, 34))
    canvas.oval((256, 350), 190, 22, (10, 8, 10))
    canvas.polygon([(240, 92), (274, 92), (292, 34), (262, 30)], (88, 110, 44))
    for x, radius in ((140, 74), (372, 74), (190, 84), (322, 84), (256, 84)):
        canvas.ball((x, 216), radius, 134, (250, 150, 40), (196, 82, 8))
    glow = (255, 224, 96)
    canvas.polygon([(150, 190), (222, 190), (190, 130)], glow)
    canvas.polygon([(290, 190), (362, 190), (322, 130)], glow)
    canvas.polygon([(238, 226), (274, 226), (256, 196)], glow)
    mouth = [(126, 234), (176, 262), (196, 246), (220, 274), (292, 274), (316, 246), (336, 262), (386, 234)]
    canvas.polygon([*mouth, (346, 304), (290, 328), (276, 306), (236, 306), (222, 328), (166, 304)], glow)


def _daisy(canvas: Canvas) -> None:
    canvas.backdrop((70, 120, 50), (34, 78, 30))
    centre = (256, 192)
    for ring, length in ((0, 176), (7, 168)):
        for petal in range(24):
            angle = petal * 15 + ring
            outline = [(40, 0), (96, -7), (length - 14, -6), (length, 0), (length - 14, 6), (96, 7)]
            shade = (216, 220, 230) if ring == 0 else (252, 252, 255)
            canvas.polygon([around(centre, radius, angle + turn) for radius, turn in outline], shade)
    canvas.ball(centre, 58, 56, (255, 220, 60), (214, 146, 10))
    for seed in range(160):
        spot = around(centre, 4.2 * math.sqrt(seed), seed * 137.5)
        canvas.oval(spot, 2.4, 2.4, (226, 160, 20))


def _envelope(canvas: Canvas) -> None:
    canvas.backdrop((128, 92, 62), (104, 72, 46))
    canvas.box(76, 82, 444, 326, (84, 58, 38), 4)
    canvas.box(68, 72, 436, 316, (244, 236, 218), 4)
    canvas.line([(70, 314), (220, 190)], (200, 188, 164), 3)
    canvas.line([(434, 314), (284, 190)], (200, 188, 164), 3)
    canvas.polygon([(68, 72), (436, 72), (252, 220)], (234, 224, 202))
    canvas.line([(70, 74), (252, 220), (434, 74)], (184, 170, 144), 4)


SAMPLES: dict[str, tuple[str, Callable[[Canvas], None]]] = {
    "traffic-light": ("A traffic light that shows red.", _traffic_light),
    "clock": ("A round wall clock with a wooden frame.", _clock),
    "balloon": ("A hot-air balloon in the blue sky.", _balloon),
    "crossword": ("An empty crossword puzzle.", _crossword),
    "umbrella": ("A red umbrella.", _umbrella),
    "candle": ("A burning candle in the dark.", _candle),
    "football": ("A soccer ball on the grass.", _football),
    "sailing-boat": ("A sailing boat on the sea.", _sailing_boat),
    "pumpkin": ("A carved pumpkin that glows, a jack-o'-lantern.", _pumpkin),
    "daisy": ("A daisy with white petals.", _daisy),
    "envelope": ("A letter in an envelope.", _envelope),
}
"""File name -> what is on the picture, and how it is drawn."""
