"""The read path, a line a stage: parse -> encode -> find -> present -> judge.

Parsing (parse.py) makes the `Query` that comes in here.
"""

from mmsearch.catalog.catalog import Catalog
from mmsearch.protocols import Encoder
from mmsearch.search.candidates import find
from mmsearch.search.encode import encode
from mmsearch.search.indexes import IndexCache
from mmsearch.search.judge import judge
from mmsearch.search.present import present
from mmsearch.types import Candidates, Hits, Query


def search(query: Query, *, encoder: Encoder, indexes: IndexCache, catalog: Catalog) -> Hits:
    """Answer one query.

    Raises:
        QueryError: It has no part to search for.
    """
    vector = encode(query.parts, encoder)
    found = find(vector, indexes.current(), catalog, query.filter, query.offset + query.k)
    page = Candidates(found.ids[query.offset :], found.scores[query.offset :])
    hits = present(page, catalog, first_rank=query.offset + 1)
    return Hits(hits, judge(query.parts, hits, encoder.spec))
