"""`mmsearch optimize`: choose, build and measure the index."""

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

import typer

from mmsearch.cli.options import GlobalOptions, JsonOption, with_global_options
from mmsearch.cli.output import counted, emit_json, examples, printable, show, size, wants_json
from mmsearch.cli.progress import progress_shown
from mmsearch.cli.status import asked_line, recall_shown
from mmsearch.errors import CollectionError, UsageError

if TYPE_CHECKING:
    from mmsearch.collection.collection import Collection
    from mmsearch.reports import IndexStatus

EXAMPLES = examples(
    ("mmsearch optimize", "do what is due, such as taking in what came since"),
    ("mmsearch optimize --max-memory 4G --max-latency-ms 10 --min-recall 0.95", "choose by these, now and later"),
    ("mmsearch optimize --index hnsw", "a kind of your own choice"),
    ("mmsearch optimize --index IVF4096,PQ192x4fs", "or a FAISS factory string"),
    ("mmsearch optimize --index auto", "back to the automatic choice of the kind"),
    ("mmsearch optimize --index auto --max-memory 0 --max-latency-ms 10 --min-recall 0.98", "and of all the rest"),
)


@with_global_options
def optimize(
    options: GlobalOptions,
    kind: Annotated[
        str | None,
        typer.Option("--index", metavar="KIND", help="A kind as below, a FAISS factory string, or auto."),
    ] = None,
    max_memory: Annotated[
        str | None,
        typer.Option(
            "--max-memory",
            metavar="SIZE",
            help="Memory, not disk, that the index may take, such as 500M or 4G; by default 0, for a quarter of the "
            "machine's.",
        ),
    ] = None,
    max_latency_ms: Annotated[
        float | None,
        typer.Option(
            "--max-latency-ms", metavar="MS", help="What one search of the index may take, on one core; by default 10."
        ),
    ] = None,
    min_recall: Annotated[
        float | None,
        typer.Option(
            "--min-recall",
            metavar="SHARE",
            help="Share of the true nearest 10 that texts are to find, such as 0.95; by default 0.98.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Build the index anew even if nothing is due.")] = False,
    json: JsonOption = False,
) -> None:
    """Bring the index into the best shape for what the collection holds, and measure it.

    Never needed for right results: `mmsearch index` does what is due. Searches and other runs go on meanwhile. What
    you ask for is kept with the collection, for later too.

    Fewer than 20,000 vectors are compared one by one. For more, the kind is chosen by their number and by the memory,
    latency and recall that you allow, and tuned with texts that were searched for, with captions, or with texts that
    come with mmsearch.

    The kinds: flat and faiss-flat compare each vector, and miss nothing. flat-f16 does in half the space and time.
    ivf-pq is the usual choice for 160,000 vectors and more: fast and small. ivf-rabitq is the same with other codes.
    ivf-sq8 and ivf-flat hold more of each vector, and are slower and larger. hnsw is fast where recall
    must be high, takes twice the space and is several times as long in the making.
    """
    memory = None if max_memory is None else _bytes(max_memory)
    shown = progress_shown(quiet=options.quiet, first="Looking at the index")
    with options.open() as collection, shown as on_progress:
        before = _index_of(collection)
        index = collection.optimize(
            asked=kind,
            max_memory=memory,
            max_latency_ms=max_latency_ms,
            min_recall=min_recall,
            force=force,
            on_progress=on_progress,
        )
    changed = force or before is None or _made(index) != _made(before)
    if wants_json(json):
        emit_json(asdict(index) | {"changed": changed})
        return
    _print(index)
    if not changed:
        asked = any(each is not None for each in (kind, memory, max_latency_ms, min_recall))
        kept = " What you asked for is kept for later." if asked else ""
        options.notice(f"There was nothing to do.{kept}")


def _index_of(collection: "Collection") -> "IndexStatus | None":
    try:
        return collection.status().index
    except CollectionError:  # as of an older version: `optimize` mends that, or says what is wrong
        return None


def _made(index: "IndexStatus") -> "IndexStatus":
    """Leave out what is only asked for."""
    return replace(index, asked="", max_memory_bytes=0, max_latency_ms=0.0, min_recall=0.0)


def _bytes(text: str) -> int:
    from mmsearch.config import parse_size

    try:
        return parse_size(text)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is not a size.", remedy="Write a number of bytes, or such as 500M or 4G."
        ) from error


def _print(index: "IndexStatus") -> None:
    from rich.table import Table

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    for name, value in _rows(index):
        grid.add_row(name, printable(value))
    show(grid)


def _rows(index: "IndexStatus") -> list[tuple[str, str]]:
    changes = f"{index.tail:,} new since, {index.removed:,} removed"
    rows = [
        ("kind", f"{index.kind} ({index.factory})" if index.factory else index.kind),
        ("vectors", f"{index.vectors:,}" + (f"; {changes}" if index.tail or index.removed else "")),
        ("size", f"{size(index.size_bytes)}, {counted(index.bytes_per_vector, 'byte')} a vector"),
    ]
    if index.recall is not None and index.recall_100 is not None:
        shares = recall_shown(index.recall), recall_shown(index.recall_100)
        rows.append(("recall", f"{shares[0]} of the nearest 10, {shares[1]} of the nearest 100"))
    if index.latency_ms is not None and index.flat_latency_ms is not None:
        rows.append(("latency", f"{index.latency_ms:.2f} ms a search; a scan takes {index.flat_latency_ms:,.1f} ms"))
    rows += [("measured with", index.tuned_with)] if index.tuned_with else []
    rows += [("note", index.note)] if index.note else []
    rows += [("asked for", asked)] if (asked := asked_line(index)) else []
    return rows
