"""How text is folded into words: the same when it is indexed and when it is looked for.

Letters lose their case, their accents and their compatibility forms (full-width, ligatures); all that is no letter,
digit, mark or pictogram parts words. Languages that are written without spaces have no words to part: each of their
characters is one by itself, and what is looked for is a sequence of them.
"""

import re
from functools import lru_cache
from itertools import pairwise
from unicodedata import category, normalize

MAX_WORD_CHARS = 64  # longer ones, such as encoded data, are cut

# Scripts without spaces, and pictograms. Hangul and Tibetan part their words.
_IDEOGRAPHS = "\u3040-\u30ff\u3100-\u312f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_SYLLABLES = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\ua9e0-\ua9ff\uaa60-\uaa7f"  # Thai, Lao, Burmese, Khmer
_PICTOGRAMS = "\u2600-\u27bf\U0001f000-\U0001faff"
_RUN = re.compile(f"[{_IDEOGRAPHS}]+|[{_SYLLABLES}]+|[{_PICTOGRAMS}]")
_SYLLABLE = re.compile(f"[{_SYLLABLES}]")

# Marks that readers leave out: accents of European scripts, vowel signs and the stretching of Arabic and Hebrew,
# variation selectors. Those of Indic and South-East Asian scripts spell a word, and stay.
_DROPPED = "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u0610-\u061a\u0640\u064b-\u065f\u0670\u200c\u200d"
_MARKS = re.compile(f"[{_DROPPED}\ufe00-\ufe0f]+")


class _Kept(dict[int, str]):
    """For `str.translate`: a character that belongs to a word stays, any other becomes a space."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        kept = category(char)[0] in "LMN" or (_RUN.match(char) and category(char)[0] == "S")
        self[code] = char if kept else " "
        return self[code]


_kept = _Kept()


def fold(text: str) -> str:
    """Fold case, accents and compatibility forms, and put a space for whatever is no part of a word."""
    if text.isascii():
        return text.lower().translate(_kept)
    plain = normalize("NFKD", normalize("NFKD", text).casefold())
    return normalize("NFC", _MARKS.sub("", plain)).translate(_kept)


def words(text: str) -> list[str]:
    """Split into folded words; a run in a script without spaces is one."""
    folded = fold(text)
    if not folded.isascii():
        folded = _RUN.sub(r" \g<0> ", folded)
    return folded.split()


def tokens(word: str) -> tuple[str, ...]:
    """Split a folded word into what is indexed: itself, or each character of a run without spaces."""
    return tuple(word) if _RUN.match(word) else (word[:MAX_WORD_CHARS],)


def indexed(text: str) -> str:
    """Return the tokens of a text, parted by spaces."""
    return " ".join(token for word in words(text) for token in tokens(word))


def pieces(word: str) -> list[tuple[str, ...]]:
    """Return the sequences of tokens that stand for a folded word when it is looked for.

    One for a word with spaces around. A run without spaces may be a sentence that is nowhere as a whole, so it is
    looked for by all that overlap: of two characters, as usual for Chinese and Japanese, or of four where a character
    is a letter.
    """
    parts, size = tokens(word), 4 if _SYLLABLE.match(word) else 2
    if len(parts) <= size:
        return [parts]
    return [parts[start : start + size] for start in range(len(parts) - size + 1)]


@lru_cache(maxsize=1_024)  # the files of a folder share its name
def indexed_name(name: str) -> str:
    """Return the tokens of a file or folder name, with its compounds both in parts and whole.

    `IMG_2034_beachSunset` gives "img 2034 beach sunset beachsunset".
    """
    parts, whole = indexed(split_name(name)), indexed(name)
    known = set(parts.split())
    return " ".join([parts, *(token for token in whole.split() if token not in known)])


def split_name(name: str) -> str:
    """Put spaces where CamelCase begins a word, and between letters and digits."""
    borders = (char + " " if _is_border(char, after) else char for char, after in pairwise(name))
    return "".join([*borders, name[-1:]])


def _is_border(char: str, after: str) -> bool:
    if not (char.isalnum() and after.isalnum()):
        return False
    return (char.islower() and after.isupper()) or char.isdigit() != after.isdigit()
