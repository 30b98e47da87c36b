"""`mmsearch doctor`: what is installed here, and what works."""

from dataclasses import asdict

import typer

from mmsearch.cli.options import GlobalOptions, JsonOption, with_global_options
from mmsearch.cli.output import emit_json, examples, printable, show, wants_json

EXAMPLES = examples(("mmsearch doctor", ""), ("mmsearch doctor --json", "for a bug report"))
_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@with_global_options
def doctor(options: GlobalOptions, json: JsonOption = False) -> None:
    """Check this machine and this installation. Exit code 1 if something does not work.

    It ends with a trial: a picture and a text are indexed and found in a temporary folder.
    """
    from rich.text import Text

    from mmsearch.cli.checks import checks

    failed = False
    for check in checks(options.config()):
        failed |= check.state == "fail"
        if wants_json(json):
            emit_json(asdict(check))
            continue
        show(
            Text.assemble(
                (f"{check.state:<5}", _STYLES[check.state]), (f"{check.name:<18}", "bold"), printable(check.says)
            )
        )
        if check.remedy:
            show(Text(f"{'':<23}{printable(check.remedy)}", style="dim"))
    if failed:
        raise typer.Exit(1)
