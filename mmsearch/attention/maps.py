"""From numbers a token to places: the regions, seconds and words in which each word of a query found most."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, product
from typing import Any

import numpy as np
import numpy.typing as npt

from mmsearch.attention.explanation import Frame, Region, Span, WordMap, WordPart
from mmsearch.search.words import STOPWORDS

Relevance = npt.NDArray[np.float64]  # (words, t), 0 or more
Values = npt.NDArray[np.float64]  # (t,) in [0, 1]
Cells = npt.NDArray[np.float64]  # (rows, columns) in [0, 1]
Times = npt.NDArray[np.float64]  # (t, 2): from when to when
Place = Callable[[Values], dict[str, Any]]  # from values to the fields of a `WordMap` that say where

MOST_PLACES = 3  # regions or spans that are named of a word
_DIGITS = 4


def word_maps(words: Sequence[str], relevance: Relevance, place: Place) -> tuple[WordMap, ...]:
    """Make the map of each word."""
    total = float(relevance.sum()) or 1.0
    return tuple(
        WordMap(word, round(float(row.sum()) / total, _DIGITS), word.casefold() in STOPWORDS, **place(_scaled(row)))
        for word, row in zip(words, relevance, strict=True)
    )


def whole_map(query: str, relevance: Relevance, place: Place) -> WordMap:
    """Make the map of all words together."""
    together = relevance.sum(axis=0)
    return WordMap(query, float(together.any()), **place(_scaled(together)))


def in_picture(grid: tuple[int, int], frame: Frame) -> Place:
    """Lay values over a picture, row by row from the upper left."""

    def place(values: Values) -> dict[str, Any]:
        cells = values.reshape(grid)
        rounded = tuple(tuple(row) for row in cells.round(_DIGITS).tolist())
        return {"cells": rounded, "regions": tuple(regions(cells, frame))}

    return place


def in_sound(times: Times) -> Place:
    """Lay values along a sound."""

    def place(values: Values) -> dict[str, Any]:
        rows = zip(times.tolist(), values.round(_DIGITS).tolist(), strict=True)
        spans = tuple(Span(start, end, value) for (start, end), value in rows)
        return {"spans": spans, "best": tuple(best_spans(values, times))}

    return place


def in_passage(text: str, parts: Sequence[str]) -> Place:
    """Lay values over the words of a passage."""
    starts = list(_found(text, parts))

    def place(values: Values) -> dict[str, Any]:
        rows = zip(parts, starts, values.round(_DIGITS).tolist(), strict=True)
        return {"parts": tuple(WordPart(*row) for row in rows)}

    return place


def regions(cells: Cells, frame: Frame) -> list[Region]:
    """Name the connected regions of the cells that stand out, those first in which most was found."""
    found = [(_box(region, cells.shape, frame), sum(cells[place] for place in region)) for region in _connected(cells)]
    found.sort(key=lambda each: -each[1])
    inside = [(box, mass) for box, mass in found if box[0] < box[2] and box[1] < box[3]]  # not all in the margin
    return [Region(*box, share=_share(mass, cells)) for box, mass in inside[:MOST_PLACES]]


def best_spans(values: Values, times: Times) -> list[Span]:
    """Name the spans of time that stand out, those first in which most was found; neighbours are one span."""
    marked = _standing_out(values)
    broken = np.concatenate([[False], (times[1:, 0] - times[:-1, 1] > 1e-6) | (marked[1:] != marked[:-1])])
    runs = [list(run) for _, run in groupby(np.flatnonzero(marked).tolist(), key=np.cumsum(broken).__getitem__)]
    runs.sort(key=lambda run: -values[run].sum())
    return [
        Span(float(times[run[0], 0]), float(times[run[-1], 1]), _share(values[run].sum(), values))
        for run in runs[:MOST_PLACES]
    ]


def parted(spans: Sequence[tuple[float, float]], counts: Sequence[int]) -> Times:
    """Say from when to when each token lasts: (t, 2), in seconds.

    Of two windows of a sound that overlap, each counts up to the middle; tokens behind it last no time.

    Args:
        spans: Of the windows, in order of time.
        counts: How many tokens each has, which are of equal length.
    """
    edges = [np.linspace(start, end, count + 1) for (start, end), count in zip(spans, counts, strict=True)]
    times = [np.stack([each[:-1], each[1:]], axis=1) for each in edges]
    for place in range(1, len(spans)):
        middle = (spans[place - 1][1] + spans[place][0]) / 2
        if spans[place - 1][1] > spans[place][0]:
            times[place - 1] = np.minimum(times[place - 1], middle)
            times[place] = np.maximum(times[place], middle)
    return np.concatenate(times).round(3)


def _scaled(row: npt.NDArray[np.float64]) -> Values:
    """Divide by the largest value, if there is one above 0."""
    largest = float(row.max(initial=0.0))
    return row / largest if largest > 0 else np.zeros_like(row)


def _standing_out(values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Tell what is nearer to the largest value than to the mean: all of it if all are equal, nothing if all are 0."""
    return np.asarray((values > 0) & (values >= (values.mean() + values.max()) / 2))


def _share(mass: float, values: npt.NDArray[np.float64]) -> float:
    return round(float(mass / values.sum()), _DIGITS)


def _connected(cells: Cells) -> Iterator[list[tuple[int, int]]]:
    """Yield the cells that stand out, those that share a side together."""
    left = {(int(row), int(column)) for row, column in np.argwhere(_standing_out(cells))}
    for first in product(*map(range, cells.shape)):
        if first not in left:
            continue
        region, waiting = [], [first]
        left.discard(first)
        while waiting:
            row, column = waiting.pop()
            region.append((row, column))
            neighbours = {(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)} & left
            left -= neighbours
            waiting += neighbours
        yield region


def _box(region: Sequence[tuple[int, int]], grid: tuple[int, ...], frame: Frame) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of some cells in pixels of the picture, cut off at its sides."""
    left, top, right, bottom = frame.covered
    step_x, step_y = (right - left) / grid[1], (bottom - top) / grid[0]
    rows, columns = [row for row, _ in region], [column for _, column in region]
    sides = (min(columns), min(rows), max(columns) + 1, max(rows) + 1)
    x = [min(max(round(left + side * step_x), 0), frame.width_px) for side in (sides[0], sides[2])]
    y = [min(max(round(top + side * step_y), 0), frame.height_px) for side in (sides[1], sides[3])]
    return x[0], y[0], x[1], y[1]


def _found(text: str, parts: Sequence[str]) -> Iterator[int | None]:
    """Say where in a text each of its parts begins."""
    behind = 0
    for part in parts:
        start = text.find(part, behind)
        if start >= 0:
            behind = start + len(part)
        yield start if start >= 0 else None
