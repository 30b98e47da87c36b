"""Runs on disk, to compare later ones with: JSON, with paths relative to the folder of the queries' file."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmsearch.errors import UsageError
from mmsearch.evaluation.judged import JudgedQuery, name_below, with_paths
from mmsearch.evaluation.ranking import Ranking, Run
from mmsearch.files import write_for_user
from mmsearch.media.opening import open_regular

FORMAT, VERSION = "mmsearch evaluation", 1
MAX_BYTES = 1 << 30
_REMEDY = "Give a file that `mmsearch evaluate --save` wrote."


@dataclass(frozen=True, slots=True)
class SavedRuns:
    """What a file of runs holds: the rankings of each are one a query, in order."""

    queries: tuple[JudgedQuery, ...]
    runs: tuple[Run, ...]


def save_runs(
    path: Path, queries: Sequence[JudgedQuery], runs: Sequence[Run], folder: str, about: Mapping[str, Any]
) -> None:
    """Write runs.

    Args:
        folder: Paths in it are written relative to it.
        about: What else to tell a reader: model, revision, settings, date.

    Raises:
        StorageError: The folder is not there, cannot be written, or the disk is full.
    """

    def name(path: str) -> str:
        return name_below(folder, path)

    document = {
        "format": FORMAT,
        "version": VERSION,
        **about,
        "queries": [
            {
                "id": query.id,
                "request": with_paths(query.request, name),
                "relevant": {name(path): grade for path, grade in query.relevant.items()},
            }
            for query in queries
        ],
        "runs": [
            {
                "name": run.name,
                "median_ms": run.median_ms,
                "failed": {str(number): reason for number, reason in run.failed.items()},
                "rankings": [[[name(path), score] for path, score in ranking] for ranking in run.rankings],
            }
            for run in runs
        ],
    }
    write_for_user(path, json.dumps(document).encode())


def load_runs(path: str | os.PathLike[str], folder: str) -> SavedRuns:
    """Read a file that `save_runs` wrote.

    Args:
        folder: What relative paths in it are relative to.

    Raises:
        UsageError: It is not such a file.
        FileUnreadable: It is not there.
    """
    with open_regular(path) as file:
        data = file.read(MAX_BYTES + 1)
    try:
        if len(data) > MAX_BYTES:
            raise ValueError("too large")
        document = json.loads(data)
        if (document["format"], document["version"]) != (FORMAT, VERSION):
            raise ValueError("another format")
        return _read(document, folder)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f"{os.fspath(path)} holds no evaluation that is known here.", remedy=_REMEDY) from error


def _read(document: Mapping[str, Any], folder: str) -> SavedRuns:
    """Raise any of the errors above for what is not as it was written."""

    def full(path: str) -> str:
        return os.path.normpath(os.path.join(folder, path))

    queries = tuple(
        JudgedQuery(
            _is_a(str, each["id"]),
            with_paths(each["request"], full),
            {full(path): _is_a(int, grade) for path, grade in each["relevant"].items()},
        )
        for each in document["queries"]
    )
    runs = tuple(
        Run(_is_a(str, each["name"]), tuple(_ranking(found, full) for found in each["rankings"]))
        for each in document["runs"]
    )
    if not runs or any(len(run.rankings) != len(queries) for run in runs) or not all(q.relevant for q in queries):
        raise ValueError("not one ranking a query")
    return SavedRuns(queries, runs)


def _ranking(found: Any, full: Any) -> Ranking:  # noqa: ANN401 - JSON
    ranking = tuple((full(path), float(score)) for path, score in found)
    if len({path for path, _ in ranking}) < len(ranking) or not all(math.isfinite(score) for _, score in ranking):
        raise ValueError("a file is there twice, or a score is no number")
    return ranking


def _is_a(kind: Any, value: Any) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(value, kind):
        raise TypeError(f"expected {kind.__name__}")
    return value
