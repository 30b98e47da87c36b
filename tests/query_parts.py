"""Parts of queries for tests, from terms as a user writes them."""

from mmsearch.config import Limits
from mmsearch.encoders.hashing import HashingEncoder
from mmsearch.search.parts import media_parts
from mmsearch.search.terms import negated, read_terms

LIMITS = Limits().for_machine(workers=1)
SPEC = HashingEncoder(64).spec


def text_parts(terms, *, sign=1.0, spec=SPEC):
    read = read_terms(list(terms), "text")
    return media_parts(read if sign > 0 else negated(read), spec, LIMITS)


def image_parts(sources, spec=SPEC, limits=LIMITS):
    return media_parts(read_terms(list(sources), "image"), spec, limits)
