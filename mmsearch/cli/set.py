"""`mmsearch set`: tags, ratings and other fields of the user's own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmsearch.cli.options import GlobalOptions, JsonOption, with_global_options
from mmsearch.cli.output import counted, emit_json, examples, wants_json
from mmsearch.errors import UsageError

if TYPE_CHECKING:
    from mmsearch.reports import FieldsReport

EXAMPLES = examples(
    ("mmsearch set rating=5 tags+=beach photo.jpg 17", "a path, and an id as a search shows it"),
    ("mmsearch set album='Italy 2024' ~/Pictures/italy", "a folder stands for all below it"),
    ("mmsearch set tags-=draft --where \"folder = 'final'\"", "all that a filter lets through"),
    ("mmsearch set rating= photo.jpg", "take back what was set"),
    ("mmsearch set --from ratings.csv", "a table with the columns file and rating"),
)
# A path with = in it is told by the slash before: ./a=b.jpg.
_ASSIGNMENT = re.compile(r"(?P<name>[^/=]*?)(?P<sign>[+-]?)=(?P<value>.*)", re.DOTALL)


@with_global_options
def set_(
    options: GlobalOptions,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FIELD=VALUE|PATH_OR_ID",
            help="FIELD=VALUE replaces, FIELD+=VALUE adds a value, FIELD-=VALUE takes one away, FIELD= takes back what "
            "was set. All else is a file, a folder, or an id as a search shows it; a path with '=' in it is written "
            "with a slash before it, such as ./a=b.jpg.",
        ),
    ] = None,
    where: Annotated[
        str,
        typer.Option("--where", metavar="EXPR", help="Only files for which this holds, such as 'year = 2024'."),
    ] = "",
    table: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Take the fields from a table instead (.csv, .tsv, .jsonl, .json): a column names the file, relative "
            "to the table; the others are fields.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count the files that are meant.")] = False,
    json: JsonOption = False,
) -> None:
    """Give files tags, ratings or any other fields, to be used in --where.

    A field may have several values: give it several times, or tags with commas between. What is set goes before what
    sidecars say, and stays when a file changes or moves. Your files are not touched.
    """
    wishes = Wishes.read(arguments or ())
    if table is not None and (wishes or where):
        raise UsageError("--from goes with neither fields nor files nor --where.", remedy="See `mmsearch set --help`.")
    with options.open() as collection:
        if table is not None:
            _print_report(options, collection.set_fields_from(table, dry_run=dry_run), dry_run=dry_run, json=json)
            return
        report = collection.set_fields(
            *wishes.items,
            fields=wishes.fields,
            add=wishes.add,
            remove=wishes.remove,
            where=where,
            dry_run=dry_run,
        )
    _print(report, {}, dry_run=dry_run, json=json)


@dataclass(slots=True)
class Wishes:
    """The arguments of `set`, sorted: what to do with which fields of which files."""

    items: list[str] = field(default_factory=list)
    fields: dict[str, list[str] | None] = field(default_factory=dict)
    add: dict[str, list[str]] = field(default_factory=dict)
    remove: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, arguments: "list[str] | tuple[str, ...]") -> "Wishes":
        """Sort the arguments.

        Raises:
            UsageError: There is nothing to add or to take away, or a field is both set and taken back.
        """
        wishes = cls()
        for argument in arguments:
            match = _ASSIGNMENT.fullmatch(argument)
            if match is None:
                wishes.items.append(argument)
            else:
                wishes._take(match["name"].strip(), match["sign"], match["value"].strip())
        return wishes

    def _take(self, name: str, sign: str, value: str) -> None:
        if sign:
            if not value:
                raise UsageError(f"{name}{sign}= has no value.", remedy=f"Write {name}{sign}=VALUE.")
            (self.add if sign == "+" else self.remove).setdefault(name, []).append(value)
            return
        before = self.fields.get(name, [])
        if before is None or (not value and before):
            raise UsageError(f"{name} is both set and taken back.", remedy="Do one of the two.")
        self.fields[name] = [*before, value] if value else None

    def __bool__(self) -> bool:
        return bool(self.items or self.fields or self.add or self.remove)


def _print_report(options: GlobalOptions, report: "FieldsReport", *, dry_run: bool, json: bool) -> None:
    _print(report, {"unknown": report.unknown}, dry_run=dry_run, json=json)
    if report.unknown:
        options.notice(f"{counted(report.unknown, 'file')} of the table are not in the collection and did not count.")


def _print(report: "FieldsReport", more: Mapping[str, int], *, dry_run: bool, json: bool) -> None:
    if wants_json(json):
        done = {"dry_run": True} if dry_run else {"changed": report.changed}
        emit_json({"files": report.files, **more, **done})
    elif dry_run:
        typer.echo(f"Nothing was set; {counted(report.files, 'file')} would be.")
    else:
        typer.echo(f"{report.changed:,} of {counted(report.files, 'file')} changed.")
