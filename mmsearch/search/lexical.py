"""Stage 2b: the segments that have the words of a query."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mmsearch.catalog.catalog import Catalog
from mmsearch.catalog.records import WordTerm
from mmsearch.queries import Mode, QueryPart
from mmsearch.search.words import parse_words
from mmsearch.types import Candidates, Ids


def lexical(parts: Sequence[QueryPart], catalog: Catalog, allowed: Ids | None, *, mode: Mode) -> Candidates:
    """Return all segments that have words of the texts to search for, best first; ties in order of id.

    Several texts add up by weight. What is in quotes in any of them must be there. Parts that are no texts have no
    words. A text to steer away from has no say here in mode "hybrid", where it counts by its meaning; in mode "text"
    segments that have every word of it are left out.

    Args:
        parts: The query.
        catalog: To look the words up in.
        allowed: Only these ids (n,); None allows all.
        mode: Of the query.

    Returns:
        With scores in (0, 1], as `catalog.word_search` defines them.
    """
    texts = [(part.weight, parse_words(part.text)) for part in parts if part.text is not None and part.weight > 0]
    found = _added_up([(weight, catalog.find_words(words, allowed)) for weight, words in texts if words])
    if len(texts) > 1 and (quoted := required(parts, catalog)) is not None:
        found = _only(found, np.isin(found.ids, quoted))
    if mode == "text" and len(found):
        found = _only(found, ~np.isin(found.ids, _unwanted(parts, catalog)))
    return found


def required(parts: Sequence[QueryPart], catalog: Catalog) -> Ids | None:
    """Return the ids (n,), sorted, that have all that is in quotes; None if nothing is."""
    texts = [part.text for part in parts if part.text is not None and part.weight > 0]
    quoted = [term for text in texts for term in parse_words(text) if term.required]
    return np.sort(catalog.find_words(quoted).ids) if quoted else None


def _unwanted(parts: Sequence[QueryPart], catalog: Catalog) -> Ids:
    """Return the ids that have every word of some text to steer away from."""
    texts = [parse_words(part.text) for part in parts if part.text is not None and part.weight < 0]
    found = [catalog.find_words(_all_required(words)).ids for words in texts if words]
    return np.concatenate([np.empty(0, dtype=np.int64), *found])


def _all_required(words: Sequence[WordTerm]) -> list[WordTerm]:
    return [replace(term, required=True) for term in words]


def _added_up(weighted: Sequence[tuple[float, Candidates]]) -> Candidates:
    """Average the scores of several texts by weight, 0 where one was not found."""
    if len(weighted) == 1:
        return weighted[0][1]
    total = sum(weight for weight, _ in weighted)
    ids = np.concatenate([np.empty(0, dtype=np.int64), *(found.ids for _, found in weighted)])
    scores = [found.scores * (weight / total) for weight, found in weighted]
    distinct, places = np.unique(ids, return_inverse=True)
    sums = np.zeros(len(distinct), dtype=np.float32)
    np.add.at(sums, places, np.concatenate([np.empty(0, dtype=np.float32), *scores]))
    order = np.lexsort((distinct, -sums))
    return Candidates(distinct[order], sums[order])


def _only(found: Candidates, kept: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Candidates:
    return Candidates(found.ids[kept], found.scores[kept])
