"""`mmsearch index`: make a collection, or bring it up to date."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmsearch.cli.options import GlobalOptions, JsonOption, with_global_options
from mmsearch.cli.output import counted, emit_json, examples, wants_json
from mmsearch.cli.progress import progress_shown

if TYPE_CHECKING:
    from mmsearch.collection.collection import Collection
    from mmsearch.reports import IndexReport, Status

EXAMPLES = examples(
    ("mmsearch index ~/Pictures ~/Notes", "search them from now on"),
    ("mmsearch index", "bring those up to date"),
    ("mmsearch index ~/Pictures --exclude 'thumbs/' --exclude '*.gif'", ""),
    ("mmsearch index -c work ~/work --dry-run", "only count what would be done"),
)


@with_global_options
def index(
    options: GlobalOptions,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="Files and folders. Without any, those that were indexed before."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="MODEL", help="For a new collection: see `mmsearch models`."),
    ] = None,
    include: Annotated[
        list[str] | None,
        typer.Option(
            "--include",
            metavar="GLOB",
            help="Only what matches, as in .gitignore; may be repeated. Give it in every run.",
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude",
            metavar="GLOB",
            help="Pass over what matches, as in .gitignore; may be repeated. Give it in every run.",
        ),
    ] = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="Also names that begin with a dot.")] = False,
    follow_symlinks: Annotated[
        bool, typer.Option("--follow-symlinks", help="Also what symbolic links lead to.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count what would be done; nothing is read, written or forgotten.")
    ] = False,
    transcribe: Annotated[
        bool | None,
        typer.Option(
            "--transcribe/--no-transcribe",
            show_default=False,
            help="Write down what is said in recordings, so that it can be searched; by default ingest.transcribe of "
            "the settings, true. It takes a third of the recording's length on one core. Files that were indexed "
            "without stay so until they change.",
        ),
    ] = None,
    tokens: Annotated[
        bool | None,
        typer.Option(
            "--tokens/--no-tokens",
            show_default=False,
            help="Keep what the parts of each file mean, for re-rankers: some 6 KiB a picture. "
            "A new collection does by ingest.tokens of the settings, true; an older one stays as it is. --tokens also "
            "reads again what was indexed without, --no-tokens forgets what was kept.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, metavar="N", help="Processes that read and embed; by default one a core."),
    ] = None,
    optimize: Annotated[
        bool,
        typer.Option(
            "--optimize/--no-optimize",
            help="Keep the index of a big collection in shape, as `mmsearch optimize` does: from 20,000 vectors on it "
            "is built and measured at times, which takes a minute or more.",
        ),
    ] = True,
    json: JsonOption = False,
) -> None:
    """Make a collection of photos, sounds and texts searchable, or bring it up to date.

    Only what changed since the last time is read. Files that are gone are forgotten. Ctrl-C is safe: what was
    finished is kept, and the same command goes on from there.
    """
    with options.open(model) as collection, progress_shown(quiet=options.quiet) as on_progress:
        if not paths:
            _name_missing_roots(options, collection)
        report = collection.index(
            *paths or (),
            include=include or (),
            exclude=exclude or (),
            hidden=hidden or None,  # not given: as the settings say
            follow_symlinks=follow_symlinks or None,
            dry_run=dry_run,
            transcribe=transcribe,
            tokens=tokens,
            workers=workers,
            optimize=optimize,
            on_progress=on_progress,
        )
        after = collection.status() if collection.exists and not dry_run else None
    if wants_json(json):
        _print_json(report, dry_run=dry_run)
    else:
        typer.echo(summary(report, dry_run=dry_run))
    _print_notices(options, report, after)


def summary(report: "IndexReport", *, dry_run: bool = False) -> str:
    """Put the counts into words, on two lines."""
    counts = [
        f"{report.added:,} added" + (f" ({report.renamed:,} renamed)" if report.renamed else ""),
        f"{report.updated:,} updated",
        f"{report.unchanged:,} unchanged",
        f"{report.removed:,} removed",
        f"{report.failed:,} failed",
    ]
    counts += [f"{report.waiting:,} waiting"] if report.waiting else []
    counts += [f"{report.skipped:,} without anything to search"] if report.skipped else []
    counts += [f"{counted(report.tokens_made, 'segment')} given tokens"] if report.tokens_made else []
    speed = f", {report.encoded / report.seconds:,.0f} a second" if report.encoded and report.seconds else ""
    done = f"{counted(report.encoded, 'file')} read and embedded in {report.seconds:,.1f} s{speed}."
    first = "Nothing was done; this is what would be, by size and time of the files:" if dry_run else done
    return f"{first}\n{', '.join(counts)}"


def waiting_line(waiting: dict[str, int]) -> str:
    """Say which files no model here can embed yet."""
    kinds = " and ".join(f"{counted(count, f'{modality} file')}" for modality, count in sorted(waiting.items()))
    verb = "waits" if sum(waiting.values()) == 1 else "wait"
    return f"{kinds} {verb} for a model that takes sounds, as the built-in one does."


def _print_json(report: "IndexReport", *, dry_run: bool) -> None:
    from dataclasses import asdict

    emit_json(asdict(report) | ({"dry_run": True} if dry_run else {}))


def _print_notices(options: GlobalOptions, report: "IndexReport", after: "Status | None") -> None:
    if after and after.waiting:
        options.notice(waiting_line(after.waiting))
    for notice in report.notices:
        options.notice(notice)
    if report.failed:
        options.notice(f"{counted(report.failed, 'file')} could not be read; see `{options.call('errors')}`.")
    elif after and after.failed:
        options.notice(f"{counted(after.failed, 'file')} could not be read earlier; see `{options.call('errors')}`.")


def _name_missing_roots(options: GlobalOptions, collection: "Collection") -> None:
    for root in collection.status().roots if collection.exists else ():
        if not os.path.exists(root):
            options.notice(
                f"{root} is not there now; `{options.call('remove')} PATH` forgets it if it is gone for good."
            )
