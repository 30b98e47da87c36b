"""`mmsearch calibrate`: make files that come up for everything come up less, or undo it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmsearch.cli.gains import refuse_undo_of_a_part, show_gains, show_undone
from mmsearch.cli.options import GlobalOptions, JsonOption, MeasureOnlyOption, UndoOption, with_global_options
from mmsearch.cli.output import counted, examples
from mmsearch.cli.progress import working_shown
from mmsearch.errors import UsageError

if TYPE_CHECKING:
    from mmsearch.gain_reports import BankReport

EXAMPLES = examples(
    ("mmsearch calibrate captions.jsonl", "the captions are the queries, and their files the right answers"),
    ("mmsearch calibrate captions.jsonl --queries asked.txt", "queries of your own, a line each"),
    ("mmsearch calibrate --from-log", "queries that were kept, checked by `mmsearch feedback`"),
    ("mmsearch calibrate captions.jsonl --dry-run", "only see what it would bring"),
    ("mmsearch calibrate --undo", "as before the last time"),
)


@with_global_options
def calibrate(
    options: GlobalOptions,
    pairs: Annotated[
        Path | None,
        typer.Argument(
            metavar="PAIRS",
            help="Files and their captions or labels, as for `mmsearch adapt`. Without it the check is by what "
            "`mmsearch feedback` was told.",
        ),
    ] = None,
    queries: Annotated[
        Path | None,
        typer.Option("--queries", metavar="FILE", help="Queries as people ask them, a line each; else the captions."),
    ] = None,
    from_log: Annotated[
        bool, typer.Option("--from-log", help="Take the queries that `mmsearch search --log` kept.")
    ] = False,
    modality: Annotated[
        str, typer.Option("--modality", metavar="KINDS", help="Only for these kinds of files, such as image,audio.")
    ] = "",
    dry_run: MeasureOnlyOption = False,
    undo: UndoOption = False,
    json: JsonOption = False,
) -> None:
    """Make files that come up for every text come up less.

    Queries that are like what people ask show which files those are. What it brings is measured on files kept aside,
    and it is used only if it helps there for certain. Queries of another kind than yours do harm, so none come with
    mmsearch: at least 10 are needed, and 10 files with right answers; a few hundred are worth it.
    """
    sources = pairs is not None or queries is not None or from_log
    if undo == sources:
        raise UsageError("Give PAIRS, --queries, --from-log, or --undo alone.", remedy="See `mmsearch calibrate -h`.")
    refuse_undo_of_a_part(undo=undo, dry_run=dry_run, modality=modality)
    if undo:
        _undo(options, json)
        return
    with options.open() as collection, working_shown("Measuring what a bank of queries brings", quiet=options.quiet):
        reports = collection.calibrate(pairs, queries=queries, from_log=from_log, modality=modality, dry_run=dry_run)
    show_gains(
        options, "calibrate", reports, _measured, use="searches for {modality} by text", dry_run=dry_run, json=json
    )
    if unknown := max(report.unknown for report in reports):
        options.notice(f"{counted(unknown, 'file')} with right answers are not in the collection and did not count.")


def _measured(report: "BankReport") -> str:
    return (
        f"A bank of {report.queries:,} queries (k {report.k}, weight {report.weight:g}), measured with "
        f"{counted(report.asked, 'text')} on {counted(report.items, 'file')} held out in {report.folds} parts, among "
        f"{counted(report.others, 'other file')}, in {report.seconds:,.1f} s."
    )


def _undo(options: GlobalOptions, json: bool) -> None:
    with options.open() as collection:
        undone = collection.undo_calibrate()
    show_undone(undone, json=json)
