"""MiniLM's word pieces back to the words that a person wrote."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from tokenizers import Encoding

from mmsearch.encoders.neighbours import Span

APOSTROPHES = {"'", "\u2019"}


def words_of(encoding: Encoding, text: str) -> tuple[list[str], list[Span]]:
    """Find the words of a text in its pieces; punctuation only if there is nothing else.

    Returns:
        The words as they are written, and the span of pieces of each. For a text without any sign: all of it.
    """
    signs = [(pieces, _place(encoding, pieces)) for pieces in _pieces_of_words(encoding)]
    words = [sign for sign in signs if any(map(str.isalnum, text[slice(*sign[1])]))]
    kept = _joined(words, text) or signs or [((0, len(encoding.ids)), (0, len(text)))]
    return [text[start:end] for _, (start, end) in kept], [pieces for pieces, _ in kept]


def _joined(words: Iterable[tuple[Span, Span]], text: str) -> list[tuple[Span, Span]]:
    """Put together what only an apostrophe parts, such as "don't"."""
    joined: list[tuple[Span, Span]] = []
    for pieces, place in words:
        if joined and text[joined[-1][1][1] : place[0]] in APOSTROPHES:
            before = joined.pop()
            pieces, place = (before[0][0], pieces[1]), (before[1][0], place[1])
        joined.append((pieces, place))
    return joined


def _place(encoding: Encoding, pieces: Span) -> Span:
    return encoding.offsets[pieces[0]][0], encoding.offsets[pieces[1] - 1][1]


def _pieces_of_words(encoding: Encoding) -> Iterator[Span]:
    """Yield the pieces of each word in order; [CLS] and [SEP] are of no word."""
    start = 0
    for word, pieces in groupby(encoding.word_ids):
        end = start + len(list(pieces))
        if word is not None:
            yield start, end
        start = end
