"""What a question costs: by the plan that SQLite makes for each statement, so that it holds for any number of rows."""

import re
from contextlib import contextmanager

import numpy as np
import pytest
import sqlalchemy as sa

from mmsearch.catalog.catalog import Catalog, Generation
from mmsearch.queries import Filter
from mmsearch.types import Segment
from mmsearch.where.parse import parse_where

BIG = ("assets", "segments", "vectors", "removed_vectors", "fields")
GENERATION = Generation(1, "flat", (), 1, 3, "")


@contextmanager
def statements(catalog):
    """Note what is sent to SQLite inside the block."""
    sent = []

    def note(_connection, _cursor, statement, parameters, _context, _many):
        sent.append((statement, parameters))

    sa.event.listen(catalog._engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(catalog._engine, "before_cursor_execute", note)


def scans(catalog, ask):
    """Return the big tables of which all rows are gone through to answer."""
    with statements(catalog) as sent:
        ask()
    found = set()
    with catalog._engine.connect() as connection:
        for statement, parameters in list(sent):
            if statement.startswith(("SELECT", "INSERT", "UPDATE", "DELETE")):
                plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters).all()
                found.update(match[1] for row in plan if (match := re.match(r"SCAN (\w+)", row[3])))
    return found.intersection(BIG)


@pytest.fixture
def filled(catalog, put, make_file):
    words = tuple(Segment("text", text=str(number)) for number in range(20))
    captions = tuple(Segment("text", text="said", about=f"/{number}.jpg") for number in range(20))
    put(*(f"/{number}.jpg" for number in range(50)), make_file("/words.txt", modality="text", segments=words))
    put(make_file("/captions.csv", modality="text", segments=captions))
    with catalog.write() as writer:
        writer.put_generation(GENERATION, removed_to=0)
        writer.remove_assets([1, 2])
    return catalog


IDS = np.array([5, 7, 60], dtype=np.int64)
CHEAP = {
    "generation": lambda catalog: catalog.generation(),
    "is_replaced": lambda catalog: catalog.is_replaced(GENERATION),
    "index_basis": lambda catalog: catalog.index_basis(),
    "last_id": lambda catalog: catalog.last_id(),
    "added_since": lambda catalog: catalog.added_since(40),
    "removed_since": lambda catalog: catalog.removed_since(1),
    "knows_removals_since": lambda catalog: catalog.knows_removals_since(1),
    "index_wishes": lambda catalog: catalog.index_wishes(),
    "edition": lambda catalog: catalog.edition(),
    "kinds": lambda catalog: catalog.kinds(),
    "locations of some": lambda catalog: catalog.locations(IDS),
    "segments of some": lambda catalog: catalog.segments_of("image", IDS),
    "subjects of some": lambda catalog: catalog.subjects_of_ids(IDS),
    "segments of files": lambda catalog: catalog.segments_of_files(np.array([3, 4, 5, 51, 52])),
    "segments of a kind": lambda catalog: catalog.ids_of("text"),
    "spread": lambda catalog: catalog.spread_ids("image", 8),
    "files by size": lambda catalog: catalog.files_where(parse_where("size < 50")),
    "filter by size": lambda catalog: catalog.segment_ids(Filter(where=parse_where("size < 50"))),
    "filter by size and kind": lambda catalog: catalog.segment_ids(
        Filter(frozenset({"image"}), where=parse_where("size > 50"))
    ),
}


@pytest.mark.parametrize("ask", CHEAP)
def test_what_is_asked_at_every_change_goes_through_no_table(filled, ask):
    assert scans(filled, lambda: CHEAP[ask](filled)) == set()


def test_counting_changes_goes_through_the_changes_only(filled):
    assert scans(filled, lambda: filled.change_counts(GENERATION)) == {"removed_vectors"}
    assert scans(filled, filled.removals) == {"removed_vectors"}


def test_publishing_and_removing_go_through_no_table(filled):
    def change():
        with filled.write() as writer:
            writer.put_generation(Generation(2, "flat", (), 1, 3, ""), removed_to=1)
            writer.drop_generations(keep=2)
            writer.remove_assets([3, 4])

    assert scans(filled, change) == set()


def test_a_filter_reads_files_and_seeks_their_segments(filled):
    assert scans(filled, lambda: filled.segment_ids(Filter(where=parse_where("width > 900")))) == {"assets"}


def test_who_all_segments_stand_for_is_read_from_indexes_not_from_the_texts(filled):
    with statements(filled) as sent:
        filled.subjects_of_ids()
    with filled._engine.connect() as connection:
        plans = [
            connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, given).all() for statement, given in sent[1:]
        ]
    assert "SCAN segments USING COVERING INDEX sqlite_autoindex_segments_1" in [row[3] for row in plans[0]]
    assert any("ix_segments_about" in row[3] for row in plans[1])


def test_the_state_is_read_in_few_statements(filled):
    with filled.snapshot(), statements(filled) as sent:
        filled.edition()
    assert len(sent) == 1
    with filled.snapshot(), statements(filled) as sent:
        filled.added_since(40)
        filled.removed_since(0)
        filled.generation()
        filled.index_basis()
    assert len(sent) == 6  # the files of the generation and the newest serial take one of their own


def test_what_changed_in_a_catalog_that_is_open_for_reading(filled, catalog_path):
    with Catalog.open(catalog_path, write=False) as reader:
        assert reader.removed_since(0)[0].tolist() == [1, 2]
        assert reader.added_since(80).ids.tolist() == list(range(81, 91))
