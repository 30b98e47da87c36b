"""`mmsearch search`: find by words, by pictures, by items, or by all of them together."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmsearch.cli.options import GlobalOptions, JsonOption, with_global_options
from mmsearch.cli.output import emit_json, examples, is_terminal, show, wants_json

if TYPE_CHECKING:
    from mmsearch.types import Hits

EXAMPLES = examples(
    ("mmsearch search 'a dog on the beach'", ""),
    ("mmsearch search a cat --not kitten -k 20", "steer away from something"),
    ("mmsearch search '2:cat' '1:sofa'", "two parts; the first counts double"),
    ("mmsearch search --image photo.jpg 'at night'", "like this picture, but at night"),
    ("mmsearch search --audio bark.wav --modality image", "pictures of what barks"),
    ("mmsearch search 'where is the invoice' --modality text", "what is written, or said in a recording"),
    ("mmsearch search --like 17 --modality text", "texts about item 17"),
    ("mmsearch search sunset -0 | xargs -0 cp -t best/", "paths for another program"),
    ("mmsearch search sunset --html sunset.html", "a page with thumbnails"),
)


@with_global_options
def search(
    options: GlobalOptions,
    text: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXT",
            help="Words or sentences. Arguments in a row are one phrase, so quotes may be left out; '2:cat' is a "
            "part of its own that counts double.",
        ),
    ] = None,
    image: Annotated[
        list[str] | None, typer.Option("--image", metavar="FILE", help="A picture to look for; may be repeated.")
    ] = None,
    audio: Annotated[
        list[str] | None,
        typer.Option(
            "--audio", metavar="FILE", help="A sound to look for, of which the first minute counts; may be repeated."
        ),
    ] = None,
    like: Annotated[
        list[str] | None,
        typer.Option("--like", metavar="ID_OR_PATH", help="What is like this item of the collection; may be repeated."),
    ] = None,
    negative: Annotated[
        list[str] | None, typer.Option("--not", metavar="TEXT", help="Steer away from this; may be repeated.")
    ] = None,
    modality: Annotated[
        str,
        typer.Option(
            "--modality",
            metavar="KINDS",
            help="Only these kinds, such as image or image,text; video stands for all that was found in videos.",
        ),
    ] = "",
    k: Annotated[
        int | None,
        typer.Option("-k", min=1, metavar="N", help="How many results; by default search.k of the settings, 10."),
    ] = None,
    offset: Annotated[
        int, typer.Option("--offset", min=0, metavar="N", help="Leave out so many of the best, for paging.")
    ] = 0,
    paths: Annotated[bool, typer.Option("--paths", "-f", help="Print only the paths, one a line.")] = False,
    print0: Annotated[bool, typer.Option("-0", "--print0", help="Print only the paths, each ended by a NUL.")] = False,
    preview: Annotated[bool, typer.Option("--preview", "-p", help="Also show the pictures in the terminal.")] = False,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Also write a page with thumbnails, complete in one file."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Find photos, sounds and texts by meaning. All parts of the query combine; the best hits come first.

    The score is the cosine between the query and what was found: higher is better. Scores of different kinds of
    queries cannot be compared.
    """
    if json and (paths or print0):
        raise typer.BadParameter("--json goes with neither --paths nor -0.")
    with options.open() as collection:
        hits = collection.search(
            phrases(text or ()),
            image=image or (),
            audio=audio or (),
            like=like or (),
            negative=negative or (),
            modality=modality,
            k=k,
            offset=offset,
        )
        # Only what a worker has read before is decoded for the page, in the user's own process.
        safe = collection.searchable([hit.about or hit.path for hit in hits]) if html else frozenset()
    _print_verdict(options, hits)
    if html:
        _write_page(options, html, hits, _parts(text, image, audio, like, negative), safe)
    if paths or print0:
        from mmsearch.cli.hits import emit_paths

        emit_paths(hits, end=b"\0" if print0 else b"\n")
    elif wants_json(json):
        _print_json(options, hits, preview=preview)
    elif preview and hits:
        _show_previews(options, hits)
    elif hits:
        from mmsearch.cli.hits import hits_table

        show(hits_table(hits))


def phrases(words: Sequence[str]) -> list[str]:
    """Join arguments in a row to one phrase, as the shell splits what is not quoted; weighted ones stay alone."""
    from mmsearch.search.parse import split_weight

    joined: list[str] = []
    open_end = False
    for word in words:
        weighted = split_weight(word)[1] != word
        if open_end and not weighted:
            joined[-1] += f" {word}"
        else:
            joined.append(word)
        open_end = not weighted
    return joined


def _parts(
    text: Sequence[str] | None,
    image: Sequence[str] | None,
    audio: Sequence[str] | None,
    like: Sequence[str] | None,
    negative: Sequence[str] | None,
) -> list[str]:
    """Say what was asked for, a part each."""
    return [
        *phrases(text or ()),
        *(f"picture {each}" for each in image or ()),
        *(f"sound {each}" for each in audio or ()),
        *(f"like {each}" for each in like or ()),
        *(f"not {each}" for each in negative or ()),
    ]


def _print_verdict(options: GlobalOptions, hits: "Hits") -> None:
    if not hits:
        options.notice("Nothing found.")
    elif hits.good_match is False:
        best = max(hit.score for hit in hits)
        options.notice(f"No good match: the best score is {best:.2f}; results are probably not what you meant.")


def _print_json(options: GlobalOptions, hits: "Hits", *, preview: bool) -> None:
    if preview and not is_terminal():
        options.notice("--preview needs a terminal; it is left out.")
    for hit in hits:
        emit_json(hit.to_dict())


def _write_page(options: GlobalOptions, path: Path, hits: "Hits", parts: Sequence[str], safe: frozenset[str]) -> None:
    from mmsearch.cli.page import page
    from mmsearch.files import write_durably

    limits = options.config().limits.for_machine(workers=1)
    write_durably(path.absolute(), page(hits, parts, limits, safe).encode())
    options.notice(f"Wrote {path}; open it in a browser.")


def _show_previews(options: GlobalOptions, hits: "Hits") -> None:
    from mmsearch.cli.preview import show_previews

    show_previews(hits, options.config().limits.for_machine(workers=1))
