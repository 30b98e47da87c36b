"""What the first stage finds: for each text the best files, for each file the nearest texts. It is frozen, so once."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mmsearch.adapt.examples import Rows
from mmsearch.types import Ids, Vectors

_SCORES_AT_ONCE = 1 << 23


@dataclass(frozen=True, slots=True)
class Lists:
    """The best files of each text, best first; equal ones in order of number.

    Attributes:
        files: (t, depth).
        rows: (t, depth) the best row of each of these files; the first of equal ones.
        scores: (t, depth) of that row.
    """

    files: Ids
    rows: Ids
    scores: npt.NDArray[np.float32]


def best_files(texts: Vectors, gallery: Rows, depth: int, *, last: npt.NDArray[np.bool_] | None = None) -> Lists:
    """Search for texts (t, d) as the first stage does; at most `depth` files each, fewer if there are no more.

    Args:
        texts: What is searched for.
        gallery: What is searched among.
        depth: Length of the lists.
        last: (t, files) those that come after all others.
    """
    depth = min(depth, gallery.items)
    files = np.empty((len(texts), depth), dtype=np.int64)
    rows, scores = np.empty_like(files), np.empty((len(texts), depth), dtype=np.float32)
    for piece, of_rows in _pieces(texts, gallery.vectors):
        best_row = _best_row(of_rows, gallery)
        of_files = np.take_along_axis(of_rows, best_row, axis=1)
        files[piece] = _best(of_files if last is None else np.where(last[piece], -np.inf, of_files), depth)
        rows[piece] = np.take_along_axis(best_row, files[piece], axis=1)
        scores[piece] = np.take_along_axis(of_files, files[piece], axis=1)
    return Lists(files, rows, scores)


def nearest_texts(vectors: Vectors, texts: Vectors, depth: int) -> Ids:
    """Return for each of some rows (n, d) the numbers of the texts with the greatest inner products, best first."""
    depth = min(depth, len(texts))
    found = np.empty((len(vectors), depth), dtype=np.int64)
    for piece, scores in _pieces(vectors, texts):
        found[piece] = _best(scores, depth)
    return found


def best_rows(texts: Vectors, gallery: Rows, text: Ids, item: Ids) -> Ids:
    """Return the best row (p,) of each pair of a text and a file; the first of equal ones."""
    starts, sizes = gallery.starts[item], gallery.sizes[item]
    best = starts.copy()
    score = np.full(len(item), -np.inf)
    for nth in range(int(sizes.max(initial=0))):
        here = np.flatnonzero(sizes > nth)
        row = starts[here] + nth
        own = np.einsum("pd,pd->p", texts[text[here]], gallery.vectors[row])
        better = own > score[here]
        best[here[better]], score[here[better]] = row[better], own[better]
    return best


def _pieces(left: Vectors, right: Vectors) -> Iterator[tuple[slice, npt.NDArray[np.float32]]]:
    """Yield the inner products of a bounded number of left rows with all right ones."""
    step = max(1, _SCORES_AT_ONCE // max(1, len(right)))
    for start in range(0, len(left), step):
        piece = slice(start, start + step)
        yield piece, left[piece] @ right.T


def _best_row(scores: npt.NDArray[np.float32], gallery: Rows) -> Ids:
    """Return the row with the greatest of scores (c, rows) for each file: (c, files)."""
    if gallery.items == len(gallery.item):
        return np.broadcast_to(np.arange(gallery.items), scores.shape)
    greatest = np.maximum.reduceat(scores, gallery.starts, axis=1)
    rows = np.where(scores == greatest[:, gallery.item], np.arange(scores.shape[1]), scores.shape[1])
    return np.minimum.reduceat(rows, gallery.starts, axis=1)


def _best(scores: npt.NDArray[np.float32], depth: int) -> Ids:
    """Return the columns of the greatest scores of each row (c, n), in order: (c, depth)."""
    if depth < scores.shape[1]:
        some = np.sort(np.argpartition(-scores, depth - 1, axis=1)[:, :depth], axis=1)
    else:
        some = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    order = np.argsort(-np.take_along_axis(scores, some, axis=1), axis=1, kind="stable")
    return np.take_along_axis(some, order, axis=1)
