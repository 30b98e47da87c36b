"""`mmsearch verify`: check every stored byte, and mend what is damaged."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from mmsearch.cli.options import GlobalOptions, JsonOption, with_global_options
from mmsearch.cli.output import counted, emit_json, examples, printable, show, wants_json
from mmsearch.errors import CollectionDamaged

if TYPE_CHECKING:
    from mmsearch.reports import Problem

EXAMPLES = examples(
    ("mmsearch verify", ""),
    ("mmsearch verify --repair", "drop what is damaged and read those files again"),
)


@with_global_options
def verify(
    options: GlobalOptions,
    repair: Annotated[
        bool, typer.Option("--repair", help="Also mend: what is damaged is dropped, and its files are read again.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Check that everything stored is whole. Exit code 5 if something is damaged and not repaired."""
    with options.open() as collection:
        problems = collection.verify(repair=repair)
    if not problems:
        options.notice("All is well: every stored byte is as it was written.")
    elif wants_json(json):
        for problem in problems:
            emit_json(asdict(problem))
    else:
        _show(problems)
    left = sum(not problem.repaired for problem in problems)
    if left and repair:
        raise CollectionDamaged(
            f"{counted(left, 'problem')} could not be repaired.",
            remedy="Remove the collection's folder and index again; your own files are not affected.",
        )
    if left:
        raise CollectionDamaged(
            f"{counted(left, 'problem')} found.",
            remedy=f"Run `{options.call('verify')} --repair`; it mends all but damage inside catalog.db itself.",
        )
    if problems:
        options.notice("All was repaired.")


def _show(problems: Sequence["Problem"]) -> None:
    from rich.text import Text

    for problem in problems:
        state = " (repaired)" if problem.repaired else ""
        show(Text(f"{printable(problem.what)}: {printable(problem.where)}{state}", style="bold"))
        for item in problem.items:
            show(Text(f"  {printable(item)}", overflow="fold"))
