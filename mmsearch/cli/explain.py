"""`mmsearch explain`: which parts of an item spoke for it, for each word of a query."""

from pathlib import Path
from typing import Annotated

import typer

from mmsearch.cli.options import GlobalOptions, JsonOption, with_global_options
from mmsearch.cli.output import emit_json, examples, show, wants_json

EXAMPLES = examples(
    ("mmsearch explain 'a dog on the beach' photo.jpg", "which regions of the picture spoke for which word"),
    ("mmsearch explain a dog on the beach photo.jpg -o heat.png", "as heat maps over the picture"),
    ("mmsearch explain 'a dog barks' 17", "an item by its id, as a search shows it"),
    ("mmsearch explain 'rain and thunder' storm.wav -o storm.png", "which seconds of a sound"),
    ("mmsearch explain 'pay the invoice' letter.txt", "which words of the passage that is nearest"),
    ("mmsearch explain 'a red boat' boat.jpg --reranker maxsim", "as that re-ranker sees it"),
)


@with_global_options
def explain(
    options: GlobalOptions,
    query: Annotated[
        list[str], typer.Argument(metavar="QUERY", help="Words or a sentence; the quotes may be left out.")
    ],
    item: Annotated[
        str, typer.Argument(metavar="ITEM", help="A file of the collection, or an id as a search shows it.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Also draw it: a PNG of the picture with a heat map a word, or a chart over time of a sound. A file "
            "of that name is replaced.",
        ),
    ] = None,
    reranker: Annotated[
        str,
        typer.Option(
            "--reranker",
            metavar="NAME",
            help="Which re-ranker looks, such as maxsim; by default the one that searches use, if it can say where it "
            "looked.",
        ),
    ] = "",
    json: JsonOption = False,
) -> None:
    """Say for each word of a query which regions of a picture, seconds of a sound or words of a passage spoke for it.

    The item need not be among the results of that query: it is looked at in any case, and the strongest part is called
    strong however weak it is. The strength of a word is its share of what all words found.
    """
    if output is not None:
        from mmsearch.attention.picture import check_target

        check_target(output)
    with options.open() as collection:
        explanation = collection.explain(" ".join(query), item, reranker=reranker)
    if output is not None:
        explanation.save_picture(output, limits=options.config().limits.for_machine(workers=1))
        options.notice(f"Wrote {output}.")
    if wants_json(json):
        emit_json(explanation.to_dict())
    else:
        from mmsearch.cli.heat import pictured

        show(*pictured(explanation))
