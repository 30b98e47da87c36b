"""The list of commands, and the entry point `mmsearch`."""

import os
import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from mmsearch import __version__
from mmsearch.cli import (
    adapt,
    calibrate,
    completion,
    config,
    demo,
    doctor,
    dupes,
    errors,
    evaluate,
    explain,
    feedback,
    fields,
    index,
    log,
    models,
    optimize,
    rebuild,
    remove,
    search,
    set,
    status,
    train,
    verify,
)
from mmsearch.cli.options import CollectionOption, GlobalOptions, HomeOption, QuietOption, VerboseOption
from mmsearch.threads import set_up_command

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,  # `mmsearch completion` prints the script instead
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("index", epilog=index.EXAMPLES)(index.index)
app.command("search", epilog=search.EXAMPLES)(search.search)
app.command("explain", epilog=explain.EXAMPLES)(explain.explain)
app.command("status", epilog=status.EXAMPLES)(status.status)
app.command("errors", epilog=errors.EXAMPLES)(errors.errors)
app.command("verify", epilog=verify.EXAMPLES)(verify.verify)
app.command("rebuild", epilog=rebuild.EXAMPLES)(rebuild.rebuild)
app.command("optimize", epilog=optimize.EXAMPLES)(optimize.optimize)
app.command("remove", epilog=remove.EXAMPLES)(remove.remove)
app.command("set", epilog=set.EXAMPLES)(set.set_)
app.command("fields", epilog=fields.EXAMPLES)(fields.fields)
app.command("dupes", epilog=dupes.EXAMPLES)(dupes.dupes)
app.command("adapt", epilog=adapt.EXAMPLES)(adapt.adapt)
app.add_typer(train.app, name="train", epilog=train.EXAMPLES)
app.command("evaluate", epilog=evaluate.EXAMPLES)(evaluate.evaluate)
app.command("calibrate", epilog=calibrate.EXAMPLES)(calibrate.calibrate)
app.command("feedback", epilog=feedback.EXAMPLES)(feedback.feedback)
app.add_typer(log.app, name="log", epilog=log.EXAMPLES)
app.add_typer(models.app, name="models", epilog=models.EXAMPLES)
app.command("doctor", epilog=doctor.EXAMPLES)(doctor.doctor)
app.command("demo", epilog=demo.EXAMPLES)(demo.demo)
app.add_typer(config.app, name="config")
app.command("completion", epilog=completion.EXAMPLES)(completion.completion)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mmsearch {__version__}")
        raise typer.Exit


@app.callback(
    epilog="[bold]First steps[/bold]\n\n"
    "mmsearch demo\n\n"
    "mmsearch index ~/Pictures\n\n"
    "mmsearch search 'a dog on the beach'"
)
def _root(
    context: typer.Context,
    *,
    home: HomeOption = None,
    collection: CollectionOption = "",
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Search your photos, sounds and videos by meaning, on this machine. Nothing leaves it."""
    context.obj = GlobalOptions(home, collection, verbose, quiet)


def main() -> None:
    """Run the command line and end the process with its exit code."""
    set_up_command()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that is not UTF-8 gets escapes, not a crash
            stream.reconfigure(errors="backslashreplace")
    if "_MMSEARCH_COMPLETE" in os.environ:  # the shell asks what may come next
        from typer.completion import completion_init  # type: ignore[attr-defined]

        completion_init()
    app(prog_name="mmsearch")
