"""`mmsearch rebuild`: make the index anew from the stored vectors, and tokens from the files that lack them."""

from dataclasses import asdict
from typing import Annotated

import typer

from mmsearch.cli.options import GlobalOptions, JsonOption, with_global_options
from mmsearch.cli.output import counted, emit_json, examples, size, wants_json
from mmsearch.cli.progress import progress_shown

EXAMPLES = examples(
    ("mmsearch rebuild", ""),
    ("mmsearch rebuild -c work", ""),
    ("mmsearch rebuild --tokens", "let re-rankers work on what was indexed without tokens"),
)


@with_global_options
def rebuild(
    options: GlobalOptions,
    tokens: Annotated[
        bool,
        typer.Option("--tokens", help="First read again what was indexed without tokens, on which re-rankers work."),
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, metavar="N", help="Processes that read for it; by default one a core."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Compact the stored vectors and tokens, and make the index anew.

    Nothing is embedded again, unless tokens are asked for. Worth it after many files were removed; never needed for
    right results.
    """
    with options.open() as collection, progress_shown(quiet=options.quiet) as on_progress:
        index = collection.rebuild(tokens=tokens, workers=workers, on_progress=on_progress)
    if wants_json(json):
        emit_json(asdict(index))
    else:
        typer.echo(f"The index ({index.kind}) holds {counted(index.vectors, 'vector')} in {size(index.size_bytes)}.")
