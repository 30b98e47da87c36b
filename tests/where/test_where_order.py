import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.errors import FilterError
from mmsearch.where.order import parse_order
from mmsearch.where.syntax import Field, Order


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name", [("name", False)]),
        ("-taken,name", [("taken", True), ("name", False)]),
        (" + SIZE , - mtime ", [("size", False), ("modified", True)]),
        ("taken desc, name ASC", [("taken", True), ("name", False)]),
        ("-taken desc", [("taken", False)]),
        ("-`Date Taken`,desc", [("date_taken", True), ("desc", False)]),
        ("größe", [("größe", False)]),
    ],
)
def test_orders(text, expected):
    assert parse_order(text) == tuple(Order(Field(name), descending) for name, descending in expected)


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("", 1, "expected a field such as name or -taken"),
        ("name,", 6, "expected a field such as name or -taken"),
        ("name,,size", 6, "expected a field such as name or -taken"),
        ("name; DROP TABLE assets", 1, "expected a field such as name or -taken"),
        ("name,-size up", 6, "expected a field such as name or -taken"),
        ("`!`", 2, "a field has a name of 1 to 64 letters and digits"),
        (",".join(["name"] * 11), 51, "an order may have 10 fields"),
        ("x" * 1001, 1001, "an order may have 1,000 characters, not 1,001"),
    ],
)
def test_errors_point_at_the_place(text, column, words):
    with pytest.raises(FilterError) as caught:
        parse_order(text)
    assert caught.value.message.startswith(f"column {column}: {words}\n")


@given(st.text(alphabet="abT-+`, '\0ü;", max_size=40))
def test_any_text_is_an_order_or_an_error(text):
    try:
        orders = parse_order(text)
    except FilterError:
        orders = ()
    assert all(isinstance(each, Order) for each in orders)


def test_places_are_kept():
    assert [each.field.place.column for each in parse_order("-taken, `name`")] == [2, 10]
