"""What a user names of a collection: files by id, path or folder, and items to search for others like them."""

import os
from collections.abc import Sequence
from typing import TypeGuard

import numpy as np

from mmsearch.adapt.stored import stored_vectors
from mmsearch.catalog.catalog import AssetState, Catalog
from mmsearch.errors import ItemNotFound
from mmsearch.queries import QueryPart
from mmsearch.search.stored import from_one_state
from mmsearch.vectors.store import VectorStore

Item = str | int | os.PathLike[str]


def like_part(item: Item, weight: float, catalog: Catalog, store: VectorStore) -> tuple[QueryPart, frozenset[int]]:
    """Make a part of an item that is in the collection, from its stored vectors: nothing is encoded.

    Args:
        item: As in `named_assets`. An id stands for that segment, a path for the mean of the file's segments.
        weight: Of the part.
        catalog: Of the collection.
        store: Of the collection.

    Returns:
        The part, and the ids of the files it stands for, so that they can be left out of the results.

    Raises:
        ItemNotFound: It is not in the collection, or has no vectors.
    """

    def read() -> tuple[QueryPart, frozenset[int]]:
        assets = [asset for asset in named_assets(item, catalog) if asset.status == "ready"]
        if not assets:
            raise ItemNotFound(f"{item!r} could not be indexed.", remedy="`mmsearch errors` may say why.")
        segments = [catalog.asset_segments(asset.id) for asset in assets]
        ids = np.array([int(item)], dtype=np.int64) if is_id(item) else np.concatenate(segments)
        _, vectors = stored_vectors(catalog, store, ids)
        name = f"item {os.fspath(item) if isinstance(item, os.PathLike) else item}"
        part = QueryPart(assets[0].modality or "text", weight, vector=vectors.mean(axis=0), name=name)
        return part, frozenset(asset.id for asset in assets)

    return from_one_state(catalog, read)


def named_assets(item: Item, catalog: Catalog, *, or_none: bool = False) -> Sequence[AssetState]:
    """Return the files that a user names: by the id of a segment, by a path, or by a folder for all below it.

    Digits alone are an id; a path of digits is written './2024' or given as a `Path`.

    Raises:
        ItemNotFound: There is none, and `or_none` does not allow it.
    """
    name = os.fspath(item) if isinstance(item, os.PathLike) else str(item)
    if not name:
        raise ItemNotFound("The name of an item is empty.")
    found = catalog.find_assets(name if is_id(item) else absolute(item))
    if not found and not or_none:
        raise ItemNotFound(f"{name!r} is not in the collection.")
    return found


def absolute(item: Item) -> str:
    """Return a path that a user names in full."""
    return os.path.abspath(os.path.expanduser(os.fspath(item) if isinstance(item, os.PathLike) else str(item)))


def is_id(item: Item) -> TypeGuard[str | int]:
    """Tell whether a user names an item by its id."""
    return isinstance(item, int) or (isinstance(item, str) and item.isascii() and item.isdecimal())
