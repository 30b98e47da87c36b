"""`mmsearch search`: find by words, by pictures, by sounds, by items, by metadata, or by all of them together."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mmsearch.cli.asking import described, lone_weight, merged, shorthand
from mmsearch.cli.options import GlobalOptions, JsonOption, with_global_options
from mmsearch.cli.output import emit_json, examples, is_terminal, show, wants_json

if TYPE_CHECKING:
    from mmsearch.attention.explanation import Explanation
    from mmsearch.collection.collection import Collection
    from mmsearch.queries import Hits

EXAMPLES = examples(
    ("mmsearch search 'a dog on the beach'", ""),
    ("mmsearch search a cat --not kitten -k 20", "steer away from something"),
    ("mmsearch search '2:cat' '1:sofa' --combine fuse", "both of them, and the cat counts double"),
    ("mmsearch search --image photo.jpg 'at night' --not image:crowd.jpg", "like this picture, at night, without"),
    ("mmsearch search --audio bark.wav --modality image", "pictures of what barks"),
    ("mmsearch search 'where is the invoice' --modality text", "what is written, or said in a recording"),
    ("mmsearch search '\"exact words\" invoi*' --mode text", "by words in names, captions and transcripts"),
    ("mmsearch search dog --where \"year >= 2020 and tag = 'holiday'\"", "only such files"),
    ("mmsearch search --where 'size > 5MB' --sort -taken", "without a query: a list"),
    ("mmsearch search --like 17 --modality text", "texts that fit item 17"),
    ("mmsearch search 'a red boat' --reranker maxsim", "word by word against the parts of the best hits"),
    ("mmsearch search sunset --min-score 0.5 --dedupe", "only good matches, and each once"),
    ("mmsearch search sunset -0 | xargs -0 cp -t best/", "paths for another program"),
    ("mmsearch search sunset --html sunset.html", "a page with thumbnails"),
)
_PARTS, _LIMITS, _RANKING, _OUTPUT = "What to look for", "What may be found", "How to rank", "What to print"


@with_global_options
def search(
    options: GlobalOptions,
    text: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEXT",
            help="Words or sentences. Arguments in a row are one phrase, so quotes may be left out; '2:cat' is a "
            "part of its own that counts double (--not steers away), and image:FILE, audio:FILE, item:ID and "
            "vector:FILE are parts of other kinds.",
        ),
    ] = None,
    image: Annotated[
        list[str] | None,
        typer.Option("--image", metavar="FILE", rich_help_panel=_PARTS, help="A picture; may be repeated."),
    ] = None,
    audio: Annotated[
        list[str] | None,
        typer.Option(
            "--audio",
            metavar="FILE",
            rich_help_panel=_PARTS,
            help="A sound, of which the first minute counts; may be repeated.",
        ),
    ] = None,
    like: Annotated[
        list[str] | None,
        typer.Option(
            "--like",
            metavar="ID_OR_PATH",
            rich_help_panel=_PARTS,
            help="What is like this item of the collection; may be repeated.",
        ),
    ] = None,
    vector: Annotated[
        list[str] | None,
        typer.Option(
            "--vector", metavar="FILE", rich_help_panel=_PARTS, help="A vector of the collection's model, as .npy."
        ),
    ] = None,
    negative: Annotated[
        list[str] | None,
        typer.Option(
            "--not",
            metavar="PART",
            rich_help_panel=_PARTS,
            help="Steer away from this text, or from image:FILE, audio:FILE, item:ID; may be repeated.",
        ),
    ] = None,
    request: Annotated[
        Path | None,
        typer.Option(
            "--request",
            metavar="FILE",
            rich_help_panel=_PARTS,
            help="A query as a JSON object, - for standard input; docs/composed-queries.md has the form.",
        ),
    ] = None,
    modality: Annotated[
        str | None,
        typer.Option(
            "--modality",
            metavar="KINDS",
            rich_help_panel=_LIMITS,
            help="Only these kinds, such as image or image,text; video stands for all that was found in videos.",
        ),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(
            "--where",
            metavar="EXPR",
            rich_help_panel=_LIMITS,
            help="Only files for which this holds, such as \"year >= 2020 and tag = 'beach'\"; docs/where.md has the "
            "language, `mmsearch fields` the names. Without a query, all of them are listed.",
        ),
    ] = None,
    min_score: Annotated[
        float | None,
        typer.Option(
            "--min-score",
            min=0.0,
            max=1.0,
            metavar="S",
            rich_help_panel=_LIMITS,
            show_default=False,
            help="Leave out hits below, by default 0; 0.5 is where a match begins to be likely (not in mode text).",
        ),
    ] = None,
    dedupe: Annotated[
        bool | None,
        typer.Option(
            "--dedupe/--no-dedupe",
            show_default=False,
            rich_help_panel=_LIMITS,
            help="Leave out copies and near-copies of better hits.",
        ),
    ] = None,
    quota: Annotated[
        list[str] | None,
        typer.Option(
            "--quota", metavar="KIND=N", rich_help_panel=_LIMITS, help="At most so many of a kind; may be repeated."
        ),
    ] = None,
    k: Annotated[
        int | None,
        typer.Option(
            "-k",
            min=1,
            metavar="N",
            rich_help_panel=_LIMITS,
            help="How many results; by default search.k of the settings, 10.",
        ),
    ] = None,
    offset: Annotated[
        int | None,
        typer.Option(
            "--offset",
            min=0,
            metavar="N",
            rich_help_panel=_LIMITS,
            show_default=False,
            help="Leave out so many of the best, for paging; by default 0.",
        ),
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            "--mode",
            metavar="MODE",
            rich_help_panel=_RANKING,
            help="vector goes by meaning, text by words in names, captions and transcripts, hybrid (the default) by "
            "both.",
        ),
    ] = None,
    combine: Annotated[
        str | None,
        typer.Option(
            "--combine",
            metavar="HOW",
            show_default=False,
            rich_help_panel=_RANKING,
            help="Several parts: add (the default) makes one vector of them, fuse finds what fits each of them.",
        ),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort",
            metavar="FIELDS",
            rich_help_panel=_RANKING,
            help="Sort what is shown by fields, such as -taken,name: a list as a whole, of a query the k best.",
        ),
    ] = None,
    group: Annotated[
        bool | None,
        typer.Option(
            "--group/--no-group",
            show_default=False,
            rich_help_panel=_RANKING,
            help="One result a file, its best moment (the default); or every passage and moment for itself.",
        ),
    ] = None,
    log: Annotated[
        bool | None,
        typer.Option(
            "--log/--no-log",
            show_default=False,
            rich_help_panel=_RANKING,
            help="Note the query on this machine, for `mmsearch feedback`; by default as the settings say, no.",
        ),
    ] = None,
    rerank: Annotated[
        bool | None,
        typer.Option(
            "--rerank/--no-rerank",
            show_default=False,
            rich_help_panel=_RANKING,
            help="Let a re-ranker look at the best hits for a text again; by default as the settings say, yes, where "
            "one is known to help.",
        ),
    ] = None,
    reranker: Annotated[
        str | None,
        typer.Option(
            "--reranker",
            metavar="NAME",
            show_default=False,
            rich_help_panel=_RANKING,
            help="Which one, such as maxsim, blip:FOLDER or cross_encoder:FOLDER; by default the one trained for the "
            "collection, or built in.",
        ),
    ] = None,
    rerank_depth: Annotated[
        int | None,
        typer.Option(
            "--rerank-depth",
            metavar="N",
            show_default=False,
            rich_help_panel=_RANKING,
            help="It looks at so many hits; by default search.rerank_depth of the settings, 100.",
        ),
    ] = None,
    budget_ms: Annotated[
        float | None,
        typer.Option(
            "--budget-ms",
            metavar="MS",
            show_default=False,
            rich_help_panel=_RANKING,
            help="It ends after so many milliseconds, not counting the loading of the model; hits that it did not come "
            "to keep their places.",
        ),
    ] = None,
    paths: Annotated[
        bool, typer.Option("--paths", "-f", rich_help_panel=_OUTPUT, help="Print only the paths, one a line.")
    ] = False,
    print0: Annotated[
        bool, typer.Option("-0", "--print0", rich_help_panel=_OUTPUT, help="Print only the paths, each ended by a NUL.")
    ] = False,
    preview: Annotated[
        bool, typer.Option("--preview", "-p", rich_help_panel=_OUTPUT, help="Also show the pictures in the terminal.")
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FILE",
            rich_help_panel=_OUTPUT,
            help="Also write a page with thumbnails, complete in one file.",
        ),
    ] = None,
    explain: Annotated[
        bool | None,
        typer.Option(
            "--explain/--no-explain",
            show_default=False,
            rich_help_panel=_OUTPUT,
            help="Say of each result where its score comes from; with --html, also show where in it the query was "
            "found.",
        ),
    ] = None,
    profile: Annotated[
        bool, typer.Option("--profile", rich_help_panel=_OUTPUT, help="Say on stderr how long each stage took.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Find photos, sounds and texts by meaning. All parts of the query combine; the best hits come first.

    The score is between 0 and 1, comparable between kinds; from 0.5 on a match is likely (docs/scores.md).
    """
    if json and (paths or print0):
        raise typer.BadParameter("--json goes with neither --paths nor -0.")
    given: dict[str, Any] = {"image": image, "audio": audio, "like": like, "vector": vector}
    limits: dict[str, Any] = {"modality": modality, "where": where, "quotas": quota}
    ranking: dict[str, Any] = {"mode": mode, "combine": combine, "sort": sort, "log": log, "min_score": min_score}
    flags = {"group": group, "dedupe": dedupe, "explain": explain, "k": k, "offset": offset}
    again = {"rerank": rerank, "reranker": reranker, "rerank_depth": rerank_depth, "budget_ms": budget_ms}
    with options.open() as collection:
        parts = shorthand(text or (), negative or ())
        asked = merged({"parts": parts, **given, **limits, **ranking, **flags, **again}, request)
        hits = collection.search_request(asked)
        if (alone := lone_weight(asked)) is not None:
            options.notice(alone)
        # Only what a worker has read before is decoded for the page, in the user's own process.
        safe = collection.searchable([hit.subject for hit in hits]) if html else frozenset()
        maps = _maps(collection, asked, hits) if html and any(hit.explain for hit in hits) else {}
    _print_notices(options, hits, profile=profile)
    _say_if_noted(options, hits, asked.get("log"))
    if html:
        _write_page(options, html, hits, described(asked), safe, maps)
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
        if any(hit.explain for hit in hits):  # a request in a file may have asked for it
            from mmsearch.cli.explanation import explanations

            show(explanations(hits))


def _print_notices(options: GlobalOptions, hits: "Hits", *, profile: bool) -> None:
    if not hits and hits.total:
        options.notice(f"The list has {hits.total:,} files; this page begins after its end.")
    elif not hits:
        options.notice("Nothing found.")
    elif hits.good_match is False:
        best = max(hit.score for hit in hits)
        options.notice(f"No good match: the best score is {best:.3f}; results are probably not what you meant.")
    for each in hits.notices:
        options.notice(each)
    if hits.total is not None and hits:
        options.notice(f"{hits[0].rank:,} to {hits[-1].rank:,} of {hits.total:,} files.")
    if profile:
        stages = ", ".join(f"{stage} {spent:.1f}" for stage, spent in hits.profile.items())
        options.notice(f"Milliseconds: {stages}; together {sum(hits.profile.values()):.1f}.")


def _say_if_noted(options: GlobalOptions, hits: "Hits", log: bool | None) -> None:
    if hits.query_id is not None:
        noted = f"mmsearch feedback {hits.query_id} ID..."
        options.notice(f"Noted as query {hits.query_id}; `{noted}` says which results were right.")
    elif hits.total is not None:  # a list, which the log has no use for
        if log:
            options.notice("The query could not be kept: a list without a query has nothing to learn from.")
    elif options.config().search.log if log is None else log:
        options.notice(
            "The query could not be kept: it is too long, the collection cannot be written, or others write to it."
        )


def _print_json(options: GlobalOptions, hits: "Hits", *, preview: bool) -> None:
    if preview and not is_terminal():
        options.notice("--preview needs a terminal; it is left out.")
    for hit in hits:
        emit_json(hit.to_dict())


def _maps(collection: "Collection", asked: dict[str, Any], hits: "Hits") -> dict[int, "Explanation"]:
    from mmsearch.cli.page_maps import maps_of

    return maps_of(collection, asked, hits)


def _write_page(
    options: GlobalOptions,
    path: Path,
    hits: "Hits",
    parts: Sequence[str],
    safe: frozenset[str],
    maps: dict[int, "Explanation"],
) -> None:
    from mmsearch.cli.page import page
    from mmsearch.files import write_durably

    limits = options.config().limits.for_machine(workers=1)
    write_durably(path.absolute(), page(hits, parts, limits, safe, maps).encode())
    options.notice(f"Wrote {path}; open it in a browser.")


def _show_previews(options: GlobalOptions, hits: "Hits") -> None:
    from mmsearch.cli.preview import show_previews

    show_previews(hits, options.config().limits.for_machine(workers=1))
