"""Words on drawings, in the one font that Pillow brings along. It has little more than the letters of English."""

import unicodedata
from functools import cache

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_LONGEST = 32
_NEVER_DRAWN = "\uffff"  # what stands for a letter that is missing is drawn for this one too


@cache
def font_of(size_px: int) -> Font:
    """Return the font in a size."""
    return ImageFont.load_default(size_px)


def drawable(word: str, otherwise: str) -> str:
    """Return a word as it can be drawn: on one line, cut short, accents left out where they are missing.

    Args:
        word: Whatever was written.
        otherwise: What is to be drawn if the font lacks letters of it.
    """
    letters = "".join(_drawable(letter) for letter in " ".join(word.split())[: _LONGEST + 1])
    if not letters.strip() or _NEVER_DRAWN in letters:
        return otherwise
    return letters if len(letters) <= _LONGEST else letters[: _LONGEST - 1].rstrip() + "…"


def _drawable(letter: str) -> str:
    if _is_there(letter):
        return letter
    plain = "".join(each for each in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(each))
    return plain if all(map(_is_there, plain)) else _NEVER_DRAWN


@cache
def _missing() -> bytes:
    return _shape(_NEVER_DRAWN)


def _is_there(letter: str) -> bool:
    return letter.isprintable() and (letter == " " or _shape(letter) != _missing())


def _shape(letter: str) -> bytes:
    return bytes(font_of(20).getmask(letter))
