"""The read path, a line a stage: parse -> embed -> combine -> find -> present -> one a moment -> judge.

Parsing (parse.py) makes the `Query` that comes in here.
"""

from collections.abc import Sequence

from mmsearch.adapt.stored import Heads, heads_in_use
from mmsearch.catalog.catalog import Catalog
from mmsearch.protocols import Encoder, VectorIndex
from mmsearch.search.candidates import find
from mmsearch.search.encode import combine, embed
from mmsearch.search.indexes import IndexCache
from mmsearch.search.judge import judge
from mmsearch.search.moments import one_a_moment
from mmsearch.search.present import present
from mmsearch.search.stored import from_one_state
from mmsearch.types import Embedded, Filter, Hit, Hits, Query, Vectors


def search(query: Query, *, encoder: Encoder, indexes: IndexCache, catalog: Catalog) -> Hits:
    """Answer one query from one state of the catalog, whatever is written meanwhile.

    Raises:
        QueryError: It has no part to search for.
        CollectionDamaged: The stored vectors cannot be read.
    """
    embedded = embed(query.parts, encoder)

    wanted = query.offset + query.k

    def answer() -> Hits:
        vector = combine(query.parts, embedded, _heads_for(embedded, catalog))
        ranking = _rank(vector, indexes.current(), catalog, query.filter, wanted)
        return Hits(ranking[query.offset : wanted], judge(query.parts, ranking[:wanted], encoder.spec))

    return from_one_state(catalog, answer)


def _heads_for(embedded: Sequence[Embedded], catalog: Catalog) -> Heads:
    """Read the heads in use, which takes milliseconds, only if the query has parts to adapt: not texts or items."""
    return heads_in_use(catalog) if any(each.features is not None for each in embedded) else {}


def _rank(vector: Vectors, index: VectorIndex, catalog: Catalog, filter: Filter, wanted: int) -> tuple[Hit, ...]:
    """Return so many hits or more, or all there are: what is left out for being the same moment is made up for."""
    depth = wanted
    while True:
        found = find(vector, index, catalog, filter, depth)
        ranking = one_a_moment(present(found, catalog))
        if len(ranking) >= wanted or len(found) < depth:
            return ranking
        depth *= 2
