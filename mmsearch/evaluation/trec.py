"""The formats of trec_eval, which ranx, ir_measures and pytrec_eval read too.

A run has a line `qid Q0 docid rank score tag` a file, the judgements `qid 0 docid grade`. Fields end at white space, so
names are percent-quoted as in a URL: `urllib.parse.unquote` gives them back. Those tools order by score, in single
precision, and equal scores by name; so a score is lowered by the least bit wherever it would not say the order.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import numpy as np

from mmsearch.evaluation.judged import JudgedQuery, name_below
from mmsearch.evaluation.ranking import Ranking, Run
from mmsearch.files import write_for_user


def write_trec_run(path: Path, queries: Sequence[JudgedQuery], run: Run, folder: str) -> None:
    """Write a run; files in `folder` are named relative to it."""
    tag = f"mmsearch-{quote(run.name)}"
    lines = (
        f"{quote(query.id, safe='')} Q0 {_name(found, folder)} {rank} {score:.9g} {tag}\n"
        for query, ranking in zip(queries, run.rankings, strict=True)
        for rank, ((found, _), score) in enumerate(zip(ranking, _falling(ranking), strict=True), start=1)
    )
    write_for_user(path, "".join(lines).encode())


def write_trec_qrels(path: Path, queries: Sequence[JudgedQuery], folder: str) -> None:
    """Write what is relevant; files in `folder` are named relative to it."""
    lines = (
        f"{quote(query.id, safe='')} 0 {_name(relevant, folder)} {grade}\n"
        for query in queries
        for relevant, grade in query.relevant.items()
    )
    write_for_user(path, "".join(lines).encode())


def _name(path: str, folder: str) -> str:
    return quote(os.fsencode(name_below(folder, path)))


def _falling(ranking: Ranking) -> Iterator[np.float32]:
    """Yield the scores of a ranking in single precision, each below the one before."""
    last = np.float32(np.inf)
    for _, score in ranking:
        last = min(np.float32(score), np.nextafter(last, np.float32(-np.inf)))
        yield last
