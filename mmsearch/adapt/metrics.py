"""How well texts find their files: recall at k and mean average precision."""

import numpy as np
import numpy.typing as npt

from mmsearch.adapt.examples import Examples, Rows
from mmsearch.types import Ids

CUTOFFS = (1, 5, 10)
METRICS = (*(f"R@{k}" for k in CUTOFFS), "mAP")
_SCORES_AT_ONCE = 1 << 24

Values = npt.NDArray[np.float64]  # (runs, len(METRICS)): columns as METRICS says, each in [0, 1]


def judge(asked: Examples, gallery: Rows) -> Values:
    """Search a gallery for each text and judge the ranking of its files.

    A file's score is that of its best row. Every file that has the text is relevant; among equal scores, files that
    are not relevant come first.

    Args:
        asked: The files that have captions, their numbers being those of the gallery.
        gallery: These and maybe more files, as they are to be searched.

    Returns:
        One row for each different text, in order of its number. With one relevant file a text, average precision is
        the reciprocal of its rank.
    """
    texts, run = np.unique(asked.text, return_inverse=True)
    values = np.empty((len(texts), len(METRICS)))
    step = max(1, _SCORES_AT_ONCE // max(1, len(gallery.item)))
    for start in range(0, len(texts), step):
        scores = asked.texts[texts[start : start + step]] @ gallery.vectors.T
        here = (run >= start) & (run < start + step)
        if gallery.items < len(gallery.item):
            scores = np.maximum.reduceat(scores, gallery.starts, axis=1)
        values[start : start + step] = _judge_scores(scores, run[here] - start, asked.item[here])
    return values


def _judge_scores(scores: npt.NDArray[np.float32], run: Ids, item: Ids) -> Values:
    """Judge scores (runs, files), given the relevant pairs of a run and a file; each run has at least one."""
    found = scores[run, item]
    order = np.lexsort((-found, run))
    run, found = run[order], found[order]
    first = np.flatnonzero(np.diff(run, prepend=-1))
    above = _better(scores, run, item[order], found)
    nth = np.arange(len(run)) - first[run] + 1  # place among the relevant files of the run, from 1
    average_precision = np.bincount(run, nth / (nth + above)) / np.bincount(run)
    hits = [above[first] < k for k in CUTOFFS]
    return np.column_stack([*hits, average_precision])


def _better(scores: npt.NDArray[np.float32], run: Ids, item: Ids, found: npt.NDArray[np.float32]) -> Ids:
    """Count for each relevant pair the irrelevant files of the run that score as high or higher."""
    irrelevant = scores.copy()
    irrelevant[run, item] = -np.inf
    step = max(1, _SCORES_AT_ONCE // irrelevant.shape[1])
    pieces = [slice(start, start + step) for start in range(0, len(run), step)]
    return np.concatenate([(irrelevant[run[piece]] >= found[piece, None]).sum(axis=1) for piece in pieces])
