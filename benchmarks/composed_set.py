"""The set of composed queries: read it, find its media, judge a ranking."""

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

ARGUMENTS = ("text", "negative", "image", "audio", "like")  # of Collection.search
MEASURES = ("hit@1", "hit@5", "mAP")
Table = npt.NDArray[np.float64]  # (queries, measures), or a row of it

_WEIGHTED = re.compile(r"([0-9.]+):(.+)")
_ESC_50 = re.compile(r"[1-5]-[0-9]+-[A-Z]")


@dataclass(frozen=True)
class Part:
    """One part of a query.

    Attributes:
        value: A text, or the name of a media file.
    """

    argument: str
    value: str
    weight: float = 1.0


@dataclass(frozen=True)
class ComposedQuery:
    """A query, and the items that it means.

    Attributes:
        modality: Of the items that are searched.
        doubtful: Items that are neither right nor wrong.
    """

    kind: str
    parts: tuple[Part, ...]
    modality: str
    answers: frozenset[str]
    doubtful: frozenset[str] = frozenset()

    @property
    def left_out(self) -> frozenset[str]:
        """What does not count in a ranking: doubtful items, and those of the query."""
        return self.doubtful | {part.value for part in self.parts if part.argument not in ("text", "negative")}

    def values(self, argument: str) -> list[str]:
        """Return what one argument of the search is given, without weights."""
        return [part.value for part in self.parts if part.argument == argument]


def read_set(path: Path) -> tuple[frozenset[str], list[ComposedQuery]]:
    """Read the names of the media that were judged, and the queries.

    Raises:
        ValueError: A query names media that were not judged, or has no answer besides its own media.
    """
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    names = frozenset(name for row in rows for name in row.get("names", []))
    queries = [_query(row) for row in rows if "kind" in row]
    for query in queries:
        if not (query.answers | query.left_out) <= names or not query.answers - query.left_out:
            raise ValueError(f"{path}: {query.kind} {query.parts} has wrong names or no answer.")
    return names, queries


def _query(row: Mapping[str, Sequence[str]]) -> ComposedQuery:
    parts = tuple(_part(argument, value) for argument in ARGUMENTS for value in row.get(argument, []))
    answers, doubtful = frozenset(row["answers"]), frozenset(row.get("doubtful", []))
    return ComposedQuery(str(row["kind"]), parts, str(row["modality"]), answers, doubtful)


def _part(argument: str, value: str) -> Part:
    match = _WEIGHTED.fullmatch(value)
    return Part(argument, match[2], float(match[1])) if match else Part(argument, value)


def name_of(path: str) -> str:
    """Return the name of a media file in the set: '/a/cat__1-47819-A.ogg' is 1-47819-A."""
    name = Path(path).stem.split("__")[-1]
    match = _ESC_50.match(name)
    return match[0] if match else name


def files_below(folders: Iterable[Path], names: frozenset[str]) -> dict[str, str]:
    """Find the media below some folders: name -> absolute path.

    Raises:
        FileNotFoundError: Some are not there.
    """
    found: dict[str, str] = {}
    for folder in folders:
        for parent, _, files in os.walk(folder.resolve()):
            found |= {name_of(file): os.path.join(parent, file) for file in files if name_of(file) in names}
    if missing := sorted(names - set(found)):
        raise FileNotFoundError(f"{len(missing)} of {len(names)} media are not there, such as {missing[0]}.")
    return found


def success(ranking: Sequence[str], query: ComposedQuery) -> Table:
    """Return the MEASURES of a ranking of all items."""
    right = np.array([name in query.answers for name in ranking if name not in query.left_out])
    precision = right.cumsum() / np.arange(1, len(right) + 1)
    return np.array([right[0], right[:5].any(), precision[right].mean()], dtype=np.float64)
