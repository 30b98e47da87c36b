"""Averages of neighbours: how many small parts of an input become the few tokens that are kept."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from mmsearch.types import QueryWords, Tokens, Vectors

MOST_TOKENS = 64  # of a query or a sound, as `protocols.TokenEncoder` promises
MOST_OF_A_TEXT = 32  # that is kept: a passage takes 12 kB with them, twice what a picture takes
Span = tuple[int, int]  # the first and the one behind the last: of rows, or of characters


def equal_spans(count: int, most: int) -> list[Span]:
    """Cut a row of so many parts, at least 1, into at most so many spans of equal length (to one part)."""
    pieces = min(count, most)
    edges = [count * piece // pieces for piece in range(pieces + 1)]
    return list(pairwise(edges))


def average(rows: Tokens, spans: Sequence[Span]) -> Tokens:
    """Return the mean of each span of rows: (t, d) float32. Spans are in order, not empty, and do not overlap."""
    edges = np.array(spans)
    # Sums from each edge to the next; every second one is over what lies between two spans.
    sums = np.add.reduceat(rows, edges[edges < len(rows)], axis=0, dtype=np.float32)[::2]
    return np.asarray(sums / np.diff(edges), dtype=np.float32)


def at_most(rows: Tokens, most: int = MOST_TOKENS) -> Tokens:
    """Average neighbouring rows (t, d), t at least 1, until there are at most so many."""
    return rows if len(rows) <= most else average(rows, equal_spans(len(rows), most))


def cell_weights(places: tuple[int, int], cells: tuple[int, int]) -> Vectors:
    """Return how much of each cell of a grid every place of a finer grid fills: (cells, places), rows of sum 1.

    Both are counted row by row, and cover the same area. A place across the border of two cells counts for both by its
    share, so that the mean of the cells is the mean of the places.
    """
    return np.asarray(np.kron(*(_overlaps(*sides) for sides in zip(places, cells, strict=True))), dtype=np.float32)


def _overlaps(places: int, cells: int) -> Vectors:
    edges, place = np.linspace(0, places, cells + 1), np.arange(places)
    common = np.minimum(edges[1:, None], place + 1) - np.maximum(edges[:-1, None], place)
    return np.asarray(np.maximum(common, 0) * cells / places, dtype=np.float32)


def query_words(words: Sequence[str], tokens: Tokens) -> QueryWords:
    """Put words and their tokens (t, d) together; of a long query, neighbouring words are one."""
    spans = equal_spans(len(words), MOST_TOKENS)
    return QueryWords(tuple(" ".join(words[start:end]) for start, end in spans), at_most(tokens))
