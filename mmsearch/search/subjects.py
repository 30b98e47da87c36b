"""Stage 7: in a list of files, a caption that was found shows the picture that it describes."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mmsearch.catalog.catalog import Catalog
from mmsearch.queries import Filter, Hit


def as_files(hits: Sequence[Hit], wanted: Filter, catalog: Catalog) -> tuple[Hit, ...]:
    """Replace captions by the files that they describe: id, path, kind and size are the file's, score and text stay.

    The caption itself becomes the first of `more`. Captions stay where their files have no segment of a kind that is
    asked for, such as in a search for texts.
    """
    described = _first_segments([hit.about for hit in hits if hit.about is not None], wanted, catalog)
    return tuple(_as_file(hit, described[hit.about]) if hit.about in described else hit for hit in hits)


def _first_segments(paths: Sequence[str], wanted: Filter, catalog: Catalog) -> dict[str | None, Hit]:
    """Return the first segment of each file that is ready, as a hit without rank and score."""
    ready = {path: state.id for path, state in catalog.lookup(paths).items() if state.status == "ready"}
    ids = {path: catalog.asset_segments(asset)[:1] for path, asset in ready.items()}
    records = catalog.hits(np.concatenate([np.empty(0, dtype=np.int64), *ids.values()]))
    found = {record.path: Hit(0, score=0.0, **record.shown) for record in records.values()}
    return {path: hit for path, hit in found.items() if not wanted.modalities or hit.modality in wanted.modalities}


def _as_file(hit: Hit, file: Hit) -> Hit:
    others = tuple(moment for moment in hit.more if moment.id != file.id)
    said = {name: getattr(hit, name) for name in ("rank", "score", "cosine", "text", "fields", "duplicates", "explain")}
    return replace(file, **said, more=(hit.moment, *others))
