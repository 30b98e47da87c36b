"""What something brings, as `adapt`, `calibrate` and `train` measure it: a table, a verdict, and the way back."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import typer

from mmsearch.cli.options import GlobalOptions
from mmsearch.cli.output import emit_json, plain_table, show, wants_json
from mmsearch.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from mmsearch.gain_reports import GainReport

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


def refuse_undo_of_a_part(*, undo: bool, dry_run: bool, modality: str) -> None:
    """Raise a UsageError if --undo is to be more or less than that."""
    if undo and (dry_run or modality):
        raise UsageError("--undo takes back all of the last time; it goes with neither --dry-run nor --modality.")


def show_undone(undone: bool, *, json: bool) -> None:
    """Say whether there was something to undo."""
    if wants_json(json):
        emit_json({"undone": undone})
    else:
        typer.echo("Searches are as before the last time." if undone else "There is nothing to undo.")


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
