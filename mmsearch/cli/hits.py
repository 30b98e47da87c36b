"""How hits look: a table for a person, JSON lines or plain paths for a program."""

import os
from collections.abc import Sequence
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING

from mmsearch.cli.output import counted, emit_raw, printable, short_path

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from mmsearch.queries import Hit, Moment

QUOTE_CHARS = 200


def hits_table(hits: Sequence["Hit"], start: str | os.PathLike[str] = os.curdir) -> "Table":
    """Lay out hits; each path is a link where the terminal knows links.

    Args:
        hits: Best first.
        start: Paths in this folder are written relative to it.
    """
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("rank", "score", "id"):
        table.add_column(name, justify="right")
    table.add_column("kind")
    table.add_column("what", overflow="fold")
    for hit in hits:
        table.add_row(str(hit.rank), f"{hit.score:.3f}", str(hit.id), hit.modality, describe(hit, start))
    return table


def describe(hit: "Hit", start: str | os.PathLike[str] = os.curdir) -> "Text":
    """Say what a hit is: its path, from when to when if it is a span of time, and for a text first how it begins."""
    from rich.style import Style
    from rich.text import Text

    shown = hit.subject
    path = (short_path(shown, start), Style(link=Path(shown).as_uri(), dim=hit.text is not None))
    when = (f"  {span(hit)}", "dim")
    more = (f"  {_others(hit)}" if hit.more or hit.duplicates else "", "dim")
    if hit.text is None:
        return Text.assemble(path, when, more)
    return Text.assemble(quote(hit.text), "\n", ("caption of " if hit.about else "", "dim"), path, when, more)


def _others(hit: "Hit") -> str:
    """Say what else of the same file was found, and how many copies were left out."""
    spans = ", ".join(filter(None, (span(moment) for moment in hit.more)))
    what = "more passage" if hit.modality == "text" else "caption"
    found = f"also {spans}" if spans else f"and {counted(len(hit.more), what)}" if hit.more else ""
    copies = counted(len(hit.duplicates), "copy" if len(hit.duplicates) == 1 else "copie") if hit.duplicates else ""
    return "; ".join(filter(None, (found, copies)))


def span(hit: "Hit | Moment") -> str:
    """Say from when to when in its file a hit lasts, such as "0:05-0:15"; empty if it is no span of time."""
    if hit.start_s is None or hit.end_s is None:
        return ""
    return f"{_clock(hit.start_s)}-{_clock(hit.end_s)}"


def _clock(seconds: float) -> str:
    minutes, whole = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{whole:02}" if hours else f"{minutes}:{whole:02}"


def quote(text: str) -> str:
    """Return how a passage begins, on one line, safe to show."""
    return f"“{printable(shorten(text, QUOTE_CHARS, placeholder=' …'))}”"


def emit_paths(hits: Sequence["Hit"], *, end: bytes) -> None:
    """Write the path of each file once, as the bytes that the system knows it by; of a caption, its picture's."""
    emit_raw(b"".join(os.fsencode(path) + end for path in dict.fromkeys(hit.subject for hit in hits)))
