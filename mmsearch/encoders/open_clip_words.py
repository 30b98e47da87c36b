"""An open_clip tokenizer's pieces back to the words that a person wrote."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from mmsearch.encoders.neighbours import Span

_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")


class Word(NamedTuple):
    """A word, and which of the tokenizer's pieces make it up."""

    text: str
    pieces: Span


def words_of(tokenizer: Any, text: str, ids: Sequence[int]) -> list[Word]:  # noqa: ANN401 - open_clip's are untyped
    """Find the words of a text in its pieces, as written where they can be found there.

    Args:
        tokenizer: `open_clip.SimpleTokenizer` or `open_clip.HFTokenizer`.
        text: What the pieces are of.
        ids: Of all pieces, signs for start, end and padding included.

    Returns:
        Words in order; punctuation only if there is nothing else; nothing for a text without any sign.
    """
    found = list(_clip_words(tokenizer, ids) if hasattr(tokenizer, "eot_token_id") else _hf_words(tokenizer, text, ids))
    return _as_written([word for word in found if any(map(str.isalnum, word.text))], text) or found


def _clip_words(tokenizer: Any, ids: Sequence[int]) -> Iterator[Word]:  # noqa: ANN401
    """CLIP's own byte pairs: the last piece of a word ends in "</w>"."""
    start, end = 1, ids.index(tokenizer.eot_token_id)
    for place in range(start, end):
        if tokenizer.decoder[ids[place]].endswith("</w>") or place + 1 == end:
            yield Word(tokenizer.decode(ids[start : place + 1]).strip(), (start, place + 1))
            start = place + 1


def _hf_words(tokenizer: Any, text: str, ids: Sequence[int]) -> Iterable[Word]:  # noqa: ANN401
    """Hugging Face's tokenizers say where in the text each piece is, the fast ones; of others each piece is a word."""
    pieces, cleaned = tokenizer.tokenizer, tokenizer.clean_fn(text)
    if not getattr(pieces, "is_fast", False):
        return _pieces(pieces, ids)
    options = {"max_length": len(ids), "padding": "max_length", "truncation": True}
    return _by_place(cleaned, pieces(cleaned, return_offsets_mapping=True, **options)["offset_mapping"])


def _by_place(text: str, places: Sequence[Span]) -> Iterator[Word]:
    """Put the pieces together that are in one word of the text; those that are of no text are left out."""
    words = {place: match.span() for match in _WORD.finditer(text) for place in range(*match.span())}

    def word_at(piece: int) -> Span | None:
        start, end = places[piece]
        start += len(text[start:end]) - len(text[start:end].lstrip())  # of " dog", the piece is the word's
        return words.get(start, (start, end)) if start < end else None

    for span, group in groupby(range(len(places)), key=word_at):
        pieces = list(group)
        if span is not None:
            yield Word(text[slice(*span)], (pieces[0], pieces[-1] + 1))


def _pieces(tokenizer: Any, ids: Sequence[int]) -> Iterator[Word]:  # noqa: ANN401
    special = set(tokenizer.all_special_ids)
    for place, (number, piece) in enumerate(zip(ids, tokenizer.convert_ids_to_tokens(list(ids)), strict=True)):
        if number not in special:
            yield Word(piece.strip("\u2581\u0120#"), (place, place + 1))  # the signs that mark where words begin


def _as_written(words: Sequence[Word], text: str) -> list[Word]:
    """Give words back their capitals, and put together what is cut without a blank, such as the digits of a number."""
    lowered = text.lower()
    written: list[Word] = []
    end = 0
    for word in words:
        start = lowered.find(word.text.lower(), end) if len(lowered) == len(text) else -1
        if start < 0:
            written.append(word)
            continue
        joins = written and start == end > 0
        before = written.pop() if joins else Word("", word.pieces)
        end = start + len(word.text)
        written.append(Word(before.text + text[start:end], (before.pieces[0], word.pieces[1])))
    return written
