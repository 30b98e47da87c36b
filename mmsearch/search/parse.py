"""Stage 1: what the user gave becomes the parts of a query."""

from __future__ import annotations

import re
from collections.abc import Sequence
from os import PathLike, fspath
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mmsearch.catalog.catalog import Catalog
from mmsearch.config import Limits
from mmsearch.errors import ItemNotFound, ModalityUnsupported, QueryError
from mmsearch.types import EncoderSpec, Ids, QueryPart
from mmsearch.vectors.store import VectorStore

if TYPE_CHECKING:
    from mmsearch.media.sources import ImageSource

# '2:cat', '0.5:a red car' and '1:a'; the number is a weight, so a text that begins so is written '1:12:30 train'.
_WEIGHTED = re.compile(r"(?P<weight>\d{1,6}(?:\.\d{1,6})?):(?P<rest>\S.*)", re.DOTALL)


def split_weight(term: str) -> tuple[float, str]:
    """Split '2:cat' into (2.0, 'cat'); a term without a weight counts 1.

    Raises:
        QueryError: Nothing is left to search for, or the weight is 0.
    """
    match = _WEIGHTED.fullmatch(term.strip())
    weight, rest = (float(match["weight"]), match["rest"]) if match else (1.0, term.strip())
    if not rest:
        raise QueryError("A part of the query is empty.")
    if weight == 0:
        raise QueryError(f"The weight of {term!r} is 0, so it would not count.", remedy="Leave it out.")
    return weight, rest


def text_parts(terms: Sequence[str], *, sign: float = 1.0) -> list[QueryPart]:
    """Make parts of texts, each with an optional weight."""
    weighted = [split_weight(term) for term in terms]
    return [QueryPart("text", sign * weight, text=text) for weight, text in weighted]


def image_parts(sources: Sequence[ImageSource], spec: EncoderSpec, limits: Limits) -> list[QueryPart]:
    """Make parts of pictures: paths (with an optional weight), bytes, PIL images or arrays.

    Raises:
        ModalityUnsupported: The model takes no images.
        MediaError: One cannot be read.
    """
    if sources and spec.image_input is None:
        raise ModalityUnsupported(f"The model {spec.space.model} takes no images.")
    from mmsearch.media.sources import (
        image_from,
    )  # only pictures need Pillow: a search by words starts sooner

    parts = []
    for source in sources:
        weight = 1.0
        if isinstance(source, str):
            weight, source = split_weight(source)
        parts.append(QueryPart("image", weight, pixels=image_from(source, limits, spec.image_input)))
    return parts


def like_part(
    item: str | int | PathLike[str], catalog: Catalog, store: VectorStore
) -> tuple[QueryPart, frozenset[int]]:
    """Make a part of an item that is in the collection, from its stored vectors: nothing is encoded.

    Args:
        item: A segment id as search shows it, or the path of a file.

    Returns:
        The part, and the ids of the assets it stands for, so that they can be left out of the results.

    Raises:
        ItemNotFound: It is not in the collection.
    """
    weight, name = split_weight(str(fspath(item) if isinstance(item, PathLike) else item))
    assets = [asset for asset in catalog.find_assets(name) if asset.status == "ready"]
    if not assets:
        raise ItemNotFound(f"{name!r} is not in the collection, or not searchable.")
    ids = (
        np.array([int(name)], dtype=np.int64)
        if name.isdigit()
        else np.concatenate([catalog.asset_segments(asset.id) for asset in assets])
    )
    part = QueryPart(assets[0].modality or "text", weight, vector=_mean_vector(ids, catalog, store))
    return part, frozenset(asset.id for asset in assets)


def _mean_vector(ids: Ids, catalog: Catalog, store: VectorStore) -> npt.NDArray[np.float32]:
    places = catalog.locations(ids)
    return np.asarray(store.gather(places.files, places.rows).mean(axis=0), dtype=np.float32)
