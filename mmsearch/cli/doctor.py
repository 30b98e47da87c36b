"""`mmsearch doctor`: what is installed here, and what works."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from mmsearch.cli.options import GlobalOptions, JsonOption, with_global_options
from mmsearch.cli.output import emit_json, examples, printable, show, wants_json

if TYPE_CHECKING:
    from rich.table import Table

    from mmsearch.cli.checks import Check

EXAMPLES = examples(("mmsearch doctor", ""), ("mmsearch doctor --json", "for a bug report"))
_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@with_global_options
def doctor(options: GlobalOptions, json: JsonOption = False) -> None:
    """Check this machine and this installation. Exit code 1 if something does not work.

    It ends with a trial: a picture and a text are indexed and found in a temporary folder.
    """
    from mmsearch.cli.checks import checks

    failed = False
    for check in checks(options.config()):
        failed |= check.state == "fail"
        if wants_json(json):
            emit_json(asdict(check))
        else:
            show(_line(check))
    if failed:
        raise typer.Exit(1)


def _line(check: "Check") -> "Table":
    """Lay out one check; they come one by one, so each is a table of its own."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=4, style=_STYLES[check.state])
    table.add_column(width=16, style="bold")
    table.add_column(overflow="fold")
    table.add_row(check.state, check.name, printable(check.says))
    if check.remedy:
        table.add_row("", "", printable(check.remedy), style="dim")
    return table
