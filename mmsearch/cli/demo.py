"""`mmsearch demo`: index a small sample collection and search it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from mmsearch.cli.options import GlobalOptions, with_global_options
from mmsearch.cli.output import examples, show
from mmsearch.cli.progress import progress_shown

EXAMPLES = examples(
    ("mmsearch demo", ""),
    ("mmsearch demo --keep /tmp/mmsearch-demo", "keep the files, to search on"),
)
# The words, the kind of the results, and how many.
_PHOTO_SEARCHES = (("a cup of coffee", "image", 3), ("a cat", "image", 3))
_SEARCHES = (
    ("a hot-air balloon", "image", 3),
    ("waves on a beach", "audio", 2),
    ("a ringing telephone", "audio", 2),
    ("vegetables in the garden", "text", 1),
)


@with_global_options
def demo(
    options: GlobalOptions,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", metavar="DIR", help="Put the samples and their index there, and keep them."),
    ] = None,
) -> None:
    """Index a small sample collection and search it, to see how it works. Takes a few seconds, offline."""
    from mmsearch.cli.hits import hits_table
    from mmsearch.cli.index import summary
    from mmsearch.cli.samples import write_samples
    from mmsearch.opening import open

    with _folder(keep) as folder:
        photos = write_samples(folder / "samples")
        _say(f"A sample collection: {photos} photos, some drawings, two notes and four sounds.\n")
        if not photos:
            options.notice("With real photos it looks better: pip install 'mmsearch[demo]'")
        with open("demo", home=folder / "home", model="builtin") as collection:
            _say("[bold]$ mmsearch index samples[/bold]")
            with progress_shown(quiet=options.quiet) as on_progress:
                report = collection.index(folder / "samples", on_progress=on_progress)
            _say(summary(report))
            for words, kind, count in (_PHOTO_SEARCHES if photos else ()) + _SEARCHES:
                _say(f"\n[bold]$ mmsearch search '{words}' --modality {kind} -k {count}[/bold]")
                show(hits_table(collection.search(words, modality=kind, k=count), start=folder))
    _say_what_next(keep)


def _say_what_next(keep: Path | None) -> None:
    if keep:
        _say(f"\nSearch on:   mmsearch search --home '{keep / 'home'}' -c demo 'a red umbrella'")
    _say("\nNow with your own photos:\n\n  mmsearch index ~/Pictures\n  mmsearch search 'a dog on the beach'")


def _say(text: str) -> None:
    from rich.text import Text

    show(Text.from_markup(text))


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep:
        yield keep.absolute()
    else:
        with TemporaryDirectory(prefix="mmsearch-demo-") as folder:
            yield Path(folder)
