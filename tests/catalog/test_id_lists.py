"""Long lists of ids out of SQLite."""

import sqlite3

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.catalog.id_lists import id_columns, id_list
from mmsearch.errors import CollectionDamaged

_metadata = sa.MetaData()
NUMBERS = sa.Table("numbers", _metadata, sa.Column("a", sa.Integer), sa.Column("b", sa.Integer))
WHOLE = st.integers(-(2**63), 2**63 - 1)


@pytest.fixture(scope="module")
def connection():
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connected:
        _metadata.create_all(connected)
        yield connected
    engine.dispose()


def fill(connection, rows):
    connection.execute(NUMBERS.delete())
    if rows:
        connection.execute(NUMBERS.insert(), [{"a": a, "b": b} for a, b in rows])


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.tuples(WHOLE, WHOLE), max_size=30))
def test_all_int64_come_back_in_order_of_the_first_column(connection, rows):
    fill(connection, rows)
    first, second = id_columns(connection, [sa.select(NUMBERS.c.a, NUMBERS.c.b)])
    assert first.dtype == second.dtype == np.int64
    expected = sorted(rows, key=lambda row: row[0])
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == expected
    assert id_list(connection, sa.select(NUMBERS.c.b)).tolist() == sorted(b for _, b in rows)


def test_several_queries_become_one_list(connection):
    fill(connection, [(3, 30), (1, 10), (2, 20)])
    halves = [sa.select(NUMBERS.c.a, NUMBERS.c.b).where(test) for test in (NUMBERS.c.a > 2, NUMBERS.c.a <= 2)]
    ids, others = id_columns(connection, halves)
    assert (ids.tolist(), others.tolist()) == ([1, 2, 3], [10, 20, 30])
    assert id_columns(connection, []) == ()


def test_a_list_longer_than_a_text_may_be_is_read_row_by_row(connection):
    rows = [(number, -number) for number in range(50, 0, -1)]
    fill(connection, rows)
    driver = connection.connection.driver_connection
    limit = driver.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 100)
    try:
        ids, others = id_columns(connection, [sa.select(NUMBERS.c.a, NUMBERS.c.b)])
    finally:
        driver.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, limit)
    assert (ids.tolist(), others.tolist()) == (list(range(1, 51)), list(range(-1, -51, -1)))


@pytest.mark.parametrize("value", ["'many'", "NULL", "1.5", "'1,2'", "'\U0001f600'", "1e300"])
def test_what_is_no_number_is_damage(connection, value):
    fill(connection, [(1, 1), (3, 3)])
    connection.exec_driver_sql(f"INSERT INTO numbers VALUES (2, {value})")
    with pytest.raises(CollectionDamaged, match="no whole numbers"):
        id_columns(connection, [sa.select(NUMBERS.c.a, NUMBERS.c.b)])
