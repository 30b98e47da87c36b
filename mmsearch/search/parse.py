"""Stage 1: what the user gave becomes the parts of a query."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from numbers import Real
from typing import TYPE_CHECKING, TypeAlias, TypeGuard, cast

import numpy as np

from mmsearch.adapt.stored import stored_vectors
from mmsearch.catalog.catalog import AssetState, Catalog
from mmsearch.config import Limits
from mmsearch.errors import ItemNotFound, MediaError, ModalityUnsupported, QueryError
from mmsearch.search.stored import from_one_state
from mmsearch.types import MODALITIES, EncoderSpec, Modality, QueryPart
from mmsearch.vectors.store import VectorStore

if TYPE_CHECKING:
    from mmsearch.media.sound_sources import SoundSource
    from mmsearch.media.sources import ImageSource

Item = str | int | os.PathLike[str]
OneOrMore = str | Sequence[str]
Images: TypeAlias = "ImageSource | Sequence[ImageSource]"
Sounds: TypeAlias = "SoundSource | Sequence[SoundSource]"

# '2:cat', '0.5:a red car' and '1:a'; the number is a weight, so a text that begins so is written '1:12:30 train'.
_WEIGHTED = re.compile(r"(?P<weight>[0-9]{1,6}(?:\.[0-9]{1,6})?):(?P<rest>\S.*)", re.DOTALL)


def split_weight(term: str) -> tuple[float, str]:
    """Split '2:cat' into (2.0, 'cat'); a term without a weight counts 1.

    Raises:
        QueryError: Nothing is left to search for, or the weight is 0.
    """
    match = _WEIGHTED.fullmatch(term)
    weight, rest = (float(match["weight"]), match["rest"]) if match else (1.0, term)
    if not rest.strip():
        raise QueryError("A part of the query is empty.")
    if weight == 0:
        raise QueryError(f"The weight of {term!r} is 0, so it would not count.", remedy="Leave it out.")
    return weight, rest


def media_parts(images: Images, sounds: Sounds, spec: EncoderSpec, limits: Limits) -> list[QueryPart]:
    """Make parts of the pictures and sounds of a query, one or more of each, in order."""
    pictures = list(images) if isinstance(images, list | tuple) else [cast("ImageSource", images)]
    several = isinstance(sounds, list | tuple) and not _is_samples_and_rate(sounds)
    heard = list(cast("Sequence[SoundSource]", sounds)) if several else [cast("SoundSource", sounds)]
    return image_parts(pictures, spec, limits) + sound_parts(heard, spec, limits)


def _is_samples_and_rate(given: Sequence[object]) -> bool:
    return len(given) == 2 and isinstance(given[0], np.ndarray) and isinstance(given[1], Real)


def text_parts(terms: Sequence[str], *, sign: float = 1.0) -> list[QueryPart]:
    """Make parts of texts, each with an optional weight."""
    weighted = [split_weight(term) for term in terms]
    return [QueryPart("text", sign * weight, text=text) for weight, text in weighted]


def image_parts(sources: Sequence[ImageSource], spec: EncoderSpec, limits: Limits) -> list[QueryPart]:
    """Make parts of pictures: paths (those that are str with an optional weight), bytes, PIL images or arrays.

    Raises:
        ModalityUnsupported: The model takes no images.
        MediaError: One cannot be read.
    """
    if not sources:
        return []
    if spec.image_input is None:
        raise ModalityUnsupported(f"The model {spec.space.model} takes no images.")
    from mmsearch.media.sources import image_from  # Pillow, which a search by words can do without

    parts = []
    for source in sources:
        weight, picture = split_weight(source) if isinstance(source, str) else (1.0, source)
        with _naming(picture):
            parts.append(QueryPart("image", weight, pixels=image_from(picture, limits, spec.image_input)))
    return parts


def sound_parts(sources: Sequence[SoundSource], spec: EncoderSpec, limits: Limits) -> list[QueryPart]:
    """Make parts of sounds: paths (those that are str with an optional weight), bytes, or (samples, rate).

    Raises:
        ModalityUnsupported: The model takes no sounds.
        MediaError: One cannot be read.
    """
    if not sources:
        return []
    if spec.audio_input is None or "audio" not in spec.modalities:
        raise ModalityUnsupported(f"The model {spec.space.model} takes no sounds.")
    from mmsearch.media.sound_sources import sound_from  # PyAV, which a search by words can do without

    parts = []
    for source in sources:
        weight, sound = split_weight(source) if isinstance(source, str) else (1.0, source)
        with _naming(sound):
            parts.append(QueryPart("audio", weight, waves=sound_from(sound, limits, spec.audio_input)))
    return parts


@contextmanager
def _naming(source: object) -> Iterator[None]:
    """Let an error say which file of a query it is about."""
    try:
        yield
    except MediaError as error:
        if isinstance(source, str | os.PathLike) and os.fspath(source) not in error.message:
            raise type(error)(f"{os.fspath(source)}: {error.message}", remedy=error.remedy) from error
        raise


def listed(one_or_more: OneOrMore) -> list[str]:
    """Return one text, or several, as a list."""
    return [one_or_more] if isinstance(one_or_more, str) else list(one_or_more)


def like_part(item: Item, catalog: Catalog, store: VectorStore) -> tuple[QueryPart, frozenset[int]]:
    """Make a part of an item that is in the collection, from its stored vectors: nothing is encoded.

    Args:
        item: As in `named_assets`; a str with an optional weight. An id stands for that segment, a path for the mean
            of the file's segments.
        catalog: Of the collection.
        store: Of the collection.

    Returns:
        The part, and the ids of the files it stands for, so that they can be left out of the results.

    Raises:
        ItemNotFound: It is not in the collection, or has no vectors.
    """
    weight, name = split_weight(item) if isinstance(item, str) else (1.0, item)

    def read() -> tuple[QueryPart, frozenset[int]]:
        assets = [asset for asset in named_assets(name, catalog) if asset.status == "ready"]
        if not assets:
            raise ItemNotFound(f"{name!r} could not be indexed.", remedy="`mmsearch errors` may say why.")
        segments = [catalog.asset_segments(asset.id) for asset in assets]
        ids = np.array([int(name)], dtype=np.int64) if is_id(name) else np.concatenate(segments)
        _, vectors = stored_vectors(catalog, store, ids)
        part = QueryPart(assets[0].modality or "text", weight, vector=vectors.mean(axis=0))
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


def parse_modalities(names: Sequence[str]) -> frozenset[Modality]:
    """Read ["image,text"] or ["image", "text"].

    Raises:
        QueryError: One is unknown.
    """
    given = {name.strip() for each in names for name in each.split(",") if name.strip()}
    if unknown := sorted(given - set(MODALITIES)):
        raise QueryError(f"There is no modality {unknown[0]!r}; known: {', '.join(MODALITIES)}.")
    return frozenset(modality for modality in MODALITIES if modality in given)
