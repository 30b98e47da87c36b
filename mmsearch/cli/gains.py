"""What something brings, as `adapt` and `calibrate` measure it: a table of each metric, and a verdict."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from mmsearch.cli.options import GlobalOptions
from mmsearch.cli.output import emit_json, plain_table, show, wants_json

if TYPE_CHECKING:
    from rich.table import Table

    from mmsearch.reports import GainReport

R = TypeVar("R", bound="GainReport")


def show_gains(
    options: GlobalOptions,
    command: str,
    reports: Sequence[R],
    measured: Callable[[R], str],
    *,
    use: str,
    dry_run: bool,
    json: bool,
) -> None:
    """Show what a command measured for each modality, and how to take back what it installed.

    Args:
        measured: Says in a sentence how a report was made.
        use: What is said to use it from now on: "searches for {modality}".
    """
    for report in reports:
        if wants_json(json):
            emit_json(report.to_dict() | {"installed": report.helps and not dry_run})
        else:
            found = _verdict(report, use.format(modality=report.modality), dry_run=dry_run)
            show(_gains_table(report), f"{measured(report)} {found}", "")
    if not dry_run and any(report.helps for report in reports):
        options.notice(f"`{options.call(command)} --undo` takes it back.")


def _verdict(report: "GainReport", use: str, *, dry_run: bool) -> str:
    if not report.helps:
        return "It does not help for certain, so nothing was installed."
    if dry_run:
        return "It helps. Nothing was installed: this was a dry run."
    return f"It helps: {use} use it from now on."


def _gains_table(report: "GainReport") -> "Table":
    table = plain_table()
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
