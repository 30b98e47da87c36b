"""`mmsearch adapt`: fit searches to the user's own captions and labels, or undo it."""

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmsearch.cli.gains import gains_table
from mmsearch.cli.options import GlobalOptions, JsonOption, with_global_options
from mmsearch.cli.output import console, counted, emit_json, examples, show, wants_json
from mmsearch.errors import UsageError

if TYPE_CHECKING:
    from mmsearch.reports import AdaptReport

EXAMPLES = examples(
    ("mmsearch adapt captions.jsonl", '{"file": "dog.jpg", "caption": "Rex at the lake"} a line'),
    ("mmsearch adapt labels.csv --modality audio", "a table with the columns file and label"),
    ("mmsearch adapt captions.jsonl --dry-run", "only see what it would bring"),
    ("mmsearch adapt --undo", "as before the last time"),
)


@with_global_options
def adapt(
    options: GlobalOptions,
    pairs: Annotated[
        Path | None,
        typer.Argument(
            metavar="PAIRS",
            help="JSON lines (.jsonl) or a table with a header (.csv, .tsv): on each line a file of the collection, "
            "relative to PAIRS, and its caption, captions or label.",
        ),
    ] = None,
    modality: Annotated[
        str, typer.Option("--modality", metavar="KINDS", help="Only these kinds: image, audio or image,audio.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only measure what it would bring; searches stay as they are.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take back what the last time installed.")] = False,
    json: JsonOption = False,
) -> None:
    """Fit searches for pictures and sounds to your own captions or labels.

    A small correction is fitted to the pairs and measured on pairs that it has not seen. It is installed only if it
    helps there. Nothing is decoded or embedded again; files that come later are corrected too. At least 10 files of
    a kind are needed, and 5 labels that several files have; a few hundred files are worth it.
    """
    if undo != (pairs is None):
        raise UsageError("Give either PAIRS or --undo.", remedy="See `mmsearch adapt --help`.")
    if undo and (dry_run or modality):
        raise UsageError("--undo takes back all of the last time; it goes with neither --dry-run nor --modality.")
    if pairs is None:
        _undo(options, json)
        return
    with options.open() as collection, _working(quiet=options.quiet):
        reports = collection.adapt(pairs, modality=modality, dry_run=dry_run)
    for report in reports:
        if wants_json(json):
            emit_json(report.to_dict() | {"installed": report.helps and not dry_run})
        else:
            show(gains_table(report), verdict(report, dry_run=dry_run), "")
    if unknown := sum(report.unknown for report in reports):
        options.notice(f"{counted(unknown, 'file')} of the table are not in the collection and did not count.")
    if not dry_run and any(report.helps for report in reports):
        options.notice(f"`{options.call('adapt')} --undo` takes it back.")


def verdict(report: "AdaptReport", *, dry_run: bool) -> str:
    """Say in a sentence what was found and done."""
    measured = (
        f"Measured with {counted(report.queries, 'text')} on {counted(report.items, 'file')} held out in "
        f"{report.folds} parts, among {counted(report.others, 'other file')}, in {report.seconds:,.1f} s."
    )
    if not report.helps:
        found = "It does not help for certain, so nothing was installed."
    elif dry_run:
        found = "It helps. Nothing was installed: this was a dry run."
    else:
        found = f"It helps: searches for {report.modality} use it from now on."
    return f"{measured} {found}"


def _undo(options: GlobalOptions, json: bool) -> None:
    with options.open() as collection:
        modalities = list(collection.undo_adapt())
    if wants_json(json):
        emit_json({"undone": modalities})
    elif modalities:
        typer.echo(f"Searches for {' and '.join(modalities)} are as before the last time.")
    else:
        typer.echo("There is nothing to undo.")


def _working(*, quiet: bool) -> AbstractContextManager[object]:
    if quiet or not sys.stderr.isatty():
        return nullcontext()
    return console(stderr=True).status("Fitting, and measuring what it brings")
