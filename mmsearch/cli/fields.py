"""`mmsearch fields`: what a filter can ask for, and what one file has."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from mmsearch.cli.options import GlobalOptions, JsonOption, with_global_options
from mmsearch.cli.output import emit_json, examples, plain_table, printable, short_path, show, wants_json

if TYPE_CHECKING:
    from mmsearch.reports import FieldSummary, SaidField

EXAMPLES = examples(
    ("mmsearch fields", "all fields that --where and --sort know here"),
    ("mmsearch fields photo.jpg", "the tags, ratings and so on of one file, and who says so"),
    ("mmsearch fields --json | jq -r 'select(.own) | .name'", "the names of your own"),
)
_SHOWN_CHARS = 60  # of one value


@with_global_options
def fields(
    options: GlobalOptions,
    item: Annotated[
        str | None,
        typer.Argument(metavar="PATH_OR_ID", help="A file, by path or by an id as a search shows it."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """List the fields that a filter can ask for: those of every file, and your own from sidecars and `mmsearch set`.

    With a file, list its own fields and who says so.
    """
    with options.open() as collection:
        if item is not None:
            _show_file(options, collection.fields_of(item), json=json)
            return
        own = collection.fields() if collection.exists else []
    if wants_json(json):
        _print_json(own)
    else:
        _show_all(own)
        if not own:
            options.notice(
                f"No file has fields of your own yet; `{options.call('set')}` and sidecar files give them some."
            )


def _print_json(own: "Iterable[FieldSummary]") -> None:
    from mmsearch.where.fields import FIELDS

    for field in FIELDS:
        emit_json(
            {
                "name": field.name,
                "own": False,
                "kind": field.kind,
                "meaning": field.meaning,
                "example": field.example,
                "aliases": list(field.aliases),
            }
        )
    for summary in own:
        emit_json({"own": True, **asdict(summary)})


def _show_all(own: "Iterable[FieldSummary]") -> None:
    from mmsearch.where.fields import FIELDS, PLACE_TESTS

    every = plain_table("every file has", "meaning", "example")
    for field in FIELDS:
        every.add_row(field.name, field.meaning, field.example)
    for test in PLACE_TESTS:
        every.add_row(f"{test.name}()", test.meaning, test.example)
    show(every)
    yours = plain_table("your own", "files", "such as")
    for summary in own:
        yours.add_row(printable(summary.name), f"{summary.files:,}", _values(summary.examples))
    if yours.row_count:
        show("", yours)


def _show_file(options: GlobalOptions, said: "list[SaidField]", *, json: bool) -> None:
    if wants_json(json):
        for each in said:
            emit_json(asdict(each))
        return
    table = plain_table("field", "value", "said by")
    for each in said:
        values = each.value if isinstance(each.value, list) else [each.value]
        table.add_row(
            printable(each.name), _values(values), "you" if each.said_by is None else short_path(each.said_by)
        )
    if said:
        show(table)
    else:
        options.notice("The file has no fields of your own.")


def _values(values: Iterable[object]) -> str:
    """Write values in a row, long ones cut short."""
    texts = (str(value).lower() if isinstance(value, bool) else str(value) for value in values)
    return ", ".join(printable(text if len(text) <= _SHOWN_CHARS else f"{text[: _SHOWN_CHARS - 1]}…") for text in texts)
