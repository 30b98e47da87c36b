"""Terminal or pipe, JSON lines, and names made safe to show."""

import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any

from mmsearch.errors import StorageError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

# What a terminal would obey or hide instead of showing: control characters, line breaks of every kind, marks
# that turn the direction of writing round, invisible signs, and the surrogates by which Python keeps bytes that
# are not UTF-8. The joiners U+200C and U+200D stay: scripts and emoji need them.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\U000e0000-\U000e007f]"
)
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def is_terminal() -> bool:
    """Whether a person looks at the results."""
    return sys.stdout.isatty()


def wants_json(flag: bool) -> bool:
    """Whether results go out as JSON: asked for, or into a pipe."""
    return flag or not is_terminal()


def emit_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Write one object on a line, in ASCII, so that names of any bytes get through."""
    sys.stdout.write(json.dumps(value) + "\n")


def emit_raw(data: bytes) -> None:
    """Write bytes as they are."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)


def show(*renderables: "RenderableType") -> None:
    """Write tables and text for a person."""
    out = console()
    for renderable in renderables:
        out.print(renderable)


def plain_table(*columns: str) -> "Table":
    """Make an empty table without lines, with the columns that need nothing special."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def console(*, stderr: bool = False) -> "Console":
    """Make a Rich console that takes no text for markup."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


def notice(text: str) -> None:
    """Say something on stderr, made safe to show."""
    sys.stderr.write(printable_lines(text) + "\n")


def flush() -> None:
    """Write out what is buffered.

    Raises:
        StorageError: The disk that stdout goes to is full.
        BrokenPipeError: Nobody reads stdout any more.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StorageError(f"Cannot write the results: {error.strerror}.", remedy="Write them elsewhere.") from error


def printable(text: str) -> str:
    r"""Replace what a terminal would obey rather than show, such as by \x1b."""
    return _UNSAFE.sub(lambda match: _escaped(match[0]), text)


def printable_lines(text: str) -> str:
    """Do the same for a text of several lines, which stay so; tabs become spaces."""
    return "\n".join(printable(line) for line in text.expandtabs(4).splitlines())


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a name that is not UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def short_path(path: str, start: str | os.PathLike[str] = os.curdir) -> str:
    """Write a path safe to show, and relative to a folder if it lies in it."""
    relative = os.path.relpath(path, start)
    return printable(path if relative.startswith(os.pardir) else relative)


def size(count_bytes: int) -> str:
    """Write a number of bytes: 1.5 MiB."""
    amount, unit = float(count_bytes), 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.1f} {_UNITS[unit]}" if unit else f"{count_bytes} bytes"


def counted(count: int, noun: str) -> str:
    """Write '1 file' or '1,200 files'."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def reflowed(text: str) -> str:
    """Put each paragraph on one line: it is wrapped to the terminal's width, not to the source's."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def examples(*pairs: tuple[str, str]) -> str:
    """Make the end of a command's help: (command, what it does)."""
    lines = [f"[cyan]{command}[/cyan]" + (f"  [dim]# {what}[/dim]" if what else "") for command, what in pairs]
    return "\n\n".join(["[bold]Examples[/bold]", *lines])
