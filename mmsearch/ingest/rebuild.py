"""Derive again what can be derived: compact the files of vectors and tokens, publish a new index, index the words."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from mmsearch.adapt.stored import PIECE_ROWS
from mmsearch.catalog.catalog import Catalog, Locations, TokenPlaces
from mmsearch.errors import CollectionDamaged
from mmsearch.ingest.index_plan import USUAL
from mmsearch.ingest.publish import publish
from mmsearch.types import Block, CodedTokens, Features, Vectors
from mmsearch.vectors.generation import GenerationStore
from mmsearch.vectors.plan import IndexWishes
from mmsearch.vectors.store import VectorStore
from mmsearch.vectors.tokens import TokenStore

PIECE_SEGMENTS = 1024  # whose tokens are copied at once; a segment has some tens of half a kilobyte each
Rows = npt.NDArray[np.int64]


def rebuild(
    catalog: Catalog,
    store: VectorStore,
    tokens: TokenStore,
    generations: GenerationStore,
    *,
    checked: bool = False,
    defaults: IndexWishes = USUAL,
) -> bool:
    """Write what is in use to new files, without what deletions left behind, and index the vectors anew.

    The words are indexed anew too. Nothing is encoded. The old files stay until the catalog refers to the new ones.

    Args:
        catalog: Of the collection, as all below.
        store: Of the vectors.
        tokens: Of the tokens.
        generations: Of the indexes.
        checked: The caller knows that every row in use is sound.
        defaults: What the index is to be if `optimize` was never told.

    Returns:
        Whether the index is big, so that it is left to `optimize` to make it anew.

    Raises:
        CollectionDamaged: A file of vectors or tokens does not match its checksums; nothing was changed.
        StorageError: The disk is full or cannot be written; nothing was changed.
    """
    if not checked:
        _check(store.damaged_blocks(catalog.blocks()))
        _check(tokens.damaged_blocks(catalog.token_blocks()))
    known = catalog.referenced_files()
    places, blocks = _compact_vectors(catalog.locations(), store, file=max([*known.vectors, 0]) + 1)
    token_places, token_blocks = _compact_tokens(catalog.token_places(), tokens, file=max([*known.tokens, 0]) + 1)
    with catalog.write() as writer:
        writer.move_vectors(places, blocks)
        writer.move_tokens(token_places, token_blocks)
        writer.rebuild_words()
    return publish(catalog, store, tokens, generations, defaults=defaults, force=True)


def _check(damaged: list[tuple[Block, str]]) -> None:
    if damaged:
        raise CollectionDamaged(damaged[0][1])


def _compact_vectors(places: Locations, store: VectorStore, file: int) -> tuple[Locations, tuple[Block, ...]]:
    """Write each row in use to a new file, once, and say where each segment's is then."""
    files, rows, own = _distinct(places.files, places.rows)
    blocks = store.write_new(file, _vector_pieces(store, files, rows)) if len(rows) else ()
    return Locations(places.ids, np.full(len(places), file), own), blocks


def _compact_tokens(places: TokenPlaces, tokens: TokenStore, file: int) -> tuple[TokenPlaces, tuple[Block, ...]]:
    """Do the same for tokens, of which a segment has several rows."""
    files, rows, own = _distinct(places.files, places.rows)
    counts = np.zeros(len(rows), dtype=np.int64)
    np.maximum.at(counts, own, places.counts)  # those that share a row have equally many, unless the catalog is damaged
    starts = np.cumsum(counts) - counts
    blocks = tokens.write_new(file, _token_pieces(tokens, files, rows, counts)) if len(rows) else ()
    return TokenPlaces(places.ids, np.full(len(places), file), starts[own], places.counts), blocks


def _vector_pieces(store: VectorStore, files: Rows, rows: Rows) -> Iterator[tuple[Vectors, Features]]:
    """Copy rows out as they are stored, a bounded number at once."""
    for start in range(0, len(rows), PIECE_ROWS):
        piece = slice(start, start + PIECE_ROWS)
        yield store.gather(files[piece], rows[piece]), store.gather_features(files[piece], rows[piece])


def _token_pieces(tokens: TokenStore, files: Rows, rows: Rows, counts: Rows) -> Iterator[CodedTokens]:
    for start in range(0, len(rows), PIECE_SEGMENTS):
        piece = slice(start, start + PIECE_SEGMENTS)
        yield np.concatenate(tokens.gather_coded(files[piece], rows[piece], counts[piece]))


def _distinct(files: Rows, rows: Rows) -> tuple[Rows, Rows, Rows]:
    """List each row of each file once, since copies of a file share rows, and say which of them is each segment's own.

    Returns:
        The files (m,) and rows (m,) of the distinct ones, and for each segment (n,) its place among them.
    """
    distinct, own = np.unique(np.stack([files, rows], axis=1), axis=0, return_inverse=True)
    return distinct[:, 0], distinct[:, 1], own.reshape(-1).astype(np.int64)
