"""From queries to groups of them: means and medians with their intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mmsearch.bootstrap import CONFIDENCE, Values, draws, mean_ends, sums_by
from mmsearch.evaluation.judged import JudgedQuery
from mmsearch.evaluation.metrics import MEDIAN_RANK, first_ranks, query_values
from mmsearch.evaluation.ranking import Run
from mmsearch.evaluation.report import Group, GroupKind
from mmsearch.gain_reports import Interval
from mmsearch.types import MODALITIES, Ids, Modality

SEED = 20_240_229  # the same rankings give the same report

Grades = Mapping[str, int]


def summarise(
    queries: Sequence[JudgedQuery], run: Run, modalities: Mapping[str, Modality], metrics: Sequence[str]
) -> tuple[Group, ...]:
    """Judge a run: over all queries first, then by modality of what is relevant, then by kind of query.

    Args:
        modalities: Of all relevant files.
        metrics: From `metrics.parse_metric`, without the median rank.
    """
    relevant, rankings = [query.relevant for query in queries], run.paths()
    judged = _judge(relevant, rankings, metrics)
    groups = [judged.group("all", "all", metrics)]
    for modality in MODALITIES:
        some = [_of_modality(grades, modalities, modality) for grades in relevant]
        kept = [number for number, grades in enumerate(some) if grades]
        if all(some[number] == relevant[number] for number in kept):
            part = judged.of(kept)
        else:
            only = [some[number] for number in kept]
            without = [_without(rankings[number], relevant[number], some[number]) for number in kept]
            part = _judge(only, without, metrics)
        groups += [part.group("target", modality, metrics)] if kept else []
    for kind in sorted({query.kind for query in queries}):
        kept = [number for number, query in enumerate(queries) if query.kind == kind]
        groups.append(judged.of(kept).group("query", kind, metrics))
    return tuple(groups)


def units(relevant: Sequence[Grades]) -> Ids:
    """Give each query (n,) the number of its set of relevant files.

    Queries for the same files stand or fall together: the five captions of a photo are not five witnesses, and the
    bootstrap draws them as one.
    """
    numbers: dict[frozenset[str], int] = {}
    found = (numbers.setdefault(frozenset(grades), len(numbers)) for grades in relevant)
    return np.fromiter(found, dtype=np.int64, count=len(relevant))


def mean_intervals(values: Values, unit: Ids) -> list[Interval]:
    """Return the means of the columns of values (n, m), with intervals over the units (n,)."""
    low, high = mean_ends(sums_by(unit, values), np.bincount(unit).astype(np.float64), SEED)
    return [Interval(*map(float, each)) for each in zip(values.mean(axis=0), low, high, strict=True)]


def median_interval(ranks: Values, unit: Ids) -> Interval:
    """Return the median of ranks (n,), which may be infinite, with its interval over the units (n,)."""
    order = np.argsort(ranks, kind="stable")
    ascending, unit = ranks[order], unit[order]
    medians = np.array([_median(ascending, drawn[unit]) for drawn in draws(int(unit.max()) + 1, SEED)])
    margin = (1 - CONFIDENCE) / 2
    # Ends that were drawn themselves: between a rank and infinity nothing can be interpolated.
    low = np.quantile(medians, margin, method="lower")
    high = np.quantile(medians, 1 - margin, method="higher")
    return Interval(_median(ascending, np.ones(len(ranks), dtype=np.int64)), float(low), float(high))


@dataclass(frozen=True, slots=True)
class _Judged:
    """Values (n, metrics), first ranks (n,) and the numbers of the sets of relevant files (n,) of n queries."""

    values: Values
    ranks: Values
    sets: Ids

    def of(self, kept: Sequence[int]) -> "_Judged":
        numbered = np.unique(self.sets[kept], return_inverse=True)[1]
        return _Judged(self.values[kept], self.ranks[kept], numbered)

    def group(self, by: GroupKind, name: str, metrics: Sequence[str]) -> Group:
        measured = dict(zip(metrics, mean_intervals(self.values, self.sets), strict=True))
        measured[MEDIAN_RANK] = median_interval(self.ranks, self.sets)
        return Group(by, name, len(self.ranks), measured)


def _judge(relevant: Sequence[Grades], rankings: Sequence[Sequence[str]], metrics: Sequence[str]) -> _Judged:
    return _Judged(query_values(relevant, rankings, metrics), first_ranks(relevant, rankings), units(relevant))


def _of_modality(grades: Grades, modalities: Mapping[str, Modality], wanted: Modality) -> dict[str, int]:
    return {path: grade for path, grade in grades.items() if modalities[path] == wanted}


def _without(ranking: Sequence[str], relevant: Grades, kept: Grades) -> list[str]:
    """Take relevant files of other modalities out of a ranking: they are no mistakes."""
    return [path for path in ranking if path in kept or path not in relevant]


def _median(ascending: Values, times: Ids) -> float:
    """Return the median of values (n,) of which each occurs so many times."""
    upto = np.cumsum(times)
    middle = (upto[-1] - 1) // 2, upto[-1] // 2  # the same place if the count is odd
    low, high = ascending[np.searchsorted(upto, middle, side="right")]
    return float((low + high) / 2)
