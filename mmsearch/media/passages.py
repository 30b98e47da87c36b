"""Long texts to passages that a text encoder can take in at once, each with its place in the text."""

import re
from collections.abc import Iterator

from semantic_text_splitter import MarkdownSplitter, TextSplitter

from mmsearch.config import Limits
from mmsearch.errors import MediaTooLarge
from mmsearch.types import Segment

# Characters. About 100 to 225 tokens of English: a sentence encoder's window is 256.
_CAPACITY = (400, 900)
# The splitter's time grows with the square of a stretch without any break, so it is fed in blocks.
_BLOCK_CHARS = 16_384
# Where a block may end, best first: after a blank line, a line, a sentence, a word.
_BREAKS = tuple(re.compile(pattern) for pattern in (r"\n[ \t\r]*\n", r"\n", r"[.!?]\s", r"\s"))


def passages(text: str, *, markdown: bool, limits: Limits, about: str | None = None) -> tuple[Segment, ...]:
    """Split a text where its own structure breaks: headings and paragraphs, then sentences, then words.

    Args:
        text: The whole text, as `read_text` gives it.
        markdown: Follow Markdown's headings, lists and code blocks.
        limits: On the number of passages.
        about: The media file that the text describes, if it does.

    Returns:
        Segments in order, none overlapping, each with text == text[char_start:char_end]; only white
        space is in none of them.

    Raises:
        MediaTooLarge: There are more than `limits.max_passages`.
    """
    found: list[Segment] = []
    for start, passage in _split(text, MarkdownSplitter(_CAPACITY) if markdown else TextSplitter(_CAPACITY)):
        if len(found) == limits.max_passages:
            raise too_many_passages(limits)
        found.append(Segment("text", text=passage, char_start=start, char_end=start + len(passage), about=about))
    return tuple(found)


def too_many_passages(limits: Limits) -> MediaTooLarge:
    """Make the error for a text or table that would become too many segments."""
    return MediaTooLarge(
        f"The text would make more than {limits.max_passages:,} passages.",
        remedy="Split the file, or raise limits.max_passages in mmsearch.toml.",
    )


def _split(text: str, splitter: TextSplitter | MarkdownSplitter) -> Iterator[tuple[int, str]]:
    for start, block in _blocks(text):
        for offset, passage in splitter.chunk_indices(block):
            if passage.strip():
                yield start + offset, passage


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    """Cut a text in pieces of at most `_BLOCK_CHARS`, in the second half of each where it breaks best."""
    start = 0
    while start < len(text):
        end = start + _BLOCK_CHARS
        if end < len(text):
            end = _last_break(text, start + _BLOCK_CHARS // 2, end)
        yield start, text[start:end]
        start = end


def _last_break(text: str, low: int, high: int) -> int:
    """Return where the last and best break between two places ends; the second place if there is none."""
    for kind in _BREAKS:
        end = max((found.end() for found in kind.finditer(text, low, high)), default=0)
        if end:
            return end
    return high
