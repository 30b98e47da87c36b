"""A table of what something brings: each metric before and after, and the difference with its interval."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from mmsearch.reports import AdaptReport, BankReport


def gains_table(report: "AdaptReport | BankReport") -> "Table":
    """Lay out what was measured for one modality."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column(report.modality)
    for name in ("before", "after", "difference", "95 % interval"):
        table.add_column(name, justify="right")
    for metric, gain in report.difference.items():
        table.add_row(
            metric,
            f"{report.before[metric]:.1%}",
            f"{report.after[metric]:.1%}",
            f"{100 * gain.value:+.1f}",
            f"{100 * gain.low:+.1f} to {100 * gain.high:+.1f}",
        )
    return table
