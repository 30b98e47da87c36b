"""What every command takes, before or after its name: --home, -c, -v, -q."""

import inspect
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mmsearch.cli.boundary import errors_reported
from mmsearch.cli.output import notice, reflowed

if TYPE_CHECKING:
    from mmsearch.collection.collection import Collection
    from mmsearch.config import Config


def _collection_names(incomplete: str) -> list[str]:
    """Complete -c: the collections in the home folder."""
    from mmsearch.config import load_config
    from mmsearch.errors import ConfigError

    try:
        names = [path.parent.name for path in load_config().home.glob("*/catalog.db")]
    except (ConfigError, OSError):
        return []
    return sorted(name for name in names if name.startswith(incomplete))


_PANEL = "Common options"
HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        show_default=False,
        rich_help_panel=_PANEL,
        help="The folder that holds the collections; also as MMSEARCH_HOME. By default ./indexes where that exists, "
        "else your data folder.",
    ),
]
CollectionOption = Annotated[
    str,
    typer.Option(
        "--collection",
        "-c",
        metavar="NAME",
        show_default=False,
        rich_help_panel=_PANEL,
        autocompletion=_collection_names,
        help="The collection, by name or by the path of its folder. By default 'default'.",
    ),
]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", rich_help_panel=_PANEL, help="On an error, also show where it happened.")
]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", rich_help_panel=_PANEL, help="No progress and no notices, only results.")
]
PairsArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="PAIRS",
        help="JSON lines (.jsonl) or a table with a header (.csv, .tsv): on each line a file of the collection, "
        "relative to PAIRS, and its caption, captions or label.",
    ),
]
MeasureOnlyOption = Annotated[
    bool, typer.Option("--dry-run", help="Only measure what it would bring; searches stay as they are.")
]
UndoOption = Annotated[bool, typer.Option("--undo", help="Take back what the last time installed.")]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object a line, which is also what a pipe gets.")
]


@dataclass(frozen=True, slots=True)
class GlobalOptions:
    """The common options as they were given."""

    home: Path | None = None
    collection: str = ""
    verbose: bool = False
    quiet: bool = False

    def over(self, before: "GlobalOptions") -> "GlobalOptions":
        """Join with those that stood before the command's name; these here win."""
        return GlobalOptions(
            self.home or before.home,
            self.collection or before.collection,
            self.verbose or before.verbose,
            self.quiet or before.quiet,
        )

    def open(self, model: str | None = None) -> "Collection":
        """Open the collection that is meant."""
        from mmsearch.opening import open

        return open(self.collection, home=self.home, model=model)

    def config(self) -> "Config":
        """Load the settings."""
        from mmsearch.config import load_config

        return load_config({"home": self.home, "collection": self.collection or None})

    def notice(self, text: str) -> None:
        """Say something on stderr, unless it is to be quiet."""
        if not self.quiet:
            notice(text)

    def call(self, command: str) -> str:
        """Write another command for the same collection, for the user to copy."""
        words = ["mmsearch", *command.split()]
        words += ["--home", str(self.home)] if self.home else []
        words += ["-c", self.collection] if self.collection else []
        return shlex.join(words)


def with_global_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the common options to a command, which gets them as its first argument, and report its errors.

    A command that needs Typer's context has a parameter `context`.
    """
    own = list(inspect.signature(function).parameters.values())[1:]
    wants_context = any(each.name == "context" for each in own)

    @wraps(function)
    def command(context: typer.Context, **arguments: Any) -> None:  # noqa: ANN401 - Typer checked them
        given = GlobalOptions(*(arguments.pop(name) for name in _ADDED))
        options = given.over(context.find_object(GlobalOptions) or GlobalOptions())
        context.obj = options  # for the commands below a group
        with errors_reported(verbose=options.verbose):
            function(options, **arguments, **({"context": context} if wants_context else {}))

    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = {each.name: each.replace(kind=kind) for each in own}
    parameters["context"] = inspect.Parameter("context", kind, annotation=typer.Context)
    for name, (annotation, default) in _ADDED.items():
        parameters[name] = inspect.Parameter(name, kind, annotation=annotation, default=default)
    command.__signature__ = inspect.Signature(list(parameters.values()))  # type: ignore[attr-defined]
    command.__doc__ = reflowed(inspect.getdoc(function) or "")
    command.__annotations__ = {name: each.annotation for name, each in parameters.items()}
    return command


_ADDED: dict[str, tuple[Any, Any]] = {
    "home": (HomeOption, None),
    "collection": (CollectionOption, ""),
    "verbose": (VerboseOption, False),
    "quiet": (QuietOption, False),
}
