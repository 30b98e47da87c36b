"""Stage 1: terms become the parts of a query: files are decoded, items looked up, vectors checked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from mmsearch.catalog.catalog import Catalog
from mmsearch.config import Limits
from mmsearch.errors import MediaError, ModalityUnsupported, QueryError
from mmsearch.queries import QueryPart
from mmsearch.search.items import like_part
from mmsearch.search.raw_vectors import raw_vector
from mmsearch.search.terms import MAX_TERMS, Term
from mmsearch.types import EncoderSpec
from mmsearch.vectors.store import VectorStore


def media_parts(terms: Sequence[Term], spec: EncoderSpec, limits: Limits) -> list[QueryPart]:
    """Make parts of all terms that need no collection: texts, pictures, sounds and vectors.

    Raises:
        QueryError: There are too many, or a vector does not fit.
        ModalityUnsupported: The model takes no pictures, or no sounds.
        MediaError: One cannot be read.
    """
    return [_part(term, spec, limits) for term in terms]


def query_parts(
    terms: Sequence[Term], spec: EncoderSpec, limits: Limits, catalog: Catalog, store: VectorStore
) -> tuple[list[QueryPart], frozenset[int]]:
    """Make parts of all terms, and name the files of those that are items, to be left out of the results.

    Raises:
        ItemNotFound: One is not in the collection.
        MmsearchError: As `media_parts`.
    """
    if len(terms) > MAX_TERMS:
        raise QueryError(f"A query may have {MAX_TERMS} parts, not {len(terms)}.")
    parts: list[QueryPart] = []
    excluded: set[int] = set()
    for term in terms:
        if term.kind == "item":
            part, assets = like_part(term.value, term.weight, catalog, store)
            parts.append(part)
            excluded |= assets
        else:
            parts.append(_part(term, spec, limits))
    return parts, frozenset(excluded)


def _part(term: Term, spec: EncoderSpec, limits: Limits) -> QueryPart:
    with _naming(term.value):
        if term.kind == "image":
            return _image_part(term, spec, limits)
        if term.kind == "audio":
            return _sound_part(term, spec, limits)
        if term.kind == "vector":
            return QueryPart(None, term.weight, vector=raw_vector(term.value, spec.space.dim), name=term.name)
    if not isinstance(term.value, str):
        raise QueryError(f"A text to search for must be a str, not {type(term.value).__name__}.")
    return QueryPart("text", term.weight, text=term.value, name=term.name)


def _image_part(term: Term, spec: EncoderSpec, limits: Limits) -> QueryPart:
    if spec.image_input is None:
        raise ModalityUnsupported(f"The model {spec.space.model} takes no images.")
    from mmsearch.media.sources import image_from  # Pillow, which a search by words can do without

    return QueryPart("image", term.weight, pixels=image_from(term.value, limits, spec.image_input), name=term.name)


def _sound_part(term: Term, spec: EncoderSpec, limits: Limits) -> QueryPart:
    if spec.audio_input is None or "audio" not in spec.modalities:
        raise ModalityUnsupported(f"The model {spec.space.model} takes no sounds.")
    from mmsearch.media.sound_sources import sound_from  # PyAV, which a search by words can do without

    return QueryPart("audio", term.weight, waves=sound_from(term.value, limits, spec.audio_input), name=term.name)


@contextmanager
def _naming(source: object) -> Iterator[None]:
    """Let an error say which file of a query it is about."""
    try:
        yield
    except MediaError as error:
        if isinstance(source, str | os.PathLike) and os.fspath(source) not in error.message:
            raise type(error)(f"{os.fspath(source)}: {error.message}", remedy=error.remedy) from error
        raise
