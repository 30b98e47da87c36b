"""Texts as people may search for, to tune an index with: from the log, from the collection, and from a bank of ours.

An index finds less for a text than for a picture, because texts lie elsewhere in the space than what they describe. So
nothing but texts tells how hard it must look.
"""

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from itertools import chain, zip_longest
from typing import TypeVar

import numpy as np

from mmsearch.catalog.catalog import Catalog
from mmsearch.hubness.asked import logged_texts
from mmsearch.normalise import unit_rows
from mmsearch.protocols import Encoder
from mmsearch.types import Vectors

Item = TypeVar("Item")

_BANK = "tuning_queries.txt"
_LOGGED = 5_000  # the newest
_SPREAD = 4  # segments are looked at for each query that may be taken, since some say the same
_MOST_WORDS, _MOST_CHARS = 16, 120  # of a text of the collection: a query is short
_MOST_LOGGED_CHARS = 400
_BATCH = 32  # texts that are embedded at once
_SEED = 6


def tuning_queries(catalog: Catalog, encoder: Encoder, limit: int = 300) -> tuple[Vectors, str]:
    """Return vectors of texts as queries (m, d), unit rows, and where the texts came from.

    The newest queries of the log, captions and other texts spread over the collection, and a bank of general queries
    take turns, so that none is missing while there are any of it.

    Args:
        catalog: Of the collection.
        encoder: Of the collection; if it takes no texts there are no queries.
        limit: How many texts to take.

    Raises:
        ModelError: The encoder cannot be loaded.
        ValueError: It gives something else than numbers.
    """
    nothing = np.empty((0, encoder.spec.space.dim), dtype=np.float32)
    if "text" not in encoder.spec.modalities:
        return nothing, ""
    sources = {"log": logged(catalog), "captions": captions(catalog, limit), "bank": bank()}
    chosen = _mixed(sources, limit)
    texts = [text for _, text in chosen]
    batches = [texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH)]
    rows = np.concatenate([nothing, *(unit_rows(encoder.encode_texts(batch, "query")) for batch in batches)])
    known = np.flatnonzero(rows.any(axis=1))  # a model may know no word of a text, and zeros have no neighbours
    used = {chosen[place][0] for place in known.tolist()}
    return rows[known], ", ".join(name for name in sources if name in used)


def logged(catalog: Catalog) -> list[str]:
    """Return the newest queries of the log that are one text, if a log is kept."""
    return [text for text in logged_texts(catalog.queries(_LOGGED)) if len(text) <= _MOST_LOGGED_CHARS]


def captions(catalog: Catalog, limit: int) -> list[str]:
    """Return texts of the collection, shortened to queries: captions of files first, then beginnings of passages."""
    records = catalog.hits(catalog.spread_ids("text", _SPREAD * limit)).values()
    texts = _shuffled([record for record in records if record.text])
    texts.sort(key=lambda record: record.about is None)
    return [shortened for record in texts if (shortened := _shortened(record.text or ""))]


def bank() -> list[str]:
    """Return general queries that come with mmsearch, mixed."""
    text = files("mmsearch.ingest").joinpath(_BANK).read_text(encoding="utf-8")
    return _shuffled(text.splitlines())


def _shortened(text: str) -> str:
    return " ".join(text[: 8 * _MOST_CHARS].split()[:_MOST_WORDS])[:_MOST_CHARS].strip()


def _mixed(sources: Mapping[str, Iterable[str]], limit: int) -> list[tuple[str, str]]:
    """Take from each source in turn, nothing twice: (name of the source, text)."""
    chosen: dict[str, tuple[str, str]] = {}
    turns = zip_longest(*([(name, text) for text in texts] for name, texts in sources.items()))
    for name, text in filter(None, chain.from_iterable(turns)):
        if len(chosen) >= limit:
            break
        if plain := " ".join(text.casefold().split()):
            chosen.setdefault(plain, (name, text))
    return list(chosen.values())


def _shuffled(items: Sequence[Item]) -> list[Item]:
    return [items[place] for place in np.random.default_rng(_SEED).permutation(len(items)).tolist()]
