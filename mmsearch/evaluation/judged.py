"""A query with known answers."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from mmsearch.search.items import is_id

_FILES = ("image", "audio", "vector", "item")
_TITLE_CHARS = 200


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A query and the files that it should find.

    Attributes:
        id: Tells it from the others, in this file and in saved runs.
        request: As `search.request.from_json` reads it; paths are absolute.
        relevant: Absolute path -> grade, at least 1: how much it is what was meant.
    """

    id: str
    request: dict[str, Any]
    relevant: dict[str, int]

    @property
    def kind(self) -> str:
        """What it is made of: "text", "image", "audio", "item", "vector", or "composed" of several parts."""
        kinds = [kind for part in self.request["parts"] for kind in part if kind != "weight"]
        return kinds[0] if len(kinds) == 1 else "composed"

    @property
    def title(self) -> str:
        """What to call it in a report, shortened."""
        named = (str(value) for part in self.request["parts"] for kind, value in part.items() if kind != "weight")
        text = " + ".join(named)
        return text if len(text) <= _TITLE_CHARS else text[: _TITLE_CHARS - 3] + "..."

    @property
    def own_files(self) -> frozenset[str]:
        """Absolute paths of the files that it is made of."""
        values = (part[kind] for part in self.request["parts"] for kind in _FILES if kind in part)
        return frozenset(value for value in values if isinstance(value, str) and not is_id(value))


def with_paths(request: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """Return a request with every path of a part changed."""
    parts = [
        {kind: change(value) if kind in _FILES and isinstance(value, str) and not is_id(value) else value}
        | {"weight": part.get("weight", 1.0)}
        for part in request["parts"]
        for kind, value in part.items()
        if kind != "weight"
    ]
    return {**request, "parts": parts}


def name_below(folder: str, path: str) -> str:
    """Write a path relative to a folder that it lies in, with "/"; any other as it is.

    What is so written means the same file on another machine, if the folder came along with what is in it.
    """
    below = os.path.join(folder, "")
    return path.removeprefix(below).replace(os.sep, "/") if path.startswith(below) else path


def made_id(request: Mapping[str, Any], folder: str) -> str:
    """Make an id that stays the same as long as the query does: "q" and 16 hexadecimal digits."""
    portable = with_paths(request, lambda path: name_below(folder, path))
    return "q" + blake2b(json.dumps(portable, sort_keys=True).encode(), digest_size=8).hexdigest()
