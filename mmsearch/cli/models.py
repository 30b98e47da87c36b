"""`mmsearch models`: the encoders and re-rankers that can be used here."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mmsearch.cli.options import GlobalOptions, JsonOption, with_global_options
from mmsearch.cli.output import emit_json, examples, plain_table, printable, printable_lines, show, wants_json

if TYPE_CHECKING:
    from mmsearch.cli.model_entries import ModelEntry
    from mmsearch.protocols import Encoder, Reranker

EXAMPLES = examples(
    ("mmsearch models", "list them"),
    ("mmsearch models info builtin", "what it is, and its limits"),
    ("mmsearch models verify", "check the weights of the built-in model"),
    ("mmsearch models info open_clip:/models/my-clip", "a model with its weights in a folder"),
    ("mmsearch models verify blip:/models/blip-itm-base-coco", "a re-ranker"),
)
app = typer.Typer(rich_markup_mode="rich")
NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="As for `mmsearch index --model` or `mmsearch search --reranker`.", show_default=True
    ),
]
RerankerOption = Annotated[
    bool, typer.Option("--reranker", help="Mean the re-ranker of that name, not the encoder of the same name.")
]


@app.callback(invoke_without_command=True)
@with_global_options
def _models(_: GlobalOptions, context: typer.Context, json: JsonOption = False) -> None:
    """List, describe and check models: encoders turn media into vectors, re-rankers look at the best hits again.

    Without a command: list them.
    """
    if context.invoked_subcommand is None:
        _print_list(json)


@app.command("list")
@with_global_options
def models_list(_: GlobalOptions, json: JsonOption = False) -> None:
    """List the models: what they read, and whether they can be used here."""
    _print_list(json)


@app.command("info")
@with_global_options
def models_info(
    _: GlobalOptions, name: NameArgument = "builtin", reranker: RerankerOption = False, json: JsonOption = False
) -> None:
    """Describe a model: what it reads, its limits, and of an encoder, what makes its vectors comparable."""
    from mmsearch.cli.model_entries import encoder_facts, reranker_facts

    if _means_reranker(name, reranker):
        facts = reranker_facts(_reranker(name))
    else:
        facts = encoder_facts(_encoder(name))
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
def models_verify(
    _: GlobalOptions, name: NameArgument = "builtin", reranker: RerankerOption = False, json: JsonOption = False
) -> None:
    """Load a model's weights, which checks them. Exit code 6 if they are missing or damaged.

    Those that are part of mmsearch are compared with their SHA-256.
    """
    (_reranker(name) if _means_reranker(name, reranker) else _encoder(name)).load()
    if wants_json(json):
        emit_json({"name": name, "ok": True})
    else:
        typer.echo(f"The weights of {name} are whole.")


def _encoder(name: str) -> "Encoder":
    from mmsearch.registry import make_encoder

    return make_encoder(name)


def _reranker(name: str) -> "Reranker":
    from mmsearch.registry import make_reranker

    return make_reranker(name)


def _means_reranker(name: str, asked: bool) -> bool:
    """Tell what a name means: an encoder, unless only re-rankers have that name or the user says so."""
    from mmsearch.registry import encoder_names, reranker_names

    first = name.partition(":")[0]
    return asked or (first in reranker_names() and first not in encoder_names())


def _print_list(json: bool) -> None:
    from mmsearch.cli.model_entries import encoder_entries, reranker_entries

    encoders, rerankers = encoder_entries(), reranker_entries()
    if wants_json(json):
        for entry in (*encoders, *rerankers):
            emit_json(asdict(entry))
        return
    table = plain_table("model", "reads", "dim", "usable", "")
    for entry in encoders:
        dim = str(entry.dim) if entry.dim else ""
        table.add_row(entry.name, ", ".join(entry.modalities), dim, _usable(entry), _says(entry))
    second = plain_table("re-ranker", "judges", "usable", "")
    for entry in rerankers:
        second.add_row(entry.name, ", ".join(entry.modalities), _usable(entry), _says(entry))
    show(table, "", second)


def _usable(entry: "ModelEntry") -> str:
    return "yes" if entry.usable else "no"


def _says(entry: "ModelEntry") -> str:
    return printable(" ".join(filter(None, (entry.about, entry.remark))))


def _in_words(value: Any) -> str:  # noqa: ANN401 - a JSON value
    if isinstance(value, dict):
        return ", ".join(f"{name} {inner}" for name, inner in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value)
