"""`mmsearch feedback`: say which results of a query were right."""

from typing import Annotated

import typer

from mmsearch.cli.options import GlobalOptions, JsonOption, with_global_options
from mmsearch.cli.output import counted, emit_json, examples, wants_json

EXAMPLES = examples(
    ("mmsearch search --log 'a dog on the beach'", "keeps the query, and says its number"),
    ("mmsearch feedback 7 17 42", "of query 7 the results with ids 17 and 42 were right"),
    ("mmsearch feedback 7 photos/cat.jpg --bad", "this one was wrong"),
)


@with_global_options
def feedback(
    options: GlobalOptions,
    query_id: Annotated[int, typer.Argument(metavar="QUERY", min=1, help="The number that `search --log` says.")],
    items: Annotated[
        list[str], typer.Argument(metavar="ID_OR_PATH", help="Results, by the id that a search shows, or by path.")
    ],
    bad: Annotated[bool, typer.Option("--bad", help="They were wrong; else they were right.")] = False,
    json: JsonOption = False,
) -> None:
    """Say which results of a query were right, or wrong. It stays on this machine, in the collection.

    `mmsearch evaluate --from-log` measures by it, and `mmsearch calibrate --from-log` learns from it. The last word on
    a file counts. Results are not kept, so it is not checked whether a file was one of them.
    """
    with options.open() as collection:
        collection.feedback(query_id, *items, good=not bad)
    if wants_json(json):
        emit_json({"query": query_id, "items": len(items), "good": not bad})
    else:
        typer.echo(f"Noted: {counted(len(items), 'result')} of query {query_id} {'wrong' if bad else 'right'}.")
