"""What the documentation says works: commands and programs are run, options are all listed, links lead somewhere.

A block is run if the line before it is `<!-- test -->`: of ```console its lines that begin with `$`, in a shell;
```python as a program. All blocks of a page run in order, in one folder that has drawn photos and sounds in `pictures/`
and the photos' captions in `captions.jsonl`.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from mmsearch.cli.app import app
from mmsearch.cli.samples import write_sounds
from mmsearch.testing.drawings import draw_samples

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^<!-- test -->\n```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)")
COMMON = {"home", "collection", "verbose", "quiet"}  # are there for every command
REFERENCE = ROOT / "docs" / "cli.md"


def blocks(page):
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def commands(block):
    """The lines that a reader types; what they print is not compared, since it has times and scores in it."""
    return [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]


@pytest.fixture
def run(tmp_path):
    """Run in a shell, as a user without any settings whose home has nothing in it but these."""
    (tmp_path / "pictures").mkdir()
    drawn = draw_samples(tmp_path / "pictures")
    write_sounds(tmp_path / "pictures")
    lines = [json.dumps({"file": f"pictures/{path.name}", "caption": caption}) for path, caption in drawn.items()]
    (tmp_path / "captions.jsonl").write_text("\n".join(lines))
    programs = os.pathsep.join([os.path.dirname(sys.executable), "/usr/local/bin", "/usr/bin", "/bin"])
    environ = {"HOME": str(tmp_path), "PATH": programs, "LANG": "C.UTF-8"}

    def run(*command):
        done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{command[-1]}\n{done.stderr}"
        return done.stdout

    return run


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.name)
def test_what_the_page_shows_works(page, run):
    for language, block in blocks(page):
        if language == "python":
            run(sys.executable, "-c", block)
        else:
            assert commands(block), block
            for line in commands(block):
                run("bash", "-c", line)


def test_the_readme_shows_commands_and_a_program_that_are_tested():
    languages = [language for language, _ in blocks(ROOT / "README.md")]
    assert "console" in languages
    assert "python" in languages


def leaf_commands(command, path=()):
    """The words of each command that does something, with its own options."""
    if inner := getattr(command, "commands", None):
        return {
            words: options
            for name, each in inner.items()
            for words, options in leaf_commands(each, (*path, name)).items()
        }
    options = {option for parameter in command.params for option in parameter.opts if parameter.name not in COMMON}
    return {" ".join(path): {option for option in options if option.startswith("-")}}


COMMANDS = leaf_commands(typer.main.get_command(app))


def sections():
    """Heading -> text of docs/cli.md."""
    parts = re.split(r"^## (.+)$", REFERENCE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_and_option_is_documented(command):
    text = sections()[f"mmsearch {command}"]
    words = set(re.findall(r"(?<![\w-])--?[A-Za-z0-9][\w-]*", text))
    assert COMMANDS[command] <= words
    assert f"mmsearch {command}" in text


def test_nothing_is_documented_that_is_not_there():
    documented = {heading.removeprefix("mmsearch ") for heading in sections()}
    groups = {words.partition(" ")[0] for words in COMMANDS if " " in words}
    assert documented == set(COMMANDS) | groups


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_are_there(page):
    targets = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    assert [target for target in targets if not (page.parent / target).exists()] == []
