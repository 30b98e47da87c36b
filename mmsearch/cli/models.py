"""`mmsearch models`: the encoders that can be used here."""

import inspect
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mmsearch.cli.options import GlobalOptions, JsonOption, with_global_options
from mmsearch.cli.output import emit_json, examples, plain_table, printable, printable_lines, reflowed, show, wants_json

if TYPE_CHECKING:
    from mmsearch.protocols import Encoder

EXAMPLES = examples(
    ("mmsearch models", "list them"),
    ("mmsearch models info builtin", "what it is, and its limits"),
    ("mmsearch models verify", "check the weights of the built-in model"),
    ("mmsearch models info open_clip:/models/my-clip", "a model with its weights in a folder"),
)
app = typer.Typer(rich_markup_mode="rich")
NameArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="As for `mmsearch index --model`.", show_default=True)
]


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One encoder.

    Attributes:
        modalities: Empty if they depend on the argument.
        dim: The same.
        usable: Whether it can be used here.
        remark: Why not, or what must be added to the name.
    """

    name: str
    modalities: tuple[str, ...]
    dim: int | None
    usable: bool
    remark: str


@app.callback(invoke_without_command=True)
@with_global_options
def _models(_: GlobalOptions, context: typer.Context, json: JsonOption = False) -> None:
    """List, describe and check the models that turn media into vectors. Without a command: list them."""
    if context.invoked_subcommand is None:
        _print_list(json)


@app.command("list")
@with_global_options
def models_list(_: GlobalOptions, json: JsonOption = False) -> None:
    """List the models: what they read, and whether they can be used here."""
    _print_list(json)


def _print_list(json: bool) -> None:
    from mmsearch.registry import encoder_names

    entries = [_entry(name) for name in encoder_names()]
    if wants_json(json):
        for entry in entries:
            emit_json(asdict(entry))
        return
    table = plain_table("model", "reads", "dim", "usable", "")
    for entry in entries:
        dim = str(entry.dim) if entry.dim else ""
        usable = "yes" if entry.usable else "no"
        table.add_row(entry.name, ", ".join(entry.modalities), dim, usable, printable(entry.remark))
    show(table)


@app.command("info")
@with_global_options
def models_info(_: GlobalOptions, name: NameArgument = "builtin", json: JsonOption = False) -> None:
    """Describe a model: what it reads, its limits, and what makes its vectors comparable."""
    from mmsearch.registry import make_encoder

    facts = _facts(make_encoder(name))
    if wants_json(json):
        emit_json(facts)
        return
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for fact, value in facts.items():
        table.add_row(fact.replace("_", " "), printable_lines(_in_words(value)))
    show(table)


@app.command("verify")
@with_global_options
def models_verify(_: GlobalOptions, name: NameArgument = "builtin", json: JsonOption = False) -> None:
    """Load a model's weights and check them against their SHA-256. Exit code 6 if they are damaged."""
    from mmsearch.registry import make_encoder

    make_encoder(name).load()
    if wants_json(json):
        emit_json({"name": name, "ok": True})
    else:
        typer.echo(f"The weights of {name} are whole.")


def _entry(name: str) -> ModelEntry:
    from mmsearch.errors import MmsearchError, UsageError
    from mmsearch.registry import make_encoder

    try:
        spec = make_encoder(name).spec
    except UsageError:
        return _entry_with_argument(name)
    except MmsearchError as error:
        return ModelEntry(name, (), None, False, str(error))
    return ModelEntry(name, tuple(sorted(spec.modalities)), spec.space.dim, True, "")


def _entry_with_argument(name: str) -> ModelEntry:
    """Try with an argument that names nothing: an encoder whose packages are missing says that first."""
    from mmsearch.errors import DependencyMissing, MmsearchError
    from mmsearch.registry import make_encoder

    try:
        make_encoder(f"{name}:{os.devnull}")
    except DependencyMissing as error:
        return ModelEntry(name, (), None, False, str(error))
    except MmsearchError:
        pass  # there is no such model, as expected
    return ModelEntry(name, (), None, True, f"named with an argument, such as {name}:/path/to/folder")


def _facts(encoder: "Encoder") -> dict[str, Any]:
    spec = encoder.spec
    about = (inspect.getdoc(type(encoder)) or "").partition("\nArgs:")[0].partition("\nRaises:")[0]
    return {
        "name": spec.space.model,
        "about": reflowed(about.strip()),
        "modalities": sorted(spec.modalities),
        "dim": spec.space.dim,
        "revision": spec.space.revision,
        "preprocessing": spec.space.preprocessing,
        "space_id": spec.space.space_id,
        "image_input": asdict(spec.image_input) if spec.image_input else None,
        "audio_input": asdict(spec.audio_input) if spec.audio_input else None,
        "transcribes": spec.transcribes,
        "adaptable": spec.feature_dim > 0,
        "no_match_below": {_pair(*pair): each.doubtful for pair, each in spec.levels.items() if each.verdict},
        "typical_match": {_pair(*pair): each.typical for pair, each in spec.levels.items()},
    }


def _pair(asked: str, found: str) -> str:
    return f"{asked} to {found}"


def _in_words(value: Any) -> str:  # noqa: ANN401 - a JSON value
    if isinstance(value, dict):
        return ", ".join(f"{name} {inner}" for name, inner in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value)
