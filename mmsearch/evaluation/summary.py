"""From queries to groups of them: means and medians with their intervals."""

from collections.abc import Mapping, Sequence

import numpy as np

from mmsearch.bootstrap import CONFIDENCE, Values, draws, mean_ends, sums_by
from mmsearch.evaluation.judged import JudgedQuery
from mmsearch.evaluation.metrics import MEDIAN_RANK, first_ranks, query_values
from mmsearch.evaluation.ranking import Run
from mmsearch.evaluation.report import Group, GroupKind
from mmsearch.reports import Interval
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
    relevant, paths = [query.relevant for query in queries], run.paths()
    groups = [_group("all", "all", relevant, paths, metrics)]
    for modality in MODALITIES:
        some = [_of_modality(query.relevant, modalities, modality) for query in queries]
        if any(some):
            kept = [number for number, grades in enumerate(some) if grades]
            rankings = [_without(paths[number], queries[number].relevant, some[number]) for number in kept]
            groups.append(_group("target", modality, [some[number] for number in kept], rankings, metrics))
    for kind in sorted({query.kind for query in queries}):
        kept = [number for number, query in enumerate(queries) if query.kind == kind]
        rankings = [paths[number] for number in kept]
        groups.append(_group("query", kind, [relevant[number] for number in kept], rankings, metrics))
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


def _group(
    by: GroupKind, name: str, relevant: Sequence[Grades], rankings: Sequence[Sequence[str]], metrics: Sequence[str]
) -> Group:
    unit = units(relevant)
    means = mean_intervals(query_values(relevant, rankings, metrics), unit)
    measured = dict(zip(metrics, means, strict=True))
    measured[MEDIAN_RANK] = median_interval(first_ranks(relevant, rankings), unit)
    return Group(by, name, len(relevant), measured)


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
