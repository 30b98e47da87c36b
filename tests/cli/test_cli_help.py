import os
import subprocess
import sys

import pytest
import typer

import mmsearch
from mmsearch.cli.app import app


def commands(command, path=()):
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*path, name))


ALL = dict(commands(typer.main.get_command(app)))


def test_every_command_of_the_interface_is_there():
    names = {path[0] for path in ALL if path}
    assert names == {
        *("index", "search", "status", "errors", "verify", "rebuild", "remove"),
        *("optimize", "adapt", "calibrate", "train", "evaluate", "dupes", "set", "fields", "log", "feedback"),
        *("models", "doctor", "demo", "config", "completion", "explain"),
    }
    assert {path for path in ALL if len(path) == 2} == {
        ("models", "list"),
        ("models", "info"),
        ("models", "verify"),
        ("config", "show"),
        ("train", "reranker"),
        ("log", "show"),
        ("log", "clear"),
        ("log", "export"),
    }


@pytest.mark.parametrize("path", ALL, ids=lambda path: " ".join(path) or "root")
def test_help_names_every_option_and_explains_it(path, cli):
    ran = cli(*path, "--help")
    assert ran.exit_code == 0
    for parameter in ALL[path].params:
        assert getattr(parameter, "help", None), f"{parameter.name} has no help"
        for option in parameter.opts if parameter.param_type_name == "option" else []:
            assert option in ran.stdout
        if parameter.name != "version":
            assert " ".join(parameter.help.split()[:3]) in ran.stdout


@pytest.mark.parametrize("path", [path for path in ALL if path not in {("config",), ("models", "list")}], ids=" ".join)
def test_help_ends_with_examples(path, cli):
    if path in {("models", "info"), ("models", "verify")}:
        path = ("models",)
    help_text = cli(*path, "--help").stdout
    examples = help_text.partition("Examples" if path else "First steps")[2]
    assert f"mmsearch {' '.join(path)}".strip() in examples


@pytest.mark.parametrize("path", [(), ("search",), ("config", "show")])
def test_h_is_help(path, cli):
    assert cli(*path, "-h").stdout == cli(*path, "--help").stdout


def test_no_command_shows_help(cli):
    ran = cli()
    assert "Usage: mmsearch" in ran.stdout + ran.stderr


def test_version(cli):
    assert cli("--version").stdout == f"mmsearch {mmsearch.__version__}\n"


@pytest.mark.parametrize(
    "args",
    [
        ("serach",),
        ("search", "--nonsense"),
        ("search", "dog", "-k", "0"),
        ("search", "dog", "-k", "many"),
        ("search", "dog", "--offset", "-1"),
        ("search", "dog", "--json", "-f"),
        ("index", "--workers", "0"),
        ("remove",),
        ("completion", "tcsh"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2(args, cli):
    ran = cli(*args)
    assert ran.exit_code == 2
    assert ran.stdout == ""
    assert "Usage" in ran.stderr or "Error" in ran.stderr


@pytest.mark.parametrize(
    ("shell", "mark"), [("bash", "complete -o"), ("zsh", "#compdef mmsearch"), ("fish", "complete ")]
)
def test_completion_prints_the_script(shell, mark, cli):
    script = cli("completion", shell).stdout
    assert mark in script
    assert f"_MMSEARCH_COMPLETE=complete_{shell}" in script


def test_completion_completes_commands_and_collections(stored):
    def complete(line):
        words = line.split(" ")
        environ = os.environ | {
            "_MMSEARCH_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
            "MMSEARCH_HOME": str(stored),
        }
        main = "from mmsearch.cli.app import main; main()"
        return subprocess.run([sys.executable, "-c", main], env=environ, capture_output=True, text=True).stdout.split()

    assert complete("mmsearch re") == ["rebuild", "remove"]
    assert complete("mmsearch search -c d") == ["default"]
