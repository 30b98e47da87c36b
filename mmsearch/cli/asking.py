"""From the arguments of `mmsearch search` to what is asked of a collection."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsearch.errors import QueryError

if TYPE_CHECKING:
    from mmsearch.search.terms import Term

MAX_REQUEST_BYTES = 8 << 20
_ADD_UP = ("parts", "image", "audio", "like", "vector")  # of which a request and the options may both have some


def phrases(words: Sequence[str]) -> list[str]:
    """Join arguments in a row to one phrase, as the shell splits what is not quoted; marked ones stay alone."""
    from mmsearch.search.terms import read_shorthand

    joined: list[str] = []
    open_end = False
    for word in words:
        term = read_shorthand(word)
        marked = term.value != word
        if open_end and not marked:
            joined[-1] += f" {word}"
        else:
            joined.append(word)
        open_end = not marked
    return joined


def shorthand(words: Sequence[str], unwanted: Sequence[str]) -> list[dict[str, Any]]:
    """Make parts, as a JSON object has them, of what was typed as TEXT and after --not."""
    from mmsearch.search.terms import negated, read_shorthand

    terms = [*map(read_shorthand, phrases(words)), *negated([read_shorthand(each) for each in unwanted])]
    return [{term.kind: term.value, "weight": term.weight} for term in terms]


def merged(given: Mapping[str, Any], request: Path | None) -> dict[str, Any]:
    """Join the options with a request in a file: parts add up, and of all else the options win.

    An option that is None, an empty list or an empty text was not said.

    Raises:
        QueryError: The file is not a JSON object.
    """
    said = {name: value for name, value in given.items() if value not in (None, [], "")}
    from_file = {} if request is None else _read(request)
    both = {name: [*_listed(from_file[name]), *said[name]] for name in _ADD_UP if name in from_file and name in said}
    return {**from_file, **said, **both}


def lone_weight(asked: Mapping[str, Any]) -> str | None:
    """Say what a number before a colon was taken for, where a weight has no effect; None if there is nothing to say."""
    parts = [part for name in _ADD_UP for part in _listed(asked.get(name))]
    if len(parts) != 1 or not isinstance(parts[0], dict) or parts[0].get("weight", 1) == 1 or "text" not in parts[0]:
        return None
    text, weight = parts[0]["text"], parts[0]["weight"]
    return f"Searched for {text!r}: the number before it is a weight. To search for both write '1:{weight:g}:{text}'."


def described(asked: Mapping[str, Any]) -> list[str]:
    """Say what was asked for, a part each."""
    from mmsearch.search.request import make_request

    request = make_request(asked)
    return [_described(term) for term in request.terms] + ([f"where {request.where}"] if request.where else [])


def _described(term: "Term") -> str:
    amount = abs(term.weight)
    named = term.name if amount == 1 else f"{amount:g}:{term.name}"
    return named if term.weight > 0 else f"not {named}"


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
