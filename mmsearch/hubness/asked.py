"""What people ask for: queries from a text file or from the log, and the files that they said were right."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mmsearch.adapt.pairs import MAX_CAPTIONS, Pair, read_named
from mmsearch.config import Limits
from mmsearch.errors import UsageError
from mmsearch.reports import ClickedQuery

MAX_CHARS = 2_000  # of one query; longer ones are passed over
_NO_PART = {"where", "sort", "k", "offset", "modality", "mode", "combine", "group", "dedupe", "min_score", "quotas"}


def read_queries(path: str | os.PathLike[str], limits: Limits) -> list[str]:
    """Read a text file of a query a line.

    Raises:
        UsageError: There is none in it.
        MediaError: It is not there, is no text, or is too large.
    """
    name = os.fspath(path)
    lines = read_named(name, limits).splitlines()
    queries = [line.strip() for line in lines if line.strip() and len(line) <= MAX_CHARS]
    if not queries:
        raise UsageError(f"{name} has no queries.", remedy="Write one a line.")
    return queries


def logged_texts(queries: Iterable[ClickedQuery]) -> list[str]:
    """Return the texts of the queries that are one text and nothing else."""
    texts = [_only_text(query.request) for query in queries]
    return [text for text in texts if text and len(text) <= MAX_CHARS]


def clicked_pairs(queries: Iterable[ClickedQuery]) -> list[Pair]:
    """Turn right hits round: each file with the texts by which it was found, in order of first click."""
    said: dict[str, dict[str, None]] = {}
    for query in queries:
        text = _only_text(query.request)
        if text and len(text) <= MAX_CHARS:
            for path in query.good:
                said.setdefault(path, {})[text] = None
    return [Pair(path, tuple(texts)[:MAX_CAPTIONS]) for path, texts in said.items()]


def _only_text(request: Mapping[str, Any]) -> str | None:
    """Return what a query asks for if that is a single text; filters and the like may come with it.

    A query is {"parts": [{"text": "dog", "weight": 2}]} or {"text": "dog"}.
    """
    parts = request.get("parts", [])
    if parts and isinstance(parts, list) and isinstance(parts[0], dict):
        weight = parts[0].get("weight", 1)
        wanted = isinstance(weight, int | float) and weight > 0
        return _single(parts, set(request) - {"parts"}, parts[0].get("text") if wanted else None)
    return _single([None], set(request) - {"text"}, request.get("text"))


def _single(parts: Sequence[object], names: set[str], text: object) -> str | None:
    if isinstance(text, list) and len(text) == 1:
        text = text[0]
    alone = len(parts) == 1 and names <= _NO_PART
    return text.strip() or None if alone and isinstance(text, str) else None
