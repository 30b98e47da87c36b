"""Stored vectors as searches see them: those of images and sounds adapted by the heads in use.

What is stored is what the encoder gave, and the features beside it. A head is applied whenever vectors are read,
so `adapt` and its undoing change no vector file: an index made from what this module reads is in the new state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from mmsearch.catalog.catalog import Catalog, Locations
from mmsearch.types import Ids, Modality, Vectors
from mmsearch.vectors.store import VectorStore

if TYPE_CHECKING:
    from mmsearch.adapt.head import Head

PIECE_ROWS = 65_536  # copied at once
Heads: TypeAlias = "Mapping[Modality, Head]"


def heads_in_use(catalog: Catalog) -> Heads:
    """Read the heads in use; none for most collections.

    Raises:
        CollectionDamaged: One is not what was installed.
    """
    stored = catalog.heads()
    if not stored:
        return {}
    from mmsearch.adapt.head import Head  # which most collections can do without

    dim, feature_dim = catalog.space().dim, catalog.feature_dim()
    return {each.modality: Head.from_bytes(each.weights, dim=dim, feature_dim=feature_dim) for each in stored}


def stored_vectors(catalog: Catalog, store: VectorStore, ids: Ids | None = None) -> tuple[Ids, Vectors]:
    """Copy out all vectors, or those of these ids: ids (n,), sorted, and unit rows (n, d).

    Raises:
        CollectionDamaged: The vector files are not those of the catalog.
    """
    places = catalog.locations(ids)
    return places.ids, vectors_at(catalog, store, places, ids)


def vectors_at(catalog: Catalog, store: VectorStore, places: Locations, ids: Ids | None = None) -> Vectors:
    """Copy out the vectors at places that `catalog.locations(ids)` gave: unit rows (n, d)."""
    vectors = store.gather(places.files, places.rows)
    for head, rows in _adapted_rows(catalog, places, ids):
        vectors[rows] = head.apply(vectors[rows], store.gather_features(places.files[rows], places.rows[rows]))
    return vectors


def pieces(catalog: Catalog, store: VectorStore, places: Locations) -> Iterator[tuple[Ids, Vectors]]:
    """Copy out all vectors, at the places that `catalog.locations()` gave, a bounded number at once, in order of id."""
    adapted = _adapted_rows(catalog, places, None)
    for start in range(0, len(places), PIECE_ROWS):
        piece = slice(start, start + PIECE_ROWS)
        vectors = store.gather(places.files[piece], places.rows[piece])
        for head, rows in adapted:
            here = rows[(rows >= start) & (rows < start + PIECE_ROWS)]
            features = store.gather_features(places.files[here], places.rows[here])
            vectors[here - start] = head.apply(vectors[here - start], features)
        yield places.ids[piece], vectors


def _adapted_rows(catalog: Catalog, places: Locations, asked: Ids | None) -> list[tuple[Head, Ids]]:
    """Pair each head with the positions among the places that it adapts; `asked` as in `catalog.locations`."""
    found = []
    for modality, head in heads_in_use(catalog).items():
        ids, _ = catalog.segments_of(modality, asked)
        found.append((head, np.flatnonzero(np.isin(places.ids, ids, assume_unique=True))))
    return found
