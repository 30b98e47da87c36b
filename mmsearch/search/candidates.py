"""Stage 3: the nearest segments, filtered exactly."""

import numpy as np

from mmsearch.catalog.catalog import Catalog
from mmsearch.protocols import VectorIndex
from mmsearch.types import Candidates, Filter, Vectors


def find(vector: Vectors, index: VectorIndex, catalog: Catalog, wanted: Filter, depth: int) -> Candidates:
    """Return the best `depth` segments that pass the filter, or all that pass if they are fewer.

    Modalities are filtered inside the index, by ids from SQL. The few segments of excluded assets are fetched on
    top and dropped, which gives the same result without listing everything else.
    """
    excluded = [catalog.asset_segments(asset) for asset in sorted(wanted.exclude_assets)]
    dropped = np.concatenate(excluded) if excluded else np.empty(0, dtype=np.int64)
    allowed = catalog.segment_ids(Filter(wanted.modalities)) if wanted.modalities else None
    found = index.search(vector, depth + len(dropped), allowed=allowed)[0]
    kept = ~np.isin(found.ids, dropped)
    return Candidates(found.ids[kept][:depth], found.scores[kept][:depth])
