"""`mmsearch errors`: the files that could not be read, and why."""

from dataclasses import asdict
from typing import Annotated

import typer

from mmsearch.cli.options import GlobalOptions, JsonOption, with_global_options
from mmsearch.cli.output import emit_json, examples, plain_table, printable, short_path, show, wants_json

EXAMPLES = examples(
    ("mmsearch errors", ""),
    ("mmsearch errors --json | jq -r .path", "only the paths"),
)


@with_global_options
def errors(
    options: GlobalOptions,
    limit: Annotated[int | None, typer.Option("-n", "--limit", min=1, metavar="N", help="At most so many.")] = None,
    json: JsonOption = False,
) -> None:
    """List the files that could not be read, each with the reason.

    They are tried again at the next `mmsearch index` if they have changed.
    """
    with options.open() as collection:
        failures = collection.failures(limit)
    if not failures:
        options.notice("No file failed.")
    elif wants_json(json):
        for failure in failures:
            emit_json(asdict(failure))
    else:
        table = plain_table()
        table.add_column("file", overflow="fold", ratio=1)
        table.add_column("reason", overflow="fold", ratio=1)
        for failure in failures:
            table.add_row(short_path(failure.path), printable(failure.reason))
        show(table)
