"""Write docs/cli.md from the command line's own help.

    python -m tools.cli_reference

A test checks that every command and option is on the committed page, so it cannot fall behind.
"""

from pathlib import Path

import typer.main
from typer.testing import CliRunner

from mmsearch.cli.app import app

PAGE = Path(__file__).resolve().parent.parent / "docs" / "cli.md"
HEAD = """# The command line

Made by `python -m tools.cli_reference` from `--help`; do not edit.

Results go to stdout, progress and notices to stderr. On a terminal there are tables, in a pipe one JSON object a line.
Settings: `HOME/mmsearch.toml` < environment (`MMSEARCH_LIMITS_MAX_PIXELS`) < flags; `mmsearch config show` lists them.

| exit code | meaning |
|---|---|
| 0 | all went well; also if nothing was found |
| 1 | a bug, or a check of `mmsearch doctor` that failed |
| 2 | the call itself is wrong |
| 3 | something is wrong with a collection, such as that there is none of that name |
| 4 | another process is writing to the collection |
| 5 | a stored file does not match the catalog |
| 6 | something is wrong with a model |
| 7 | the disk is full or cannot be written |
| 8 | a file given as a query cannot be read |
| 130 | stopped by Ctrl-C |
"""


def reference() -> str:
    """Return the page."""
    command = typer.main.get_command(app)
    pages = [HEAD]
    for path in command_paths(command):
        result = CliRunner().invoke(
            app, [*path, "--help"], prog_name="mmsearch", env={"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"}
        )
        pages.append(f"## mmsearch {' '.join(path)}\n\n```text\n{_trimmed(result.output)}\n```\n")
    return "\n".join(pages)


def command_paths(command: object, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the words of each command, groups followed by what they hold."""
    paths = [prefix] if prefix else []
    for name, inner in getattr(command, "commands", {}).items():
        paths += command_paths(inner, (*prefix, name))
    return paths


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def main() -> None:
    """Write the page."""
    PAGE.write_text(reference(), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
