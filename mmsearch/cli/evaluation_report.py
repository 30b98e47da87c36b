"""How an evaluation looks on a terminal."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mmsearch.cli.output import counted, plain_table, printable
from mmsearch.evaluation.metrics import MEDIAN_RANK

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from mmsearch.evaluation.report import ChangedQuery, Comparison, EvaluationReport, Group
    from mmsearch.gain_reports import Interval

_GROUP_METRICS = ("hit@1", "hit@10", "recall@10", "MRR", "nDCG@10", "mAP", MEDIAN_RANK)
_CALLED = {"target": "relevant", "query": "query"}
_TITLE_CHARS = 60


def evaluation_report(report: "EvaluationReport") -> Iterator["RenderableType"]:
    """Lay out a report: all queries, then groups of them, then comparisons."""
    yield _headline(report)
    yield ""
    yield _overall(report)
    for run in report.runs:
        groups = [group for group in run.groups[1:] if group.queries < report.queries]
        if groups:
            yield ""
            yield _grouped(run.name, [run.overall, *groups], report.depth)
    for comparison in report.comparisons:
        yield ""
        yield _compared(comparison)
        yield from _changed(comparison.changed)
    if report.index:
        yield ""
        yield (
            f"The index ({report.index.kind}, {counted(report.index.vectors, 'vector')}) finds "
            f"{_measured('recall', report.index.recall, report.depth)} of the true nearest {report.index.k} of "
            f"{counted(report.index.queries, 'query vector')}."
        )


def _headline(report: "EvaluationReport") -> str:
    drawn = f", drawn from {report.queries + report.left_out:,}" if report.left_out else ""
    return printable(
        f"{report.queries:,} queries{drawn} for {counted(report.relevant, 'relevant file')} in the collection "
        f"{report.collection} (model {report.model}), the first {report.depth} files of each ranking, "
        f"in {report.seconds:,.1f} s."
    )


def _overall(report: "EvaluationReport") -> "Table":
    table = _table("all queries", *(run.name for run in report.runs))
    for metric in report.runs[0].overall.metrics:
        table.add_row(
            metric.replace("_", " "),
            *(_measured(metric, run.overall.metrics[metric], report.depth) for run in report.runs),
        )
    times = ("-" if run.median_ms is None else f"{run.median_ms:,.1f} ms" for run in report.runs)
    table.add_row("median time", *times)
    return table


def _grouped(run: str, groups: "Sequence[Group]", depth: int) -> "Table":
    table = _table(run, "queries", *(metric.replace("_", " ") for metric in _GROUP_METRICS))
    for group in groups:
        name = "all" if group.by == "all" else f"{group.name} {_CALLED[group.by]}"
        values = (_value(metric, group.metrics[metric].value, depth) for metric in _GROUP_METRICS)
        table.add_row(name, f"{group.queries:,}", *values)
    return table


def _compared(comparison: "Comparison") -> "Table":
    table = _table(
        f"{comparison.before} -> {comparison.after}: {comparison.queries:,} queries",
        "difference",
        "95 % interval",
        "better",
        "worse",
    )
    for name, change in comparison.metrics.items():
        gain = change.difference
        table.add_row(
            name,
            f"{100 * gain.value:+.1f}",
            f"{100 * gain.low:+.1f} to {100 * gain.high:+.1f}",
            f"{change.better:,}",
            f"{change.worse:,}",
        )
    return table


def _changed(changed: "Sequence[ChangedQuery]") -> Iterator["RenderableType"]:
    if not changed:
        return
    table = _table("changed most", "rank before", "rank after", "precision before", "after")
    for query in changed:
        title = printable(query.title)
        table.add_row(
            title if len(title) <= _TITLE_CHARS else title[: _TITLE_CHARS - 3] + "...",
            _rank(query.rank_before),
            _rank(query.rank_after),
            f"{query.before:.2f}",
            f"{query.after:.2f}",
        )
    yield ""
    yield table


def _table(first: str, *others: str) -> "Table":
    table = plain_table()
    table.add_column(printable(first))
    for name in others:
        table.add_column(printable(name), justify="right")
    return table


def _measured(metric: str, interval: "Interval", depth: int) -> str:
    """Write a value with its interval."""
    if metric == MEDIAN_RANK:
        ends = (_value(metric, end, depth) for end in (interval.low, interval.high))
        return f"{_value(metric, interval.value, depth)} ({' to '.join(ends)})"
    return f"{interval.value:.1%} ({100 * interval.low:.1f} to {100 * interval.high:.1f})"


def _value(metric: str, value: float, depth: int) -> str:
    """Write a share in percent, a rank as it is."""
    if metric != MEDIAN_RANK:
        return f"{value:.1%}"
    return f"{value:g}" if math.isfinite(value) else f"> {depth}"


def _rank(rank: int | None) -> str:
    return "-" if rank is None else str(rank)
