"""Stage 5: candidates become hits, with what the catalog knows of them."""

from collections.abc import Iterator, Mapping
from math import isnan

import numpy as np

from mmsearch.catalog.catalog import Catalog
from mmsearch.catalog.records import SegmentRecord
from mmsearch.queries import Hit
from mmsearch.search.pool import Pool
from mmsearch.types import Ids, Modality


def present(pools: Mapping[Modality, Pool], catalog: Catalog) -> dict[Modality, tuple[Hit, ...]]:
    """Describe the candidates of each kind, in order; those that the catalog does not know are left out."""
    records = catalog.hits(np.concatenate([pool.ids for pool in pools.values()]))
    return {kind: tuple(_hits(pool, records)) for kind, pool in pools.items()}


def _hits(pool: Pool, records: Mapping[int, SegmentRecord]) -> Iterator[Hit]:
    rows = zip(pool.ids.tolist(), pool.scores.tolist(), pool.cosines.tolist(), strict=True)
    for rank, (id_, score, cosine) in enumerate(rows, start=1):
        if id_ in records:
            yield Hit(rank, score=score, cosine=None if isnan(cosine) else cosine, **records[id_].shown)


def listed(ids: Ids, catalog: Catalog) -> tuple[Hit, ...]:
    """Describe the items of a list that was asked for without a query: each meets what was asked."""
    records = catalog.hits(ids)
    known = [records[id_] for id_ in ids.tolist() if id_ in records]
    return tuple(Hit(rank=rank, score=1.0, **each.shown) for rank, each in enumerate(known, start=1))
