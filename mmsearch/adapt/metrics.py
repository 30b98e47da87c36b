"""How well texts find their files: recall at k, mean average precision, and the mean reciprocal rank."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from mmsearch.adapt.examples import Examples, Rows
from mmsearch.types import Ids

CUTOFFS = (1, 5, 10)
METRICS = (*(f"R@{k}" for k in CUTOFFS), "mAP")
ALL_METRICS = (*METRICS, "MRR")
_SCORES_AT_ONCE = 1 << 24

Values = npt.NDArray[np.float64]  # (runs, metrics): columns as METRICS says unless others are asked for, in [0, 1]
Scores = npt.NDArray[np.float32]  # (texts, files)


def judge(
    examples: Examples,
    gallery: Rows,
    held: npt.NDArray[np.bool_] | None = None,
    *,
    rescored: Callable[[Ids, Scores], None] | None = None,
    metrics: Sequence[str] = METRICS,
) -> Values:
    """Search a gallery for texts and judge the ranking of the files.

    A file's score is that of its best row. Every held-out file that has the text is relevant; among equal scores,
    files that are not relevant come first. Copies of a file that has the text count neither way, nor do the known
    files (those not held out) if one of them has it: a head has learnt to keep the others from it, so that noise
    learnt by heart would pass for help.

    Args:
        examples: Files with captions, their numbers being those of the gallery.
        gallery: These and maybe more files, as they are to be searched.
        held: (m,) which of the files with captions are held out; all by default.
        rescored: Called with the numbers of some texts and their scores; may change the scores in place.
        metrics: The columns to return, of `ALL_METRICS`.

    Returns:
        One row for each different text of files held out, in order of its number. With one relevant file a text,
        average precision is the reciprocal of its rank.
    """
    held = np.ones(examples.rows.items, np.bool_) if held is None else held
    pairs = held[examples.item]
    texts, run = np.unique(examples.text[pairs], return_inverse=True)
    item = examples.item[pairs]
    values = np.empty((len(texts), len(metrics)))
    step = max(1, _SCORES_AT_ONCE // max(1, len(gallery.item)))
    for start in range(0, len(texts), step):
        some = texts[start : start + step]
        here = (run >= start) & (run < start + step)
        scores = examples.texts[some] @ gallery.vectors.T
        if gallery.items < len(gallery.item):
            scores = np.maximum.reduceat(scores, gallery.starts, axis=1)
        if rescored is not None:
            rescored(some, scores)
        ignored = _ignored(examples, some, held)
        values[start : start + step] = _judge_scores(scores, ignored, run[here] - start, item[here], metrics)
    return values


def _ignored(examples: Examples, texts: Ids, held: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Tell which files are no mistakes when each text is searched for, those to be found among them: (t, m)."""
    content = np.unique(examples.group, return_inverse=True)[1]
    pairs = np.flatnonzero(np.isin(examples.text, texts))
    said = np.zeros((len(texts), content.max() + 1), dtype=np.bool_)
    said[np.searchsorted(texts, examples.text[pairs]), content[examples.item[pairs]]] = True
    have = said[:, content]
    learnt = have[:, ~held].any(axis=1, keepdims=True)
    return have | (learnt & ~held)


def _judge_scores(
    scores: Scores, ignored: npt.NDArray[np.bool_], run: Ids, item: Ids, metrics: Sequence[str]
) -> Values:
    """Judge scores (runs, files), which are overwritten, given the relevant pairs of a run and a file.

    Args:
        ignored: (runs, m) which of the first m files are no mistakes.
        run: Of each relevant pair; each run has at least one.
        item: The file of each relevant pair.
        metrics: The columns to return.
    """
    found = scores[run, item]
    scores[:, : ignored.shape[1]][ignored] = -np.inf
    order = np.lexsort((-found, run))
    run, found = run[order], found[order]
    first = np.flatnonzero(np.diff(run, prepend=-1))
    above = _better(scores, run, found)
    nth = np.arange(len(run)) - first[run] + 1  # place among the relevant files of the run, from 1
    columns = {f"R@{k}": (above[first] < k).astype(np.float64) for k in CUTOFFS}
    columns["mAP"] = np.bincount(run, nth / (nth + above)) / np.bincount(run)
    columns["MRR"] = 1 / (1 + above[first])
    return np.column_stack([columns[name] for name in metrics])


def _better(irrelevant: Scores, run: Ids, found: npt.NDArray[np.float32]) -> Ids:
    """Count for each relevant pair the irrelevant files of the run that score as high or higher."""
    step = max(1, _SCORES_AT_ONCE // irrelevant.shape[1])
    pieces = [slice(start, start + step) for start in range(0, len(run), step)]
    return np.concatenate([(irrelevant[run[piece]] >= found[piece, None]).sum(axis=1) for piece in pieces])
