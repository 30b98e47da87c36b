import re
from datetime import datetime
from pathlib import Path

import pytest

from mmsearch.where.fields import FIELDS, PLACE_TESTS
from mmsearch.where.order import parse_order
from mmsearch.where.parse import parse_where

PAGE = (Path(__file__).parents[2] / "docs" / "where.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```where\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
OPERATORS = re.search(r"\| \| example \| true if \|\n\|.*?\n(.*?)\n\n", PAGE, re.DOTALL)[1].splitlines()


@pytest.mark.parametrize("row", OPERATORS)
def test_examples_of_operators_are_filters(row):
    example = row.split(" | ")[1].strip("`")
    assert parse_where(example)


@pytest.mark.parametrize("line", [line for block in BLOCKS for line in block.splitlines()])
def test_examples_of_own_fields_are_filters(line):
    assert parse_where(line)


@pytest.mark.parametrize("info", FIELDS, ids=lambda info: info.name)
def test_every_field_is_described_as_it_is(info):
    names = ", ".join(f"`{name}`" for name in (info.name, *info.aliases))
    assert f"| {names} | {info.kind} | {info.meaning} | `{info.example}` |\n" in PAGE


@pytest.mark.parametrize("info", PLACE_TESTS, ids=lambda info: info.name)
def test_every_test_of_places_is_in_the_table_with_its_example(info):
    assert any(row.startswith(f"| `{info.name}` | `{info.example}` |") for row in OPERATORS)


def test_dates_that_are_mentioned_are_dates():
    row = next(line for line in PAGE.splitlines() if line.startswith("| date |"))
    dates = [*re.findall(r"`(.*?)`", row), "3 weeks ago", "2 hours ago", "-2w", "-6mo", "-1y", "-12h", "-30min"]
    assert len(dates) == 15
    for date in dates:
        assert f"`{date}`" in PAGE
        assert isinstance(parse_where(f"taken < {date}").value.low, datetime)


def test_orders_that_are_mentioned_are_equal():
    assert "`-taken,name`; `taken DESC, name` is the same" in PAGE
    assert parse_order("-taken,name") == parse_order("taken DESC, name")
