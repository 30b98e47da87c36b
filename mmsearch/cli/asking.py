"""From the arguments of `mmsearch search` to what is asked of a collection."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmsearch.errors import QueryError

MAX_REQUEST_BYTES = 8 << 20
_NOT_SAID: tuple[Any, ...] = (
    None,
    "",
    [],
    0,
    0.0,
    False,
    "add",
)  # what an option has if it was not given; `group` is True then
_PARTS = {"text": "", "image": "picture ", "audio": "sound ", "like": "like ", "vector": "vector ", "negative": "not "}


def phrases(words: Sequence[str]) -> list[str]:
    """Join arguments in a row to one phrase, as the shell splits what is not quoted; weighted ones stay alone."""
    from mmsearch.search.terms import read_term

    joined: list[str] = []
    open_end = False
    for word in words:
        term = read_term(word)
        marked = term.kind != "text" or term.value != word
        if open_end and not marked:
            joined[-1] += f" {word}"
        else:
            joined.append(word)
        open_end = not marked
    return joined


def merged(given: Mapping[str, Any], request: Path | None) -> dict[str, Any]:
    """Join the options with a request in a file: parts add up, and of all else the options win.

    Raises:
        QueryError: The file is not a JSON object.
    """
    said = {name: value for name, value in given.items() if value not in _NOT_SAID or name == "group"}
    if request is None:
        return said
    from_file = _read(request)
    parts = {name: [*_listed(from_file.get(name)), *_listed(said.get(name))] for name in _PARTS}
    group = from_file.get("group", True) if given["group"] else False
    return {**from_file, **said, **{name: value for name, value in parts.items() if value}, "group": group}


def described(asked: Mapping[str, Any]) -> list[str]:
    """Say what was asked for, a part each."""
    parts = [f"{called}{each}" for name, called in _PARTS.items() for each in _listed(asked.get(name))]
    parts += [json.dumps(part) for part in asked.get("parts", [])]
    return [*parts, *([f"where {asked['where']}"] if asked.get("where") else [])]


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - JSON
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _read(path: Path) -> dict[str, Any]:
    try:
        file = sys.stdin.buffer if str(path) == "-" else path.open("rb")
        with file:
            data = file.read(MAX_REQUEST_BYTES + 1)
        request = json.loads(data) if len(data) <= MAX_REQUEST_BYTES else None
    except OSError as error:
        raise QueryError(f"Cannot read {path}: {error.strerror}.", remedy="Check its name.") from error
    except (ValueError, RecursionError) as error:
        raise QueryError(f"{path} is not valid JSON: {error}.") from error
    if not isinstance(request, dict):
        raise QueryError(f"{path} is not a JSON object, or has more than {MAX_REQUEST_BYTES >> 20} MiB.")
    return request
