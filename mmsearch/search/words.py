"""The words of a text query: what is to be looked up in the index of words.

Bare words are looked for one by one; "quoted words" must be there, in that order; a word with a star at its end stands
for all that begin so. There is no other syntax: whatever else is written only parts words.
"""

import re
from collections.abc import Iterator

from mmsearch.catalog.folding import pieces, split_name, tokens, words
from mmsearch.catalog.records import WordTerm

MAX_CHARS = 4_000  # of a query; a longer one is a text to compare with, whose first words will do
MAX_TERMS = 64
_MIN_PREFIX_CHARS = 2

_QUOTED = re.compile(
    '"([^"]*)"|\N{LEFT DOUBLE QUOTATION MARK}([^\N{RIGHT DOUBLE QUOTATION MARK}]*)\N{RIGHT DOUBLE QUOTATION MARK}'
)

# English words that tell nothing, with what an apostrophe leaves. In other languages, and for words such as "photo",
# `catalog.word_search` takes no notice of what more than half of the segments have.
STOPWORDS = frozenset(
    "a about an and are as at be been but by can d did do does for from had has have he her hers him his i if in into"
    " is it its ll m me my of on or our ours re s she so t than that the their them then there these they this those"
    " to us ve was we were what when where which while who whom will with would you your".split()
)


def parse_words(text: str) -> tuple[WordTerm, ...]:
    """Read a query. Never fails; an empty result means that there is no word to look for."""
    text = text[:MAX_CHARS]
    bare = dict.fromkeys(_bare(_QUOTED.sub(" ", text)))
    telling = [term for term in bare if not _is_stopword(term)]
    return tuple(dict.fromkeys([*_phrases(text), *(telling or bare)]))[:MAX_TERMS]


def _phrases(text: str) -> Iterator[WordTerm]:
    """Yield what is in quotes."""
    for match in _QUOTED.finditer(text):
        phrase = tuple(token for word in words(match[1] or match[2] or "") for token in tokens(word))
        if phrase:
            yield WordTerm((phrase,), required=True)


def _bare(text: str) -> Iterator[WordTerm]:
    for written in text.split():
        *before, last = [*words(written)] or [""]
        for word in before:
            yield from _terms(word)
        if written.endswith("*") and len(last) >= _MIN_PREFIX_CHARS and len(tokens(last)) == 1:
            yield WordTerm((tokens(last),), prefix=True)
        elif last:
            yield from _terms(last)


def _terms(word: str) -> Iterator[WordTerm]:
    """Yield what stands for one word; 'img2034' is looked for as "img 2034" too."""
    parts = tuple(token for part in words(split_name(word)) for token in tokens(part))
    if len(parts) > 1 and len(tokens(word)) == 1:
        yield WordTerm((tokens(word), parts))
    else:
        yield from (WordTerm((piece,)) for piece in pieces(word))


def _is_stopword(term: WordTerm) -> bool:
    return not term.prefix and term.spellings[0] in {(word,) for word in STOPWORDS}
