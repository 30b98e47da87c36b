"""Which collection a name stands for: the doors of the Python API."""

import os
from pathlib import Path

from mmsearch.collection.base import StrPath
from mmsearch.collection.collection import Collection
from mmsearch.config import load_config
from mmsearch.errors import UsageError
from mmsearch.protocols import Encoder


def open(name: StrPath = "", *, home: StrPath | None = None, model: str | Encoder | None = None) -> Collection:
    """Open a collection by name, or by the path of its folder. One that does not exist is made by `index`.

    Args:
        name: By default the one of the settings, "default". What has a slash in it, or is a `Path`, is a path.
        home: The folder that holds the collections; by default as the settings say.
        model: For a new collection: the name of an encoder, or an object that is one (it then runs in this
            process, without isolation from hostile files).

    Raises:
        UsageError: The name is "." or "..".
    """
    config = load_config({"home": home})
    given = os.fspath(name) or config.collection
    if given in {os.curdir, os.pardir} and isinstance(name, str):
        raise UsageError(f"A collection cannot be named {given!r}.", remedy="For a path, write './photos'.")
    is_path = isinstance(name, os.PathLike) or os.sep in given
    folder = Path(os.path.abspath(os.path.expanduser(given))) if is_path else config.home / given
    return Collection(folder, config, model=model)


def create(name: StrPath, *, home: StrPath | None = None, model: str | Encoder | None = None) -> Collection:
    """Make a collection at once.

    Args:
        name: As in `open`.
        home: The same.
        model: The same; by default that of the settings, "builtin".

    Raises:
        CollectionExists: There is one of that name.
        ModelNotFound: There is no such model.
    """
    collection = open(name, home=home, model=model)
    collection._storage.make(keep_tokens=collection._config.ingest.tokens)
    return collection
