"""What the hashing encoder reads: words, each a fixed pseudo-random vector that spelling moves a little."""

import re
from functools import lru_cache
from hashlib import blake2b
from itertools import islice

import numpy as np

from mmsearch.encoders.neighbours import Span
from mmsearch.types import Tokens

_MAX_WORDS = 256
_MAX_WORD_CHARS = 32
# Small enough that the word itself and the colours decide, large enough that a typo or a plural is near.
_TRIGRAM_WEIGHT = 0.2


def word_places(text: str) -> list[Span]:
    """Say where the words of a text are; those of a long text are cut, as a real model would."""
    return [match.span() for match in islice(re.finditer(r"\w+", text), _MAX_WORDS)]


def text_vectors(text: str, dim: int) -> Tokens:
    """Return one vector a word, in order, case ignored: (words, d)."""
    words = [text[start:end][:_MAX_WORD_CHARS].casefold() for start, end in word_places(text)]
    return np.array([word_vector(word, dim) for word in words], dtype=np.float32).reshape(-1, dim)


@lru_cache(maxsize=8192)
def word_vector(word: str, dim: int) -> Tokens:
    """Return the vector of a word (d,), read-only: itself and, more lightly, its character trigrams."""
    edged = f"<{word}>"
    trigrams = [edged[start : start + 3] for start in range(len(edged) - 2)]
    vector = sign_vector(f"word {word}", dim)
    for trigram in trigrams:
        vector += _TRIGRAM_WEIGHT / len(trigrams) ** 0.5 * sign_vector(f"trigram {trigram}", dim)
    vector.flags.writeable = False
    return vector


def sign_vector(name: str, dim: int) -> Tokens:
    """Turn the digest of a name into a vector of length 1 whose d values are all +-1/sqrt(d)."""
    digest = blake2b(name.encode(), digest_size=dim // 8).digest()
    bits = np.unpackbits(np.frombuffer(digest, dtype=np.uint8))
    return np.asarray((2.0 * bits - 1.0) / dim**0.5, dtype=np.float32)
