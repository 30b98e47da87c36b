"""How well texts find their files: recall at k and mean average precision."""

import numpy as np
import numpy.typing as npt

from mmsearch.adapt.examples import Examples, Rows
from mmsearch.types import Ids

CUTOFFS = (1, 5, 10)
METRICS = (*(f"R@{k}" for k in CUTOFFS), "mAP")
_SCORES_AT_ONCE = 1 << 24

Values = npt.NDArray[np.float64]  # (runs, len(METRICS)): columns as METRICS says, each in [0, 1]


def judge(asked: Examples, gallery: Rows, known: Examples | None = None) -> Values:
    """Search a gallery for each text and judge the ranking of its files.

    A file's score is that of its best row. Every file asked for that has the text is relevant; among equal scores,
    files that are not relevant come first. Other files whose content has the text, the known ones among them, count
    neither way.

    Args:
        asked: The files to be found by their captions, their numbers being those of the gallery.
        gallery: These, then the known ones, then maybe more files, as they are to be searched.
        known: Files that need not be found; their texts are numbered as those of `asked`.

    Returns:
        One row for each different text asked, in order of its number. With one relevant file a text, average
        precision is the reciprocal of its rank.
    """
    texts, run = np.unique(asked.text, return_inverse=True)
    right_text, right_item = _right(asked, known)
    values = np.empty((len(texts), len(METRICS)))
    step = max(1, _SCORES_AT_ONCE // max(1, len(gallery.item)))
    for start in range(0, len(texts), step):
        scores = asked.texts[texts[start : start + step]] @ gallery.vectors.T
        here = (run >= start) & (run < start + step)
        right = np.isin(right_text, texts[start : start + step])
        right_run = np.searchsorted(texts[start : start + step], right_text[right])
        if gallery.items < len(gallery.item):
            scores = np.maximum.reduceat(scores, gallery.starts, axis=1)
        values[start : start + step] = _judge_scores(
            scores, (right_run, right_item[right]), run[here] - start, asked.item[here]
        )
    return values


def _right(asked: Examples, known: Examples | None) -> tuple[Ids, Ids]:
    """List all pairs of a text and a file of the gallery whose content has it: texts and files."""
    text, item, group = asked.text, asked.item, asked.group
    if known is not None:
        text, item = np.concatenate([text, known.text]), np.concatenate([item, known.item + len(group)])
        group = np.concatenate([group, known.group])
    order = np.argsort(group, kind="stable")
    content = group[item]
    first, past = (np.searchsorted(group[order], content, side) for side in ("left", "right"))
    copies = past - first
    nth = np.arange(copies.sum()) - np.repeat(np.cumsum(copies) - copies, copies)
    return np.repeat(text, copies), order[np.repeat(first, copies) + nth]


def _judge_scores(scores: npt.NDArray[np.float32], right: tuple[Ids, Ids], run: Ids, item: Ids) -> Values:
    """Judge scores (runs, files), which are spoilt, given pairs of a run and a file.

    Args:
        right: Pairs that are no mistakes, those asked for among them.
        run: Of the pairs asked for; each run has at least one.
        item: And their files.
    """
    found = scores[run, item]
    scores[right] = -np.inf
    order = np.lexsort((-found, run))
    run, found = run[order], found[order]
    first = np.flatnonzero(np.diff(run, prepend=-1))
    above = _better(scores, run, found)
    nth = np.arange(len(run)) - first[run] + 1  # place among the relevant files of the run, from 1
    average_precision = np.bincount(run, nth / (nth + above)) / np.bincount(run)
    hits = [above[first] < k for k in CUTOFFS]
    return np.column_stack([*hits, average_precision])


def _better(irrelevant: npt.NDArray[np.float32], run: Ids, found: npt.NDArray[np.float32]) -> Ids:
    """Count for each relevant pair the irrelevant files of the run that score as high or higher."""
    step = max(1, _SCORES_AT_ONCE // irrelevant.shape[1])
    pieces = [slice(start, start + step) for start in range(0, len(run), step)]
    return np.concatenate([(irrelevant[run[piece]] >= found[piece, None]).sum(axis=1) for piece in pieces])
