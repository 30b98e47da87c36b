"""What a collection keeps for re-rankers, and which of it is which."""

import os

from mmsearch.storage import Shelves


def coded_tokens(collection):
    """The tokens of each segment as they are stored, by name of file and place in it."""
    return {key: coded for key, (_, coded) in _stored(collection).items()}


def token_bytes(collection):
    """The same as bytes, to compare."""
    return {key: coded.tobytes() for key, coded in coded_tokens(collection).items()}


def token_places(collection):
    """Where they lie: (file, row, count)."""
    return {key: place for key, (place, _) in _stored(collection).items()}


def segment_ids(collection):
    """The id of each segment, by name of file and place in it."""
    catalog = shelves_of(collection).catalog
    records = catalog.hits(catalog.locations().ids)
    return {(os.path.basename(record.path), record.ordinal): record.id for record in records.values()}


def vector_bytes(collection):
    """The vector of each segment."""
    shelves = shelves_of(collection)
    places = shelves.catalog.locations()
    rows = zip(places.ids.tolist(), shelves.store.gather(places.files, places.rows), strict=True)
    return {id_: vector.tobytes() for id_, vector in rows}


def shelves_of(collection) -> Shelves:
    return collection._storage.reading()


def _stored(collection):
    shelves = shelves_of(collection)
    places = shelves.catalog.token_places()
    columns = (places.files.tolist(), places.rows.tolist(), places.counts.tolist())
    coded = shelves.tokens.gather_coded(places.files, places.rows, places.counts)
    by_id = dict(zip(places.ids.tolist(), zip(zip(*columns, strict=True), coded, strict=True), strict=True))
    return {key: by_id[id_] for key, id_ in segment_ids(collection).items() if id_ in by_id}
