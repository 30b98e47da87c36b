"""`mmsearch completion`: let the shell complete commands and options."""

from enum import StrEnum
from typing import Annotated

import typer

from mmsearch.cli.options import GlobalOptions, with_global_options
from mmsearch.cli.output import examples

EXAMPLES = examples(
    ("mmsearch completion bash >> ~/.bashrc", ""),
    ("mmsearch completion zsh >> ~/.zshrc", "after the line that runs compinit"),
    ("mmsearch completion fish > ~/.config/fish/completions/mmsearch.fish", ""),
)


class Shell(StrEnum):
    """The shells that can complete."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@with_global_options
def completion(_: GlobalOptions, shell: Annotated[Shell, typer.Argument(help="Your shell.")]) -> None:
    """Print the script that makes TAB complete commands and options. Open a new shell after adding it."""
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    typer.echo(get_completion_script(prog_name="mmsearch", complete_var="_MMSEARCH_COMPLETE", shell=shell.value))
