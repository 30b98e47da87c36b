"""`mmsearch rebuild`: make the index anew from the stored vectors."""

from dataclasses import asdict

import typer

from mmsearch.cli.options import GlobalOptions, JsonOption, with_global_options
from mmsearch.cli.output import counted, emit_json, examples, size, wants_json

EXAMPLES = examples(("mmsearch rebuild", ""), ("mmsearch rebuild -c work", ""))


@with_global_options
def rebuild(options: GlobalOptions, json: JsonOption = False) -> None:
    """Compact the stored vectors and make the index anew from them.

    Nothing is embedded again. Worth it after many files were removed; never needed for right results.
    """
    with options.open() as collection:
        index = collection.rebuild()
    if wants_json(json):
        emit_json(asdict(index))
    else:
        typer.echo(f"The index ({index.kind}) holds {counted(index.vectors, 'vector')} in {size(index.size_bytes)}.")
