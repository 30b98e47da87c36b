"""How an explanation looks on a terminal: a line a word, with where it found something as text and as blocks."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING

from mmsearch.cli.output import counted, plain_table, printable, short_path

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from mmsearch.attention.explanation import Explanation, Frame, Region, Span, WordMap, WordPart

MOST_WORDS = 12
_WORD_CHARS, _PLACES, _LINE_CHARS = 24, 2, 40
_SHADES, _BARS = "·░▒▓█", " ▁▂▃▄▅▆▇█"
_NAMES = (("upper left", "top", "upper right"), ("left", "middle", "right"), ("lower left", "bottom", "lower right"))
_ALL_OVER = 0.8  # of the picture
_NOWHERE = "nowhere in particular"


def pictured(explanation: "Explanation") -> Iterator["RenderableType"]:
    """Lay out what was looked at, the words from the strongest on, and of a passage the text with what was found."""
    from rich.style import Style
    from rich.text import Text

    path = (short_path(explanation.path), Style(link=Path(explanation.path).as_uri()))
    facts = f"  {explanation.modality}, cosine {explanation.cosine:.2f}, as {printable(explanation.model)} sees it"
    yield Text.assemble(path, (facts, "dim"))
    table = plain_table("word", "strength", "where", "")
    words = sorted(explanation.words, key=lambda word: (word.minor, -word.strength))
    for word in [explanation.together, *words[:MOST_WORDS]]:
        table.add_row(
            Text(_named(word, explanation), style="dim" if word.minor else ""),
            f"{word.strength:.0%}",
            where(word, explanation.frame),
            _blocks(word),
        )
    yield table
    if len(words) > MOST_WORDS:
        yield Text(f"and {counted(len(words) - MOST_WORDS, 'weaker word')}", style="dim")
    if explanation.text is not None:
        yield _shaded(explanation.text, explanation.together.parts)


def where(word: "WordMap", frame: "Frame | None") -> str:
    """Say in words where a word found most."""
    if frame is not None:
        places = [_region(region, frame) for region in word.regions[:_PLACES]]
    elif word.spans:
        places = [_span(span) for span in word.best[:_PLACES]]
    else:
        found = sorted((part for part in word.parts if part.value >= 0.5), key=lambda part: -part.value)
        places = [_cut(part.text) for part in found[: _PLACES + 1]]
    return "; ".join(places) or _NOWHERE


def _named(word: "WordMap", explanation: "Explanation") -> str:
    return "all words" if word is explanation.together else _cut(word.word)


def _cut(text: str) -> str:
    return printable(shorten(text, _WORD_CHARS, placeholder=" …") if " " in text else text[:_WORD_CHARS])


def _region(region: "Region", frame: "Frame") -> str:
    share = (region.right - region.left) * (region.bottom - region.top) / (frame.width_px * frame.height_px)
    if share >= _ALL_OVER:
        return "all over"
    row = int(1.5 * (region.top + region.bottom) / frame.height_px)
    column = int(1.5 * (region.left + region.right) / frame.width_px)
    return f"{_NAMES[min(row, 2)][min(column, 2)]}, {share:.0%} of the picture"


def _span(span: "Span") -> str:
    return f"{_clock(span.start_s)}-{_clock(span.end_s)}"


def _clock(time_s: float) -> str:
    minutes, tenths = divmod(round(time_s * 10), 600)
    return f"{minutes}:{tenths // 10:02}" + (f".{tenths % 10}" if tenths % 10 else "")


def _blocks(word: "WordMap") -> str:
    if word.cells:
        return "\n".join("".join(_shade(value, _SHADES) * 2 for value in row) for row in word.cells)
    values = [span.value for span in word.spans]
    step = max(1.0, len(values) / _LINE_CHARS)
    starts = [int(place * step) for place in range(min(len(values), _LINE_CHARS))]
    return "".join(_shade(max(values[start : max(start + 1, int(start + step))]), _BARS) for start in starts)


def _shade(value: float, scale: str) -> str:
    return scale[round(value * (len(scale) - 1))]


def _shaded(text: str, parts: Sequence["WordPart"]) -> "Text":
    """Write a passage, what was found in it bold, and what was found most reversed."""
    from rich.text import Text

    shown, behind = Text("\n"), 0
    for part in parts:
        if part.char_start is None:
            continue
        end = part.char_start + len(part.text)
        style = "bold reverse" if part.value >= 2 / 3 else "bold" if part.value >= 1 / 3 else "dim"
        shown.append(_plain(text[behind : part.char_start]), "dim")
        shown.append(_plain(text[part.char_start : end]), style)
        behind = end
    shown.append(_plain(text[behind:]), "dim")
    return shown


def _plain(text: str) -> str:
    """Make a piece of a text safe to show; unlike `printable_lines`, keep the end of its last line."""
    return "\n".join(printable(line) for line in text.replace("\r\n", "\n").expandtabs(4).split("\n"))
