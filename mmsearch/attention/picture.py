"""An explanation as a PNG: the picture once a word with what it found, or the time line of a sound."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmsearch.attention.explanation import Explanation, WordMap
from mmsearch.attention.unchanged import read_unchanged
from mmsearch.config import Limits
from mmsearch.errors import UsageError
from mmsearch.files import write_for_user
from mmsearch.types import ImageInput

MOST_WORDS = 6


def save_picture(explanation: Explanation, path: str | os.PathLike[str], limits: Limits | None = None) -> None:
    """Draw and write; arguments and errors as of `Explanation.save_picture`."""
    target = Path(path).expanduser()
    check_target(target)
    _require_other(target, explanation.path)
    write_for_user(target, drawn(explanation, limits or Limits().for_machine(workers=1)))


def check_target(path: Path) -> None:
    """Check the name of a PNG that is to be written.

    Raises:
        UsageError: It has another ending.
    """
    if path.suffix.lower() != ".png":
        raise UsageError(f"A heat map is written as PNG, not to {path.name!r}.", remedy="Name a file such as heat.png.")


def drawn(explanation: Explanation, limits: Limits) -> bytes:
    """Return the PNG.

    Raises:
        UsageError: The item is a text.
        MediaError: The picture is gone, has changed, or cannot be read.
    """
    maps = [explanation.together, *explanation.strongest(MOST_WORDS)]
    if explanation.frame is not None:
        return _over_picture(explanation, maps, limits)
    if explanation.together.spans:
        return _over_time(explanation, maps)
    raise UsageError(
        "A text has no picture to draw on.", remedy="Leave out -o: what is printed says which words were found."
    )


def _over_picture(explanation: Explanation, maps: Sequence[WordMap], limits: Limits) -> bytes:
    from mmsearch.media.heatmap import PANEL_PX, HeatPanel, heatmap_png
    from mmsearch.media.image import read_image

    frame = explanation.frame
    assert frame is not None
    longer = max(frame.width_px, frame.height_px)
    scale = min(max(longer, PANEL_PX[0]), PANEL_PX[1]) / longer
    size = ImageInput(max(1, round(frame.width_px * scale)), max(1, round(frame.height_px * scale)))
    data = read_unchanged(explanation.path, explanation.content_hash, limits)
    pixels = read_image(data, limits, size).pixels
    panels = [HeatPanel(*_captions(explanation, each), np.array(each.cells)) for each in maps]
    return heatmap_png(pixels, panels, frame.shares)


def _over_time(explanation: Explanation, maps: Sequence[WordMap]) -> bytes:
    from mmsearch.media.heat_chart import HeatRow, heat_chart_png

    spans = explanation.together.spans
    rows = [
        HeatRow(*_captions(explanation, each), [(span.start_s, span.end_s, span.value) for span in each.spans])
        for each in maps
    ]
    return heat_chart_png(rows, spans[0].start_s, spans[-1].end_s)


def _captions(explanation: Explanation, word: WordMap) -> tuple[str, str]:
    """Say what to write above a map, and what if the font lacks the letters."""
    if word is explanation.together:
        return "all words", "all words"
    place = explanation.words.index(word) + 1
    return f"{word.word}  {word.strength:.0%}", f"word {place}  {word.strength:.0%}"


def _require_other(path: Path, item: str) -> None:
    """Refuse to write over the item itself, under whatever name.

    Raises:
        UsageError: It is the same file.
    """
    try:
        same = path.exists() and os.path.samefile(path, item)
    except OSError:  # the item is gone
        same = False
    if same:
        raise UsageError(f"{path} is the item itself.", remedy="Name another file for the heat map.")
