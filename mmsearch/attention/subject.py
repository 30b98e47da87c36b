"""Stage 1: what is looked at of the item that a user names."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mmsearch.adapt.stored import stored_vectors
from mmsearch.catalog.catalog import AssetState, Catalog, SegmentRecord
from mmsearch.errors import ItemNotFound, QueryError
from mmsearch.search.arguments import shown
from mmsearch.search.documents import Material
from mmsearch.search.items import Item, is_id, named_assets
from mmsearch.search.terms import Term, check_term
from mmsearch.types import Ids, Modality, Tokens, Vectors

_PREFERRED: tuple[Modality, ...] = ("image", "audio", "text", "video")
MOST_WINDOWS = 64  # of a sound, those nearest to the query: about ten minutes of one


@dataclass(frozen=True, slots=True)
class Subject:
    """Segments of one file and of one modality, sounds in order of time; of all others, one segment.

    Attributes:
        vectors: (n, d), a row a segment, as searches see them.
        tokens: Of each segment, (t, d); None if none are stored that the encoder of today would give.
        parts: Of a passage with tokens, the words that these are of.
    """

    asset: AssetState
    modality: Modality
    segments: tuple[SegmentRecord, ...]
    vectors: Vectors
    tokens: tuple[Tokens, ...] | None
    parts: tuple[str, ...] = ()

    def only(self, place: int) -> Subject:
        """Return the same with one of the segments alone."""
        tokens = None if self.tokens is None else (self.tokens[place],)
        return replace(self, segments=(self.segments[place],), vectors=self.vectors[[place]], tokens=tokens)


def look_up(item: Item, vector: npt.NDArray[np.float32], tokens: str, material: Material) -> Subject:
    """Find what is to be looked at; call it inside `from_one_state`.

    Args:
        item: The id of a segment for just that; the path of a file for its picture, the moments of its sound, or its
            passage that are nearest to the query.
        vector: (d,) of the query, a unit vector.
        tokens: Their revision that the encoder gives.
        material: Of the collection.

    Raises:
        ItemNotFound: It is not in the collection, or could not be indexed.
        QueryError: It is a folder.
        CollectionDamaged: Its vectors or tokens cannot be read.
    """
    asset = _named(item, material.catalog)
    ids = np.array([int(item)], dtype=np.int64) if is_id(item) else material.catalog.asset_segments(asset.id)
    records = material.catalog.hits(ids)
    kinds = {record.modality for record in records.values()}
    kind = next(each for each in _PREFERRED if each in kinds)
    mine = np.array(sorted(id_ for id_, record in records.items() if record.modality == kind), dtype=np.int64)
    mine, vectors = _nearest(mine, vector, MOST_WINDOWS if kind == "audio" else 1, material)
    segments = [records[id_] for id_ in mine.tolist()]
    order = sorted(range(len(mine)), key=lambda place: segments[place].start_s or 0.0)
    found = _stored_tokens(mine, tokens, material) if kind != "text" else None
    return Subject(
        asset,
        kind,
        tuple(segments[place] for place in order),
        vectors[order],
        None if found is None else tuple(found[place] for place in order),
    )


def stored_subjects(ids: Ids, tokens: str, material: Material) -> list[Subject]:
    """Do the same for pictures and sounds by id, all at once, each for itself; those without tokens are left out."""
    if material.catalog.token_revision() != tokens:
        return []
    places = material.catalog.token_places(ids)
    records = material.catalog.hits(places.ids)
    assets = material.catalog.lookup([record.path for record in records.values()])
    known, vectors = stored_vectors(material.catalog, material.store, places.ids)
    found = zip(places.ids.tolist(), material.tokens().gather(places.files, places.rows, places.counts), strict=True)
    return [
        Subject(
            assets[records[id_].path],
            records[id_].modality,
            (records[id_],),
            vectors[[np.searchsorted(known, id_)]],
            (each,),
        )
        for id_, each in found
        if records[id_].modality != "text"
    ]


def _named(item: Item, catalog: Catalog) -> AssetState:
    check_term(Term("item", item))
    assets = named_assets(item, catalog)
    if len(assets) > 1:
        raise QueryError(f"{shown(str(item))} is a folder of {len(assets):,} files.", remedy="Name one file, or an id.")
    if assets[0].status != "ready":
        raise ItemNotFound(f"{shown(str(item))} could not be indexed.", remedy="`mmsearch errors` may say why.")
    return assets[0]


def _nearest(ids: Ids, vector: npt.NDArray[np.float32], most: int, material: Material) -> tuple[Ids, Vectors]:
    """Keep the segments nearest to the query: their ids (n,), sorted, and vectors (n, d)."""
    ids, vectors = stored_vectors(material.catalog, material.store, ids)
    best = np.sort(np.argsort(-(vectors @ vector), kind="stable")[:most])
    return ids[best], vectors[best]


def _stored_tokens(ids: Ids, revision: str, material: Material) -> list[Tokens] | None:
    """Read the tokens of segments, sorted by id; None if not all have some of this revision."""
    if material.catalog.token_revision() != revision:
        return None
    places = material.catalog.token_places(ids)
    return material.tokens().gather(places.files, places.rows, places.counts) if len(places) == len(ids) else None
