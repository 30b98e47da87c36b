"""The index of words: kept in step with the segments, checked, and made again. `word_search` reads it.

A segment has the words of its text, of the names of its file and folder and, if it is of a media file, of the captions
of that file; a caption has the names of the file that it describes. So what is looked for may be in any of them.
Deletions are seen to by triggers (`triggers`).
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from os.path import split
from typing import Any

import sqlalchemy as sa

from mmsearch.catalog.chunks import chunks
from mmsearch.catalog.folding import indexed, indexed_name
from mmsearch.catalog.tables import MAKE_WORDS, assets, segment_words, segments, word_counts
from mmsearch.catalog.triggers import CAPTION_BREAK, MAX_CAPTIONS
from mmsearch.errors import CollectionDamaged

COLUMNS = ("name", "folder", "text", "captions")
COUNT_ROWS = sa.text("SELECT count(*) FROM segment_words_docsize")  # quick: each of its pages holds many
_COUNT_STORED = sa.select(sa.func.count()).select_from(segment_words)
_BATCH = 2_000  # segments that are in memory at once
_SOURCES = sa.select(segments.c.id, assets.c.path, segments.c.about, segments.c.text).join_from(segments, assets)


def add(connection: sa.Connection, asset_ids: Collection[int]) -> None:
    """Take in files whose segments are stored, and see to the files that their captions describe."""
    for chunk in chunks(asset_ids):
        _insert(connection, _SOURCES.where(segments.c.asset_id.in_(chunk)))
    refresh(connection, _described(connection, asset_ids) - set(asset_ids))


def refresh(connection: sa.Connection, asset_ids: Collection[int]) -> None:
    """Write the words of files anew, such as after a file was renamed."""
    for chunk in chunks(asset_ids):
        own = sa.select(segments.c.id).where(segments.c.asset_id.in_(chunk))
        connection.execute(segment_words.delete().where(segment_words.c.rowid.in_(own)))
        _insert(connection, _SOURCES.where(segments.c.asset_id.in_(chunk)))


def rebuild(connection: sa.Connection) -> None:
    """Make the index anew from the segments, whatever it holds."""
    connection.exec_driver_sql("DROP TABLE IF EXISTS segment_words")
    connection.exec_driver_sql(MAKE_WORDS)
    for rows in _batches(connection):
        connection.execute(segment_words.insert(), rows)


def damage(connection: sa.Connection) -> str | None:
    """Say in what the index does not match the segments; None if it does."""
    try:
        return _difference(connection)
    except (CollectionDamaged, sa.exc.DBAPIError):
        return "it cannot be read"


def _difference(connection: sa.Connection) -> str | None:
    """Compare what is stored of each segment, then in how many segments each word is said to be."""
    segments_with, total = Counter[str](), 0
    for rows in _batches(connection):
        if _stored(connection, [row["rowid"] for row in rows]) != rows:
            return "segments have other words"
        total += len(rows)
        for row in rows:
            segments_with.update({word for column in COLUMNS for word in row[column].split()})
    if any(connection.execute(each).scalar_one() != total for each in (_COUNT_STORED, COUNT_ROWS)):
        return "it has segments that are gone"
    counted = connection.execute(sa.select(word_counts.c.term, word_counts.c.doc))
    return None if {term: count for term, count in counted} == segments_with else "words are not found"


def _stored(connection: sa.Connection, ids: list[int]) -> list[dict[str, Any]]:
    """Return the rows of some segments as they are, in order of id."""
    query = sa.select(segment_words).where(segment_words.c.rowid.in_(ids)).order_by(segment_words.c.rowid)
    return [dict(row._mapping) for row in connection.execute(query)]


def _batches(connection: sa.Connection) -> Iterator[list[dict[str, Any]]]:
    """Make the rows of all segments, in order of id, some at a time."""
    last = -1
    query = _SOURCES.order_by(segments.c.id).limit(_BATCH)
    while rows := _rows(connection, query.where(segments.c.id > last)):
        yield rows
        last = rows[-1]["rowid"]


def _insert(connection: sa.Connection, query: sa.Select[int, str, str | None, str | None]) -> None:
    if rows := _rows(connection, query):
        connection.execute(segment_words.insert(), rows)


def _rows(connection: sa.Connection, query: sa.Select[int, str, str | None, str | None]) -> list[dict[str, Any]]:
    """Make the rows of some segments."""
    sources = connection.execute(query).all()
    captions = _captions(connection, {path for _, path, _, _ in sources})
    rows = []
    for id_, path, about, text in sources:
        folder, name = split(about or path)
        rows.append(
            {
                "rowid": id_,
                "name": indexed_name(name),
                "folder": indexed_name(folder),
                "text": indexed(text or ""),
                "captions": captions.get(path, ""),
            }
        )
    return rows


def _captions(connection: sa.Connection, paths: Collection[str]) -> dict[str, str]:
    """Return the words of the first captions of files, in order of id; files without any are left out."""
    found = defaultdict[str, list[str]](list)
    for chunk in chunks(paths):
        query = sa.select(segments.c.about, segments.c.text).where(segments.c.about.in_(chunk)).order_by(segments.c.id)
        for about, text in connection.execute(query):
            if len(texts := found[about or ""]) < MAX_CAPTIONS:
                texts.append(indexed(text or ""))
    return {path: f" {CAPTION_BREAK} ".join(texts) for path, texts in found.items()}


def _described(connection: sa.Connection, asset_ids: Collection[int]) -> set[int]:
    """Return the files that captions in some files describe."""
    found = set[int]()
    for chunk in chunks(asset_ids):
        abouts = sa.select(segments.c.about).where(segments.c.asset_id.in_(chunk), segments.c.about.is_not(None))
        found.update(connection.execute(sa.select(assets.c.id).where(assets.c.path.in_(abouts))).scalars())
    return found
