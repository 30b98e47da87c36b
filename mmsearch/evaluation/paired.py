"""Two runs over the same queries: how much better the second is, and for how many of them."""

from collections.abc import Sequence

import numpy as np

from mmsearch.bootstrap import Values
from mmsearch.evaluation.judged import JudgedQuery
from mmsearch.evaluation.metrics import first_ranks, query_values
from mmsearch.evaluation.ranking import Run
from mmsearch.evaluation.report import Change, ChangedQuery, Comparison
from mmsearch.evaluation.summary import mean_intervals, units

MAX_CHANGED = 10
_PRECISION = "mAP"  # of one query: its average precision
_ROUNDING = 1e-9


def compare(
    queries: Sequence[JudgedQuery], before: Run, after: Run, metrics: Sequence[str], *, left_out: int = 0
) -> Comparison:
    """Compare two runs query by query, by a paired bootstrap of the differences.

    Args:
        queries: Of both runs; at least one.
        before: Its rankings are those of `queries`, in order.
        after: The same.
        metrics: From `metrics.parse_metric`, with mAP and without the median rank.
        left_out: To be told in the report.
    """
    relevant = [query.relevant for query in queries]
    values = [query_values(relevant, run.paths(), metrics) for run in (before, after)]
    gains = values[1] - values[0]
    changes = {
        name: Change(difference, int((column > _ROUNDING).sum()), int((column < -_ROUNDING).sum()))
        for name, difference, column in zip(metrics, mean_intervals(gains, units(relevant)), gains.T, strict=True)
    }
    precision = [each[:, metrics.index(_PRECISION)] for each in values]
    changed = _changed(queries, before, after, precision)
    return Comparison(before.name, after.name, len(queries), left_out, changes, changed)


def _changed(
    queries: Sequence[JudgedQuery], before: Run, after: Run, precision: Sequence[Values]
) -> tuple[ChangedQuery, ...]:
    """Return the queries whose average precision changed most, the worst losses first."""
    relevant = [query.relevant for query in queries]
    ranks = [first_ranks(relevant, run.paths()) for run in (before, after)]
    gains = precision[1] - precision[0]
    most = np.argsort(-np.abs(gains), kind="stable")[:MAX_CHANGED]
    most = most[np.abs(gains[most]) > _ROUNDING]
    return tuple(
        ChangedQuery(
            queries[number].id,
            queries[number].title,
            before=float(precision[0][number]),
            after=float(precision[1][number]),
            rank_before=_rank(ranks[0][number]),
            rank_after=_rank(ranks[1][number]),
        )
        for number in most[np.argsort(gains[most], kind="stable")]
    )


def _rank(rank: float) -> int | None:
    return int(rank) if np.isfinite(rank) else None
