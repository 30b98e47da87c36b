"""Files of queries with known answers: JSON lines or tables, or the captions files that `adapt` takes."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from mmsearch.adapt.pairs import KEYS, MAX_CAPTIONS, TABLES, read_rows
from mmsearch.config import Limits
from mmsearch.errors import QueryError, UsageError
from mmsearch.evaluation.cells import typed_cells
from mmsearch.evaluation.judged import JudgedQuery, made_id, with_paths
from mmsearch.media.captions import named_media
from mmsearch.media.probe import ending_of
from mmsearch.media.sidecar import captions_in
from mmsearch.reports import ClickedQuery
from mmsearch.search.request import from_json

MAX_QUERIES = 100_000
MAX_RELEVANT = 10_000  # of one query
MAX_GRADE = 1_000
MAX_ID_CHARS = 200
_GRADE = re.compile("[0-9]{1,6}")
_REQUEST = (
    "parts text image audio like vector negative combine mode modality where dedupe min_score quotas".split()
)  # keys of a row that are handed to the search as they are

_HOW = (
    'Write {"query": "a dog", "relevant": ["dog.jpg"]} a line, or name a media file with its captions; '
    "docs/evaluate.md has all forms."
)


def read_qrels(path: str | os.PathLike[str], limits: Limits) -> list[JudgedQuery]:
    """Read queries and what is relevant to them (.jsonl, .ndjson, .csv, .tsv).

    Rows with `relevant` are queries; the others name a media file and its captions, each of which is a query for
    that file. Rows of the same query are joined. Paths are relative to the file's folder, or absolute.

    Args:
        limits: On the bytes of the file.

    Returns:
        The queries in order of first mention; those without a relevant file too.

    Raises:
        UsageError: A row that cannot be read (with its line), too many of anything, or not one query.
        MediaError: The file is not there, is no text, or is too large.
    """
    name = os.fspath(path)
    collected = _Collected(folder=os.path.dirname(os.path.abspath(name)))
    in_table = ending_of(name) in TABLES
    for line, row in read_rows(name, limits):
        with _naming_line(name, line):
            collected.add_row(typed_cells(row) if in_table and isinstance(row, dict) else row)
    if not collected.queries:
        raise UsageError(f"{name} has no queries.", remedy=_HOW)
    return list(collected.queries.values())


def from_log(clicked: Iterable[ClickedQuery]) -> tuple[list[JudgedQuery], int]:
    """Make queries of those in a collection's log of which it is known what was meant.

    Returns:
        The queries, and how many could not be made: those that were given as data, such as pixels, of which the log
        has only the names, and those that another version of mmsearch understood.
    """
    collected, unreadable = _Collected(folder=os.getcwd()), 0
    for each in clicked:
        try:
            collected.add_row({**each.request, "relevant": list(each.good)})
        except UsageError:
            unreadable += 1
    return list(collected.queries.values()), unreadable


@dataclass
class _Collected:
    """The queries read so far, by id."""

    folder: str
    queries: dict[str, JudgedQuery] = field(default_factory=dict)
    _by_words: dict[str, str] = field(default_factory=dict)  # captions that differ only by case and space are one

    def add_row(self, row: object) -> None:
        if not isinstance(row, dict):
            raise UsageError("not an object.", remedy=_HOW)
        cells = {str(key).strip().lower(): value for key, value in row.items() if value not in (None, "")}
        if "relevant" in cells:
            request = self._request(cells)
            id = _id(cells["id"]) if "id" in cells else made_id(request, self.folder)
            self._add(id, request, self._relevant(cells))
        else:
            self._add_captions(row)

    def _add_captions(self, row: Mapping[str, Any]) -> None:
        media = named_media(row)
        if media is None:
            raise UsageError("neither has `relevant` nor names a picture, sound or video.", remedy=_HOW)
        captions = captions_in(row, file_name=os.path.basename(media), keys=KEYS)
        for caption, _ in zip(captions, range(MAX_CAPTIONS), strict=False):
            request = {"parts": [{"text": caption, "weight": 1.0}]}
            id = self._by_words.setdefault(" ".join(caption.casefold().split()), made_id(request, self.folder))
            self._add(id, self.queries[id].request if id in self.queries else request, {self._path(media): 1})

    def _add(self, id: str, request: dict[str, Any], relevant: Mapping[str, int]) -> None:
        known = self.queries.setdefault(id, JudgedQuery(id, request, {}))
        if known.request != request:
            raise UsageError(f"the id {id!r} was given to another query before.", remedy="Give each its own.")
        known.relevant.update({path: grade for path, grade in relevant.items() if grade})
        if len(self.queries) > MAX_QUERIES or len(known.relevant) > MAX_RELEVANT:
            raise UsageError(
                f"there may be {MAX_QUERIES:,} queries, with {MAX_RELEVANT:,} relevant files each.",
                remedy="Give a part of them.",
            )

    def _request(self, cells: Mapping[str, Any]) -> dict[str, Any]:
        given = {key: cells[key] for key in _REQUEST if key in cells}
        if "query" in cells:
            given["parts"] = [*_list(given.get("parts", [])), {"text": cells["query"]}]
        read = from_json(given)
        if not read.terms:
            raise UsageError("there is nothing to search for.", remedy=_HOW)
        parts = [{term.kind: _checked(term.kind, term.value), "weight": term.weight} for term in read.terms]
        return with_paths({**read.to_json(), "parts": parts}, self._path)

    def _relevant(self, cells: Mapping[str, Any]) -> dict[str, int]:
        value = cells["relevant"]
        if isinstance(value, dict):
            graded = value
        else:
            graded = dict.fromkeys(_paths(value), cells.get("grade", 1))
        return {self._path(path): _grade(grade) for path, grade in graded.items()}

    def _path(self, path: str) -> str:
        if not path or "\0" in path:
            raise UsageError(f"{path!r} is no path.", remedy="Mend the line.")
        return os.path.normpath(os.path.join(self.folder, os.path.expanduser(path)))


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise UsageError("`parts` must be a list.", remedy=_HOW)
    return value


def _checked(kind: str, value: object) -> object:
    """Let through what a part may have in a file; `from_json` leaves it to the search to look at the value."""
    if kind == "text" and isinstance(value, str):
        value = value.encode("utf-8", "replace").decode()  # JSON can escape halves of surrogate pairs
    numbers = kind == "vector" and isinstance(value, list) and all(isinstance(each, int | float) for each in value)
    item = kind == "item" and isinstance(value, int) and not isinstance(value, bool)
    as_data = kind != "text" and isinstance(value, str) and value.startswith("<")  # as a log names it
    if as_data or not (numbers or item or (isinstance(value, str) and value.strip())):
        raise UsageError(f"a part cannot search for the {kind} {str(value)[:50]!r}.", remedy=_HOW)
    return value


def _paths(value: object) -> list[str]:
    given = value if isinstance(value, list) else [value]
    paths = [path for path in given if isinstance(path, str)]
    if len(paths) < len(given):
        raise UsageError("`relevant` must be a path, a list of paths, or paths with grades.", remedy=_HOW)
    return paths


def _grade(value: object) -> int:
    """Read a grade; a table has it as text."""
    number = int(value) if isinstance(value, str) and _GRADE.fullmatch(value.strip()) else value
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= MAX_GRADE:
        raise UsageError(f"a grade is a whole number from 0 to {MAX_GRADE:,}, not {value!r:.50}.", remedy="Mend it.")
    return number


def _id(value: object) -> str:
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not text.strip() or len(text) > MAX_ID_CHARS:
        raise UsageError(f"an id is a text of up to {MAX_ID_CHARS} characters.", remedy="Mend it.")
    return text


@contextmanager
def _naming_line(name: str, line: int) -> Iterator[None]:
    """Let an error say where it is."""
    try:
        yield
    except UsageError as error:
        remedy = _HOW if isinstance(error, QueryError) else error.remedy
        raise UsageError(f"{name}, line {line}: {error.message}", remedy=remedy) from error
