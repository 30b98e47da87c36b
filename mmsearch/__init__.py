"""Search your photos, sounds and videos by meaning, on your own machine.

    import mmsearch

    with mmsearch.open("photos") as collection:
        collection.index("~/Pictures")
        for hit in collection.search("a dog on the beach", k=10, modality="image"):
            print(hit.rank, hit.score, hit.path)

The folders show the path of the data:

    opening.py      which collection a name stands for
    collection/     the Python API, a file for each of its parts
    jobs.py         from the settings to what an index run is told
    storage.py      one collection on disk: made, opened, locked, and its encoder
    cli/            the command line, one file a command
    ingest/         a file on disk becomes searchable   (flow.py first)
    search/         a query becomes hits                (flow.py first)
    attention/      where in an item a query found what
    adapt/          stored vectors as searches see them, fitted to the user's pairs
    hubness/        what is taken from files that every query finds
    where/          the language of filters
    dupes/          copies and near-copies
    evaluation/     searches measured on queries with known answers
    media/          bytes to pixels, passages and sound, with limits
    encoders/       pixels, passages and sound to vectors and tokens, one model family a file
    rerankers/      query and candidate looked at together: the second stage
    training/       re-rankers trained on the user's pairs
    vectors/        append-only files of vectors and tokens, and indexes over them
    catalog/        SQL: the truth about files, segments and where their vectors lie
    types.py  queries.py  reports.py  gain_reports.py  protocols.py  errors.py  config.py  registry.py  files.py
    normalise.py  threads.py

The names below are loaded when they are first used, so that `import mmsearch` is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmsearch.attention.explanation import Explanation
    from mmsearch.collection.collection import Collection
    from mmsearch.errors import MmsearchError
    from mmsearch.evaluation.outcome import Evaluation
    from mmsearch.gain_reports import AdaptReport, BankReport, RerankerReport
    from mmsearch.opening import create, open
    from mmsearch.queries import Hit, Hits, Moment
    from mmsearch.reports import (
        ClickedQuery,
        DupeReport,
        FieldsReport,
        FieldSummary,
        IndexProgress,
        IndexReport,
        Problem,
        SaidField,
        Status,
    )

__all__ = [
    "AdaptReport",
    "BankReport",
    "ClickedQuery",
    "Collection",
    "DupeReport",
    "Evaluation",
    "Explanation",
    "FieldSummary",
    "FieldsReport",
    "Hit",
    "Hits",
    "IndexProgress",
    "IndexReport",
    "MmsearchError",
    "Moment",
    "Problem",
    "RerankerReport",
    "SaidField",
    "Status",
    "create",
    "open",
]
__version__ = "0.1.0"

_HOMES = {
    "AdaptReport": "gain_reports",
    "BankReport": "gain_reports",
    "Collection": "collection.collection",
    "Evaluation": "evaluation.outcome",
    "Explanation": "attention.explanation",
    "Hit": "queries",
    "Hits": "queries",
    "MmsearchError": "errors",
    "Moment": "queries",
    "RerankerReport": "gain_reports",
    "create": "opening",
    "open": "opening",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module attribute may be anything
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'reports')}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
