"""The read path, a line a stage: parse -> embed -> combine -> find -> present -> judge.

Parsing (parse.py) makes the `Query` that comes in here.
"""

from mmsearch.adapt.stored import heads_in_use
from mmsearch.catalog.catalog import Catalog
from mmsearch.protocols import Encoder
from mmsearch.search.candidates import find
from mmsearch.search.encode import combine, embed
from mmsearch.search.indexes import IndexCache
from mmsearch.search.judge import judge
from mmsearch.search.present import present
from mmsearch.search.stored import from_one_state
from mmsearch.types import Hits, Query


def search(query: Query, *, encoder: Encoder, indexes: IndexCache, catalog: Catalog) -> Hits:
    """Answer one query from one state of the catalog, whatever is written meanwhile.

    Raises:
        QueryError: It has no part to search for.
        CollectionDamaged: The stored vectors cannot be read.
    """
    embedded = embed(query.parts, encoder)

    def answer() -> Hits:
        vector = combine(query.parts, embedded, heads_in_use(catalog))
        found = find(vector, indexes.current(), catalog, query.filter, query.offset + query.k)
        ranking = present(found, catalog)
        return Hits(ranking[query.offset :], judge(query.parts, ranking, encoder.spec))

    return from_one_state(catalog, answer)
