"""`mmsearch train`: models that learn from the user's own captions and labels."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from mmsearch.cli.gains import refuse_undo_of_a_part, show_gains, show_undone
from mmsearch.cli.options import (
    GlobalOptions,
    JsonOption,
    MeasureOnlyOption,
    PairsArgument,
    UndoOption,
    with_global_options,
)
from mmsearch.cli.output import counted, examples
from mmsearch.cli.progress import count_shown
from mmsearch.errors import UsageError

if TYPE_CHECKING:
    from mmsearch.gain_reports import RerankerReport

EXAMPLES = examples(("mmsearch train reranker captions.jsonl", "look again at the best results of searches"))
RERANKER_EXAMPLES = examples(
    ("mmsearch train reranker captions.jsonl", '{"file": "dog.jpg", "caption": "Rex at the lake"} a line'),
    ("mmsearch train reranker labels.csv --modality audio", "a table with the columns file and label"),
    ("mmsearch train reranker captions.jsonl --dry-run", "only see what it would bring"),
    ("mmsearch train reranker --undo", "as before the last time"),
    ("torchrun --nproc_per_node=4 -m mmsearch train reranker captions.jsonl", "on four GPUs, or four cores"),
)
DEPTH, MAX_MINUTES = 100, 10.0
app = typer.Typer(rich_markup_mode="rich", no_args_is_help=True)


@app.callback()
@with_global_options
def _train(options: GlobalOptions) -> None:
    """Train models on your own captions and labels."""


@app.command("reranker", epilog=RERANKER_EXAMPLES)
@with_global_options
def reranker(
    options: GlobalOptions,
    pairs: PairsArgument = None,
    modality: Annotated[
        str, typer.Option("--modality", metavar="KINDS", help="Only for these kinds: image, audio or image,audio.")
    ] = "",
    dry_run: MeasureOnlyOption = False,
    undo: UndoOption = False,
    max_minutes: Annotated[
        float, typer.Option("--max-minutes", metavar="N", help="Train for about so long at most.")
    ] = MAX_MINUTES,
    depth: Annotated[
        int, typer.Option("--depth", metavar="N", help="So many results of a search are looked at again.")
    ] = DEPTH,
    seed: Annotated[
        int | None,
        typer.Option("--seed", metavar="N", show_default=False, help="Of all draws; always the same by default."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Train a model that looks at the best results of a search again, and puts them in a better order.

    It lets each word of a query look at the cells of a picture, or at the moments of a sound. It is trained on your
    captions or labels and measured on some that it has not seen, and used only for the kinds of files that it helps
    for certain. At least 10 files of a kind are needed; a few hundred are worth it. torch is needed, a GPU is not.
    """
    if undo != (pairs is None):
        raise UsageError("Give either PAIRS or --undo.", remedy="See `mmsearch train reranker --help`.")
    refuse_undo_of_a_part(undo=undo, dry_run=dry_run, modality=modality)
    if pairs is None:
        _undo(options, json)
        return
    helper = os.environ.get("RANK", "0") != "0"  # torchrun started it to help another process, which shows all
    with options.open() as collection, count_shown("Training", quiet=options.quiet or helper) as on_progress:
        reports = collection.train_reranker(
            pairs,
            modality=modality,
            dry_run=dry_run,
            depth=depth,
            seed=seed,
            max_minutes=max_minutes,
            on_progress=on_progress,
        )
    show_gains(options, "train reranker", reports, _measured, use="searches for {modality}", dry_run=dry_run, json=json)
    if unknown := max((report.unknown for report in reports), default=0):
        options.notice(f"{counted(unknown, 'file')} of the table are not in the collection and did not count.")


def _measured(report: "RerankerReport") -> str:
    return (
        f"The best {report.depth} re-ranked with weight {report.weight:g}, measured with "
        f"{counted(report.queries, 'text')} on {counted(report.items, 'file')} held out in {report.folds} parts, among "
        f"{counted(report.others, 'other file')}, in {report.seconds:,.0f} s."
    )


def _undo(options: GlobalOptions, json: bool) -> None:
    with options.open() as collection:
        undone = collection.undo_reranker()
    show_undone(undone, json=json)
