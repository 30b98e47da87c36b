"""After a run: the index over all vectors is published as a new generation, and leftovers are removed."""

from mmsearch.adapt.stored import pieces, vectors_at
from mmsearch.catalog.catalog import Catalog
from mmsearch.protocols import VectorIndex
from mmsearch.vectors.flat import FlatIndex
from mmsearch.vectors.generation import GenerationStore
from mmsearch.vectors.store import VectorStore
from mmsearch.vectors.tokens import TokenStore

# Under so many vectors a scan by numpy takes a few milliseconds, less than importing FAISS would.
FAISS_FROM_VECTORS = 20_000


def publish(
    catalog: Catalog, store: VectorStore, tokens: TokenStore, generations: GenerationStore, *, force: bool = False
) -> None:
    """Publish an index of what is committed, unless the newest one is current.

    Guarantees: readers use the old generation or the new one; a crash leaves at most a file that nobody refers
    to, which the next call removes.

    Raises:
        CollectionDamaged: The stored vectors cannot be read.
        StorageError: The disk is full or cannot be written.
    """
    newest, revision = catalog.generation(), catalog.revision()
    if force or newest is None or newest.revision != revision:
        index = _index_of(catalog, store)
        number = newest.number + 1 if newest else 1
        generation = generations.publish(index, number, revision=revision)
        with catalog.write() as writer:
            writer.put_generation(generation)
            writer.drop_generations(keep=number)
    remove_leftovers(catalog, store, tokens, generations)


def _index_of(catalog: Catalog, store: VectorStore) -> VectorIndex:
    places = catalog.locations()
    if len(places) < FAISS_FROM_VECTORS:
        return FlatIndex.of(places.ids, vectors_at(catalog, store, places))  # no second copy in memory
    from mmsearch.vectors.faiss_index import FaissIndex

    index = FaissIndex(catalog.space().dim)
    for ids, vectors in pieces(catalog, store, places):
        index.add(ids, vectors)
    return index


def remove_leftovers(catalog: Catalog, store: VectorStore, tokens: TokenStore, generations: GenerationStore) -> None:
    """Remove files that the catalog does not know: of crashed runs, and those that a newer one replaced."""
    known = catalog.referenced_files()
    generations.remove_others(known.generations)
    store.remove_unreferenced(known.vectors)
    tokens.remove_unreferenced(known.tokens)
