"""Bytes of a text file to a string, whatever encoding it was saved in."""

import codecs

import charset_normalizer

from mmsearch.config import Limits
from mmsearch.errors import MediaDamaged, MediaEmpty, MediaTooLarge

_SAMPLE_BYTES = 32 << 10
# The 32-bit marks first: the little-endian one begins with the 16-bit one.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What most old Western files are in; preferred where a file is too short to tell.
_WESTERN = "cp1252"


def read_text(data: bytes, limits: Limits) -> str:
    """Decode a text file: by its byte order mark, else UTF-8, else the most likely encoding.

    Returns:
        The text without its byte order mark; line ends stay as they are.

    Raises:
        MediaTooLarge: It has more than `limits.max_text_bytes`.
        MediaDamaged: It is no text: it has NUL characters, or breaks the rules of its own mark.
        MediaEmpty: There is nothing but white space in it.
    """
    if len(data) > limits.max_text_bytes:
        raise MediaTooLarge(
            f"The text has {len(data):,} bytes; the limit is {limits.max_text_bytes:,}.",
            remedy="Raise limits.max_text_bytes in mmsearch.toml if you trust the file.",
        )
    text = _decode(data)
    if "\0" in text:
        raise _not_text()
    if not text.strip():
        raise MediaEmpty("There is no text in the file.")
    return text


def _decode(data: bytes) -> str:
    marked = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), None)
    try:
        return data.decode(marked or "utf-8")
    except UnicodeDecodeError as error:
        if marked:
            raise _not_text() from error
    if b"\0" in data:
        raise _not_text()
    return data.decode(_likely_encoding(data[:_SAMPLE_BYTES]), "replace")


def _likely_encoding(sample: bytes) -> str:
    """Guess from a bounded sample: the cost must not grow with a hostile file."""
    if _is_utf8_with_faults(sample):
        return "utf-8"
    guesses = list(charset_normalizer.from_bytes(sample))  # best first
    western = next((guess for guess in guesses if guess.encoding == _WESTERN), None)
    if not guesses or (western and _as_likely(western, guesses[0])):
        return _WESTERN
    return guesses[0].encoding


def _as_likely(guess: charset_normalizer.CharsetMatch, best: charset_normalizer.CharsetMatch) -> bool:
    return guess.chaos <= best.chaos and guess.coherence >= best.coherence


def _is_utf8_with_faults(sample: bytes) -> bool:
    """Say whether far more of the non-ASCII characters are valid UTF-8 than not: a file with a scar."""
    text = sample.decode("utf-8", "replace")
    faults = text.count("\ufffd")
    return sum(char > "\x7f" for char in text) - faults > 4 * faults


def _not_text() -> MediaDamaged:
    return MediaDamaged("The content is not text.", remedy="Its ending does not fit what is in it.")
