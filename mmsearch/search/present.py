"""Stage 4: ids and scores become hits, with what the catalog knows of them."""

from dataclasses import fields

from mmsearch.catalog.catalog import Catalog
from mmsearch.types import Candidates, Hit

_FROM_CATALOG = [field.name for field in fields(Hit) if field.name not in {"rank", "id", "score"}]


def present(candidates: Candidates, catalog: Catalog) -> tuple[Hit, ...]:
    """Describe candidates, in order; those that the catalog does not know are left out."""
    records = catalog.hits(candidates.ids)
    hits: list[Hit] = []
    for id_, score in zip(candidates.ids.tolist(), candidates.scores.tolist(), strict=True):
        if record := records.get(id_):
            known = {name: getattr(record, name) for name in _FROM_CATALOG}
            hits.append(Hit(rank=len(hits) + 1, id=id_, score=score, **known))
    return tuple(hits)
