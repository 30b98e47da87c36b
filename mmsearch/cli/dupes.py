"""`mmsearch dupes`: copies and near copies, and which of them would be kept."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmsearch.cli.options import GlobalOptions, JsonOption, with_global_options
from mmsearch.cli.output import counted, emit_json, emit_raw, examples, plain_table, short_path, show, size, wants_json
from mmsearch.cli.progress import count_shown

if TYPE_CHECKING:
    from rich.table import Table

    from mmsearch.reports import Dupe, DupeFile, DupeReport

EXAMPLES = examples(
    ("mmsearch dupes", "all copies; deletes nothing"),
    ("mmsearch dupes ~/Pictures/2024", "only within a folder"),
    ("mmsearch dupes --exact -0 | xargs -0 rm --", "delete exact copies, all but the ones to keep"),
    ("mmsearch dupes --where 'taken >= 2024'", "only among such files"),
    ("mmsearch dupes --json | jq -r '.others[] | select(.reason == \"near\") | .path'", "only near copies"),
)


@with_global_options
def dupes(
    options: GlobalOptions,
    inside: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="Only these files and folders of the collection; by default all."),
    ] = None,
    exact: Annotated[bool, typer.Option("--exact", help="Only files of the same content, byte for byte.")] = False,
    where: Annotated[
        str,
        typer.Option("--where", metavar="EXPR", help="Only files for which this holds, such as 'year = 2024'."),
    ] = "",
    paths: Annotated[
        bool, typer.Option("--paths", "-f", help="Print only the paths of what would not be kept, one a line.")
    ] = False,
    print0: Annotated[
        bool, typer.Option("-0", "--print0", help="Print only these paths, each ended by a NUL.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Find copies of files and near copies of pictures, and say which would be kept. Deletes nothing itself.

    Kept would be the picture with the most pixels, then the largest file, then one with notes of a camera, then the
    earliest, then the one with the shortest path. Each other file is a copy of that one itself.

    Near copies were resized, recompressed, cut or turned a little, or have other light or colours. Look at them
    before you delete any: icons, forms or shots of a burst that differ in a detail may be among them. Of sounds,
    videos and texts only exact copies are found.
    """
    if json and (paths or print0):
        raise typer.BadParameter("--json goes with neither --paths nor -0.")
    with options.open() as collection, count_shown("Comparing pictures", quiet=options.quiet) as on_progress:
        report = collection.dupes(*(inside or ()), near=not exact, where=where, on_progress=on_progress)
    if paths or print0:
        end = b"\0" if print0 else b"\n"
        emit_raw(b"".join(os.fsencode(other.path) + end for other in report.others))
    elif wants_json(json):
        for group in report.groups:
            emit_json(group.to_dict())
    elif report.groups:
        show(_table(report))
    _print_notices(options, report)


def _print_notices(options: GlobalOptions, report: "DupeReport") -> None:
    compared = f"among {counted(report.files, 'file')}"
    if report.groups:
        left_out = f"{counted(len(report.others), 'file')} ({size(report.freed_bytes)}) would not be kept"
        options.notice(f"{counted(len(report.groups), 'group')} of copies {compared}; {left_out}. Nothing was deleted.")
    else:
        options.notice(f"No copies {compared}.")
    if report.stale:
        options.notice(
            f"{counted(report.stale, 'file')} did not count, being gone or changed since the last "
            f"`{options.call('index')}`."
        )
    if report.without_look:
        options.notice(
            f"{counted(report.without_look, 'picture')} could be compared by content only, having been indexed by an "
            f"older mmsearch. Forget them with `{options.call('remove')}` and index them again to find near copies."
        )


def _table(report: "DupeReport") -> "Table":
    table = plain_table()
    table.add_column("group", justify="right")
    table.add_column("copy")
    table.add_column("pixels", justify="right")
    table.add_column("size", justify="right")
    table.add_column("file", overflow="fold", ratio=2)
    table.add_column("why the first is kept", overflow="fold", ratio=1)
    for number, group in enumerate(report.groups, start=1):
        table.add_row(str(number), "keep", *_facts(group.kept), style="bold")
        for other in group.others:
            table.add_row("", _likeness(other), *_facts(other), other.kept_for)
    return table


def _facts(file: "DupeFile") -> tuple[str, str, str]:
    pixels = f"{file.width_px} x {file.height_px}" if file.width_px else ""
    return pixels, size(file.size_bytes), short_path(file.path)


def _likeness(other: "Dupe") -> str:
    if other.cosine is None:
        return other.reason
    return f"{other.reason}, {other.distance} bits, {other.cosine:.2f}"
