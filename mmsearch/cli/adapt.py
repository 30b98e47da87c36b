"""`mmsearch adapt`: fit searches to the user's own captions and labels, or undo it."""

from typing import TYPE_CHECKING, Annotated

import typer

from mmsearch.cli.gains import refuse_undo_of_a_part, show_gains
from mmsearch.cli.options import (
    GlobalOptions,
    JsonOption,
    MeasureOnlyOption,
    PairsArgument,
    UndoOption,
    with_global_options,
)
from mmsearch.cli.output import counted, emit_json, examples, wants_json
from mmsearch.cli.progress import working_shown
from mmsearch.errors import UsageError

if TYPE_CHECKING:
    from mmsearch.gain_reports import AdaptReport

EXAMPLES = examples(
    ("mmsearch adapt captions.jsonl", '{"file": "dog.jpg", "caption": "Rex at the lake"} a line'),
    ("mmsearch adapt labels.csv --modality audio", "a table with the columns file and label"),
    ("mmsearch adapt captions.jsonl --dry-run", "only see what it would bring"),
    ("mmsearch adapt --undo", "as before the last time"),
)


@with_global_options
def adapt(
    options: GlobalOptions,
    pairs: PairsArgument = None,
    modality: Annotated[
        str, typer.Option("--modality", metavar="KINDS", help="Only these kinds: image, audio or image,audio.")
    ] = "",
    dry_run: MeasureOnlyOption = False,
    undo: UndoOption = False,
    json: JsonOption = False,
) -> None:
    """Fit searches for pictures and sounds to your own captions or labels.

    A small correction is fitted to the pairs and measured on pairs that it has not seen. It is installed only if it
    helps there. Nothing is decoded or embedded again; files that come later are corrected too. At least 10 files of
    a kind are needed, and 5 labels that several files have; a few hundred files are worth it.
    """
    if undo != (pairs is None):
        raise UsageError("Give either PAIRS or --undo.", remedy="See `mmsearch adapt --help`.")
    refuse_undo_of_a_part(undo=undo, dry_run=dry_run, modality=modality)
    if pairs is None:
        _undo(options, json)
        return
    with options.open() as collection, working_shown("Fitting, and measuring what it brings", quiet=options.quiet):
        reports = collection.adapt(pairs, modality=modality, dry_run=dry_run)
    show_gains(options, "adapt", reports, _measured, use="searches for {modality}", dry_run=dry_run, json=json)
    if unknown := sum(report.unknown for report in reports):
        options.notice(f"{counted(unknown, 'file')} of the table are not in the collection and did not count.")


def _measured(report: "AdaptReport") -> str:
    return (
        f"Measured with {counted(report.queries, 'text')} on {counted(report.items, 'file')} held out in "
        f"{report.folds} parts, among {counted(report.others, 'other file')}, in {report.seconds:,.1f} s."
    )


def _undo(options: GlobalOptions, json: bool) -> None:
    with options.open() as collection:
        modalities = list(collection.undo_adapt())
    if wants_json(json):
        emit_json({"undone": modalities})
    elif modalities:
        typer.echo(f"Searches for {' and '.join(modalities)} are as before the last time.")
    else:
        typer.echo("There is nothing to undo.")
