"""The metrics, by the names that retrieval papers use, computed for each query.

    hit@k      1 if a relevant file is among the first k (CLIP papers call it recall@k)
    recall@k   share of the relevant files among the first k
    MRR        1 / rank of the first relevant file
    nDCG@k     discounted cumulative gain of the grades, over that of the best order
    mAP        mean of the precision at each relevant file (not found: 0)

They come from ir-measures, which runs trec_eval's code. It would sort equal scores by name, so it is given ranks.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from mmsearch.bootstrap import Values
from mmsearch.errors import DependencyMissing, UsageError

DEFAULT_METRICS = ("hit@1", "hit@5", "hit@10", "recall@1", "recall@5", "recall@10", "MRR", "nDCG@10", "mAP")
MEDIAN_RANK = "median_rank"
_PREFIXES = {"hit": "hit", "recall": "recall", "ndcg": "nDCG"}
_WHOLE = {"mrr": "MRR", "map": "mAP", "median_rank": MEDIAN_RANK}
_AT = re.compile(r"(?P<name>[A-Za-z]{1,10})@(?P<k>[0-9]{1,6})")
_AT_ONCE = 1_000  # queries handed to the library at once


def parse_metric(name: str, depth: int) -> str:
    """Return the usual writing of a metric's name.

    Raises:
        UsageError: There is no such metric, or its k is beyond what is searched.
    """
    found = _AT.fullmatch(name)
    if found and found["name"].lower() in _PREFIXES and 1 <= int(found["k"]) <= depth:
        return f"{_PREFIXES[found['name'].lower()]}@{int(found['k'])}"
    if name.lower() in _WHOLE:
        return _WHOLE[name.lower()]
    raise UsageError(
        f"There is no metric {name!r} in the first {depth}.",
        remedy=f"There are hit@K, recall@K and nDCG@K with K up to {depth}, MRR, mAP and {MEDIAN_RANK}.",
    )


def require_library() -> Any:  # noqa: ANN401 - a module
    """Import ir-measures.

    Raises:
        DependencyMissing: It is not installed.
    """
    try:
        import ir_measures
    except ImportError as error:
        raise DependencyMissing(
            "Evaluation needs the package ir-measures.", remedy="Run: pip install 'mmsearch[evaluate]'"
        ) from error
    return ir_measures


def query_values(
    relevant: Sequence[Mapping[str, int]], rankings: Sequence[Sequence[str]], metrics: Sequence[str]
) -> Values:
    """Judge rankings of different files, each best first, by what is relevant: (queries, metrics).

    Args:
        relevant: Of each query, file -> grade of at least 1; at least one.
        rankings: Of each query.
        metrics: From `parse_metric`, without the median rank.
    """
    library = require_library()
    columns = {_measure(library, name): column for column, name in enumerate(metrics)}
    values = np.zeros((len(relevant), len(metrics)))
    pairs = enumerate(zip(relevant, rankings, strict=True))
    while some := list(islice(pairs, _AT_ONCE)):
        qrels, run = {}, {}
        for number, (grades, ranking) in some:
            qrels[str(number)], run[str(number)] = _numbered(grades, ranking)
        for found in library.iter_calc(list(columns), qrels, run):
            values[int(found.query_id), columns[found.measure]] = found.value
    return values


def first_ranks(relevant: Sequence[Mapping[str, int]], rankings: Sequence[Sequence[str]]) -> Values:
    """Return the rank from 1 of the first relevant file of each query (queries,), infinity if none was found."""
    ranks = (
        next((rank for rank, path in enumerate(ranking, start=1) if path in grades), np.inf)
        for grades, ranking in zip(relevant, rankings, strict=True)
    )
    return np.fromiter(ranks, dtype=np.float64, count=len(relevant))


def _measure(library: Any, name: str) -> Any:  # noqa: ANN401 - an ir_measures.Measure
    kind, _, k = name.partition("@")
    whole = {"MRR": library.RR, "mAP": library.AP}
    at = {"hit": library.Success, "recall": library.R, "nDCG": library.nDCG}
    return at[kind] @ int(k) if k else whole[kind]


def _numbered(grades: Mapping[str, int], ranking: Sequence[str]) -> tuple[dict[str, int], dict[str, float]]:
    """Name files by numbers (a path need not be Unicode) and score them by their ranks."""
    numbers = {path: str(number) for number, path in enumerate(dict.fromkeys([*grades, *ranking]))}
    scores = {numbers[path]: -float(rank) for rank, path in enumerate(ranking)}
    return {numbers[path]: grade for path, grade in grades.items()}, scores
