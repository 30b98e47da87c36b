"""Looking words up: which segments have them, and how much that says.

Scored as BM25 does (Robertson and Zaragoza 2009): a word counts by how rare it is, and a little by how often it comes
in how short a text. The sum is divided by what the query could have reached (theoretical normalisation: Bruch, Gai and
Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", TOIS 2023), and by what it takes to tell one segment
from all others if that is more. So 1 means that all words are there and single the segment out, and a word that a third
of the segments have comes to little even if nothing else was asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from mmsearch.catalog.lexical import COUNT_ROWS
from mmsearch.catalog.records import WordTerm
from mmsearch.errors import CollectionDamaged
from mmsearch.types import Candidates, Ids

Weights = npt.NDArray[np.float64]

# SQLite's bm25() has k1 = 1.2. Captions and names are short and say a thing once, so repeating it should count less.
_FTS5_K1 = 1.2
_K1 = 0.2
_ONCE = 1 / (1 + _K1)  # for a word that comes once in a text of average length
# bm25() reads where a word stands in each segment, which takes 1 microsecond; whether it is there, a fifth of that.
_MAX_BM25 = 1_000

_COUNT = sa.text("SELECT count(*) FROM segment_words WHERE segment_words MATCH :words")
# As one text, for tens of thousands of rows cost Python ten times as much.
_IDS = sa.text("SELECT group_concat(rowid) FROM segment_words WHERE segment_words MATCH :words")
_BM25 = sa.text("SELECT rowid, bm25(segment_words) FROM segment_words WHERE segment_words MATCH :words")


@dataclass(frozen=True, slots=True)
class _Counted:
    """A term and in how many of all segments it is."""

    term: WordTerm
    count: int
    total: int

    @property
    def is_common(self) -> bool:
        """Whether more than half of the segments have it, so that it tells nothing."""
        return 2 * self.count > self.total

    @property
    def weight(self) -> float:
        return _weight(self.count, self.total)


def find(connection: sa.Connection, words: Sequence[WordTerm], allowed: Ids | None) -> Candidates:
    """Return all segments that have some of the words, and all of those that are required; scores in (0, 1].

    Raises:
        CollectionDamaged: The index of words cannot be read.
    """
    try:
        return _find(connection, words, allowed)
    except (CollectionDamaged, sa.exc.DBAPIError) as error:
        raise CollectionDamaged("The index of words cannot be read.") from error


def _find(connection: sa.Connection, words: Sequence[WordTerm], allowed: Ids | None) -> Candidates:
    total = connection.execute(COUNT_ROWS).scalar_one()
    terms = [_Counted(term, _count(connection, term), total) for term in words]
    rare = [term for term in terms if term.term.required or not term.is_common]
    counted = rare or terms
    found = [_matches(connection, term) for term in counted if term.count]
    if not found:
        return Candidates(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32))
    ids, sums = _added_up(found)
    possible = max(sum(term.weight for term in counted), _weight(1, total))
    kept = _kept(connection, ids, terms, allowed)
    return _ranked(ids[kept], sums[kept] / possible)


def _count(connection: sa.Connection, term: WordTerm) -> int:
    return int(connection.execute(_COUNT, {"words": _expression(term)}).scalar_one())


def _matches(connection: sa.Connection, term: _Counted) -> tuple[Ids, Weights]:
    """Return the segments (n,) that have a term, and what it weighs in each (n,)."""
    if term.count > _MAX_BM25 or len(term.term.spellings) > 1:
        ids = _having(connection, term.term)
        return ids, np.full(len(ids), term.weight * _ONCE)
    rows = connection.execute(_BM25, {"words": _expression(term.term)}).all()
    ids = np.fromiter((id_ for id_, _ in rows), dtype=np.int64, count=len(rows))
    bm25 = np.fromiter((-score for _, score in rows), dtype=np.float64, count=len(rows))
    return ids, term.weight * _saturation(bm25 / _fts5_weight(term.count, term.total))


def _having(connection: sa.Connection, term: WordTerm) -> Ids:
    """Return the segments that have a term."""
    listed = connection.execute(_IDS, {"words": _expression(term)}).scalar_one()
    return np.fromstring(listed or "", dtype=np.int64, sep=",")


def _added_up(found: Sequence[tuple[Ids, Weights]]) -> tuple[Ids, Weights]:
    """Add up what several terms weigh in each segment; ids come sorted."""
    ids, places = np.unique(np.concatenate([ids for ids, _ in found]), return_inverse=True)
    sums = np.zeros(len(ids), dtype=np.float64)
    np.add.at(sums, places, np.concatenate([weights for _, weights in found]))
    return ids, sums


def _kept(connection: sa.Connection, ids: Ids, terms: Sequence[_Counted], allowed: Ids | None) -> npt.NDArray[np.bool_]:
    """Tell of each id (n,) whether it is allowed and has what is required."""
    kept = np.ones(len(ids), dtype=np.bool_) if allowed is None else np.isin(ids, allowed)
    for counted in terms:
        if counted.term.required:
            kept &= np.isin(ids, _having(connection, counted.term))
    return kept


def _ranked(ids: Ids, scores: Weights) -> Candidates:
    order = np.lexsort((ids, -scores))
    return Candidates(ids[order], scores[order].astype(np.float32))


def _expression(term: WordTerm) -> str:
    """Write a term for FTS5: phrases in quotes, within which nothing is syntax. Tokens hold no quotes."""
    star = " *" if term.prefix else ""
    return " OR ".join(f'"{" ".join(phrase)}"{star}' for phrase in term.spellings)


def _weight(count: int, total: int) -> float:
    """Inverse document frequency as in Lucene, above 0 for any word."""
    return float(np.log1p((total - count + 0.5) / (count + 0.5)))


def _fts5_weight(count: int, total: int) -> float:
    """Inverse document frequency as in SQLite's bm25()."""
    return max(float(np.log((total - count + 0.5) / (count + 0.5))), 1e-6)


def _saturation(bm25: Weights) -> Weights:
    """Turn f (k1 + 1) / (f + k1 l), f being how often a word comes and l the length, into f / (f + k1' l)."""
    share = np.clip(bm25 / (_FTS5_K1 + 1), 0, 1 - 1e-9)
    odds = share / (1 - share) * _FTS5_K1 / _K1
    return odds / (1 + odds)
