"""How far `index` or `optimize` has come, on stderr: a bar on a terminal, else a plain line every ten seconds."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from time import monotonic
from typing import TYPE_CHECKING

from mmsearch.cli.output import console, notice

if TYPE_CHECKING:
    from mmsearch.reports import IndexProgress

OnProgress = Callable[["IndexProgress"], None]
LINE_EVERY_S = 10.0
_STAGES = {
    "": "Indexing",
    "fold": "Adding to the index",
    "rows": "Writing the index",
    "train": "Training the index",
    "add": "Building the index",
    "measure": "Measuring the index",
}


@contextmanager
def progress_shown(*, quiet: bool, first: str = "Looking for files") -> Iterator[OnProgress]:
    """Yield what `Collection.index` is to call as it goes on; before its first call, `first` is what is done."""
    if quiet:
        yield lambda _: None
    elif sys.stderr.isatty():
        with _bar(first) as on_progress:
            yield on_progress
    else:
        yield ProgressLines()


class ProgressLines:
    """Writes a line now and then, for logs."""

    def __init__(self, every_s: float = LINE_EVERY_S) -> None:
        self._every_s = every_s
        self._started = self._last = monotonic()

    def __call__(self, progress: "IndexProgress") -> None:
        """Take note of how far the run is."""
        now = monotonic()
        if now - self._last < self._every_s or not progress.total:
            return
        self._last = now
        if progress.stage:
            notice(f"{_STAGES[progress.stage]}: {progress.done:,} of {progress.total:,} vectors")
            return
        rate = progress.done / (now - self._started)
        left = _clock((progress.total - progress.done) / rate) if rate else "unknown time"
        failed = f", {progress.failed:,} failed" if progress.failed else ""
        notice(f"{progress.done:,} of {progress.total:,} files, {rate:.0f} a second, {left} left{failed}")


@contextmanager
def _bar(first: str) -> Iterator[OnProgress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(compact=True),
        TextColumn("[red]{task.fields[failed]}[/red]"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(first, total=None, rate="", failed="")
        stage = ""

        def on_progress(progress: "IndexProgress") -> None:
            nonlocal task, stage
            if progress.stage != stage:
                stage = progress.stage
                bar.remove_task(task)
                task = bar.add_task(_STAGES[stage], total=None, rate="", failed="")
            speed = bar.tasks[0].speed
            bar.update(
                task,
                description=_STAGES[stage],
                completed=progress.done,
                total=progress.total or None if stage else progress.total,
                rate=f"{speed:,.0f}/s" if speed else "",
                failed=f"{progress.failed:,} failed" if progress.failed else "",
            )

        yield on_progress


@contextmanager
def count_shown(what: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Yield what is to be called with the number of things done and of all; a bar on a terminal, else nothing."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def working_shown(what: str, *, quiet: bool) -> AbstractContextManager[object]:
    """Show on a terminal that something goes on of which nobody knows how far it is."""
    if quiet or not sys.stderr.isatty():
        return nullcontext()
    return console(stderr=True).status(what)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
