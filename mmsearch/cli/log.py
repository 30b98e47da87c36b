"""`mmsearch log`: the queries that were kept, and what was said of their results."""

import json as json_module
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mmsearch.cli.options import GlobalOptions, JsonOption, with_global_options
from mmsearch.cli.output import emit_json, examples, plain_table, printable, show, wants_json
from mmsearch.errors import UsageError

if TYPE_CHECKING:
    from mmsearch.reports import ClickedQuery

EXAMPLES = examples(
    ("mmsearch log", "the last queries that were kept"),
    ("mmsearch log export judged.jsonl", "those with right results, for `mmsearch evaluate`"),
    ("mmsearch log clear", "forget them all"),
)
SHOW_EXAMPLES = examples(
    ("mmsearch log show -n 5", ""),
    ("mmsearch log show --json | jq -c .query", "as they were asked"),
)
CLEAR_EXAMPLES = examples(("mmsearch log clear --yes", ""))
EXPORT_EXAMPLES = examples(
    ("mmsearch log export judged.jsonl", ""),
    ("mmsearch evaluate judged.jsonl", "how well these queries are answered"),
    ("mmsearch log export - | jq .relevant", "- is standard output"),
)
DEFAULT_LIMIT = 20
app = typer.Typer(rich_markup_mode="rich")
LimitOption = Annotated[int, typer.Option("-n", "--limit", min=1, metavar="N", help="At most so many, the newest.")]


@app.callback(invoke_without_command=True)
@with_global_options
def _log(options: GlobalOptions, context: typer.Context, json: JsonOption = False) -> None:
    """Show, export or forget the queries that were kept. Without a command: show the last ones.

    Queries are kept on request only: by `mmsearch search --log`, or always with `log = true` in the section (search)
    of HOME/mmsearch.toml. They stay in the collection, on this machine.
    """
    if context.invoked_subcommand is None:
        _show(options, DEFAULT_LIMIT, json=json)


@app.command("show", epilog=SHOW_EXAMPLES)
@with_global_options
def log_show(options: GlobalOptions, limit: LimitOption = DEFAULT_LIMIT, json: JsonOption = False) -> None:
    """Show the last queries that were kept, with their right and wrong results."""
    _show(options, limit, json=json)


@app.command("clear", epilog=CLEAR_EXAMPLES)
@with_global_options
def log_clear(
    options: GlobalOptions,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: JsonOption = False,
) -> None:
    """Forget all queries that were kept, and what was said of their results."""
    if not yes:
        if not _asks_a_person():
            raise UsageError("This forgets all queries that were kept.", remedy="Say --yes if that is meant.")
        typer.confirm("Forget all queries that were kept, and what was said of their results?", abort=True, err=True)
    with options.open() as collection:
        forgotten = collection.clear_log()
    if wants_json(json):
        emit_json({"forgotten": forgotten})
    else:
        typer.echo("Nothing was kept." if not forgotten else f"Forgot {_queries(forgotten)}.")


@app.command("export", epilog=EXPORT_EXAMPLES)
@with_global_options
def log_export(
    options: GlobalOptions,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="The file to write, one JSON object a line (.jsonl); '-' for standard output."
        ),
    ],
    json: JsonOption = False,
) -> None:
    """Write the queries that have right results to a file that `mmsearch evaluate` reads."""
    to_stdout = str(file) == "-"
    replaced = not to_stdout and file.expanduser().exists()
    with options.open() as collection:
        written = collection.export_log(sys.stdout if to_stdout else file)
    if replaced:
        options.notice(f"{file} was there and is replaced.")
    if to_stdout:
        options.notice(f"{_queries(written)} with right results.")
    elif wants_json(json):
        emit_json({"exported": written})
    else:
        typer.echo(f"Wrote {_queries(written)} with right results to {printable(str(file))}.")


def _show(options: GlobalOptions, limit: int, *, json: bool) -> None:
    with options.open() as collection:
        queries = collection.logged_queries(limit)
    if not queries:
        options.notice("No query was kept. `mmsearch search --log` keeps one.")
    elif wants_json(json):
        for query in queries:
            emit_json(query.to_dict())
    else:
        _show_table(queries)


def _show_table(queries: "list[ClickedQuery]") -> None:
    table = plain_table()
    table.add_column("query", justify="right")
    table.add_column("asked at")
    table.add_column("for", overflow="fold", ratio=1)
    for name in ("results", "right", "wrong"):
        table.add_column(name, justify="right")
    for query in queries:
        said = printable(_said(query.request))
        numbers = (str(count) for count in (query.hits, len(query.good), len(query.bad)))
        table.add_row(str(query.id), printable(query.asked_at), said, *numbers)
    show(table)


def _said(request: dict[str, Any]) -> str:
    """Write a query in short: its texts, and the rest as it is kept."""
    parts = request.get("parts", [])
    if isinstance(parts, list) and parts and all(isinstance(part, dict) for part in parts):
        shown = [_part(part) for part in parts]
        rest = {name: value for name, value in request.items() if name != "parts"}
        return " ".join([*shown, *(f"{name}={value}" for name, value in rest.items())])
    return json_module.dumps(request, ensure_ascii=False)


def _part(part: dict[str, Any]) -> str:
    weight = part.get("weight", 1)
    values = [f"{value}" if kind == "text" else f"{kind}:{value}" for kind, value in part.items() if kind != "weight"]
    return " ".join(values) if weight == 1 else f"{weight}:{' '.join(values)}"


def _asks_a_person() -> bool:
    return sys.stdin.isatty()


def _queries(count: int) -> str:
    return f"{count:,} query" if count == 1 else f"{count:,} queries"
