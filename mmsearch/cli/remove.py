"""`mmsearch remove`: forget files, without touching them."""

from typing import Annotated

import typer

from mmsearch.cli.options import GlobalOptions, JsonOption, with_global_options
from mmsearch.cli.output import counted, emit_json, examples, wants_json

EXAMPLES = examples(
    ("mmsearch remove ~/Pictures/private", "a folder stands for all below it"),
    ("mmsearch remove 17", "by the id that a search shows"),
)


@with_global_options
def remove(
    options: GlobalOptions,
    items: Annotated[
        list[str], typer.Argument(metavar="PATH_OR_ID", help="Files or folders, or ids as a search shows them.")
    ],
    json: JsonOption = False,
) -> None:
    """Forget files: they are no longer found. The files themselves are not touched.

    They come back when `mmsearch index` is given a folder that they lie in. A folder that is removed by name is also
    left out by `mmsearch index` without paths.
    """
    with options.open() as collection:
        removed = collection.remove(*items)
    if wants_json(json):
        emit_json({"removed": removed})
    else:
        typer.echo(f"Forgot {counted(removed, 'file')}. The files themselves are still where they were.")
