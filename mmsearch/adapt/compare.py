"""Is after better than before, or is it luck: a paired bootstrap over what may be taken for independent."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mmsearch.adapt.examples import Examples
from mmsearch.adapt.metrics import METRICS, Values
from mmsearch.bootstrap import mean_ends, sums_by
from mmsearch.gain_reports import Interval
from mmsearch.types import Ids

Weights = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trial:
    """What the texts of one held-out part find, before and after.

    Attributes:
        asked: The held-out files, numbered from 0; texts are numbered alike in all trials.
        before: One row for each different text of `asked`, in order of its number.
        after: The same.
    """

    asked: Examples
    before: Values
    after: Values


@dataclass(frozen=True, slots=True)
class Comparison:
    """Each metric before and after, and the difference with its interval, by the names of the metrics."""

    before: dict[str, float]
    after: dict[str, float]
    difference: dict[str, Interval]


def compare(trials: Sequence[Trial], seed: int, metrics: Sequence[str] = METRICS) -> Comparison:
    """Average over trials, each different text counting alike, and resample; `metrics` name the columns.

    What is resampled is files or searches (a text in a trial), whichever are fewer: the captions of one file stand
    or fall together, and so do the files that one label finds.
    """
    before, after = (np.concatenate(values) for values in zip(*((t.before, t.after) for t in trials), strict=True))
    search, file, weight = _weighted_pairs(trials)
    unit = np.unique(file if file.max() < search.max() else search, return_inverse=True)[1]
    weights = sums_by(unit, weight[:, None])[:, 0]
    sums = [sums_by(unit, values[search] * weight[:, None]) for values in (before, after)]
    low, high = mean_ends(sums[1] - sums[0], weights, seed)
    means = [np.minimum(each.sum(axis=0) / weights.sum(), 1) for each in sums]  # rounding may exceed 1
    difference = means[1] - means[0]
    return Comparison(
        before=dict(zip(metrics, means[0].tolist(), strict=True)),
        after=dict(zip(metrics, means[1].tolist(), strict=True)),
        difference={
            name: Interval(*(float(each[column]) for each in (difference, low, high)))
            for column, name in enumerate(metrics)
        },
    )


def _weighted_pairs(trials: Sequence[Trial]) -> tuple[Ids, Ids, Weights]:
    """List the pairs of a search and a file that it should find: their numbers over all trials, and a weight.

    The weights of the pairs of one text sum to 1, each of its searches having an equal share.
    """
    searches, files, texts = [], [], []
    search_count = file_count = 0
    for trial in trials:
        number, search = np.unique(trial.asked.text, return_inverse=True)
        searches.append(search + search_count)
        files.append(trial.asked.item + file_count)
        texts.append(number)
        search_count += len(number)
        file_count += trial.asked.rows.items
    search, text = np.concatenate(searches), np.concatenate(texts)
    share = 1 / (np.bincount(text)[text] * np.bincount(search))  # of each pair of a search
    return search, np.concatenate(files), share[search]
