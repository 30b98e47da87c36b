import pickle

import pytest

from mmsearch.errors import FilterError
from mmsearch.where.build import MAX_TESTS, MAX_VALUES
from mmsearch.where.parse import MAX_CHARS, MAX_DEPTH, parse_where

FIELD = "expected a field such as name, size or taken"
OPERATOR = "expected an operator: =, !=, <, <=, >, >=, IN, LIKE, GLOB, BETWEEN or IS NULL"
BACKTICKS = "a field with blanks or odd signs is written in backticks: `my field`"
QUOTES = f"quotes are for values, and {BACKTICKS}"
NEAR = "near takes latitude, longitude, distance: near(48.137, 11.576, 5km)"
WITHIN = "within takes latitude, longitude, latitude, longitude: within(47.2, 5.8, 55.1, 15.1)"
AROUND = "the box would go east from here around the world; the western longitude, {}, comes first"
MORE = "expected AND, OR or the end"
DATES = "a date such as 2024, 2024-05-31, 2024-05-31T14:30, yesterday or '7 days ago'"


def error_of(text):
    with pytest.raises(FilterError) as caught:
        parse_where(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("", 1, FIELD),
        ("  ", 1, FIELD),
        (" \t\n\u00a0", 1, FIELD),
        ("size", 5, f"{OPERATOR} after 'size'"),
        ("size >", 7, "expected a value after '>'"),
        ("size > ", 7, "expected a value after '>'"),
        ("size > and", 8, "expected a value after '>'"),
        ("size => 5", 7, "expected a value after '='"),
        ("5 < size", 1, FIELD),
        ("size > 5 name = a", 10, f"{MORE} after '5'"),
        ("size > 5)", 9, f"{MORE} after '5'"),
        ("(size > 5", 10, "expected ')' after '5'"),
        ("size > 5 and", 13, f"{FIELD} after 'and'"),
        ("not", 4, f"{FIELD} after 'not'"),
        ("name = 'abc", 8, "the ' is never closed"),
        ('name = "abc', 8, 'the " is never closed'),
        ("`name = 5", 1, "the ` is never closed"),
        ("name = 'it''s", 12, "the ' is never closed"),
        ('"my_field" = 1', 1, f"{FIELD}; {QUOTES}"),
        ('"my field" = "v 41"', 1, f"{FIELD}; {QUOTES}"),
        ("a = 1 and not 'my field' in (1)", 15, f"{FIELD} after 'not'; {QUOTES}"),
        ("name = `a`", 8, "expected a value after '='"),
        ("name = a 'b'", 10, f"{MORE} after 'a'"),
        ("my field = 1", 4, f"{OPERATOR} after 'my'; {BACKTICKS}"),
        ("my very own field>1", 4, f"{OPERATOR} after 'my'; {BACKTICKS}"),
        ("my/field = 1", 3, f"{OPERATOR} after 'my'; {BACKTICKS}"),
        ("my field IS NULL", 4, f"{OPERATOR} after 'my'; {BACKTICKS}"),
        ("my field not in (1)", 4, f"{OPERATOR} after 'my'; {BACKTICKS}"),
        ("my field", 4, f"{OPERATOR} after 'my'"),
        ("size and name = a", 6, f"{OPERATOR} after 'size'"),
        ("size 5 OR name = a", 6, f"{OPERATOR} after 'size'"),
        ("size ~= 5", 6, f"{OPERATOR} after 'size'"),
        ("name = null", 8, "nothing is equal to NULL; write IS NULL or IS NOT NULL"),
        ("name in (a, NULL)", 13, "nothing is equal to NULL; write IS NULL or IS NOT NULL"),
        ("name is 5", 9, "expected NULL, as in IS NULL or IS NOT NULL after 'is'"),
        ("name not = 5", 10, "expected IN, LIKE, GLOB or BETWEEN after 'not'"),
        ("name in a", 9, "expected '(' after 'in'"),
        ("name in ()", 10, "expected a value after '('"),
        ("name in (a b)", 12, "expected ',' or ')' after '(a'"),
        ("name in (a;", 11, "expected ',' or ')' after '(a'"),
        ("width between 1", 16, "expected AND, as in BETWEEN 1 AND 5 after '1'"),
        ("near(1, 2)", 10, f"expected ',' after '2'; {NEAR}"),
        ("near(1, 2, 3, 4)", 13, f"expected ')' after '3'; {NEAR}"),
        ("near(berlin, 10km)", 18, f"expected ',' after '10km'; {NEAR}"),
        ("a = 1 or not NEAR ()", 20, f"expected a value after '('; {NEAR}"),
        ("Within(53, 14", 14, f"expected ',' after '14'; {WITHIN}"),
        ("w\u0131thin(1", 9, "expected ',' after 'w\u0131thin(1'"),
        ("name = 'near(' x", 16, f"{MORE} after \"'near('\""),
        ("near(1, 2, 3) x", 15, f"{MORE} after '3)'"),
        ("name = a; DROP TABLE assets", 9, f"{MORE} after 'a'"),
        ("name = a\0b", 9, f"{MORE} after 'a'"),
        ("width = abc", 9, "width is a number, not 'abc'"),
        ("width = 1e999", 9, "width is a number, not '1e999'"),
        ("width = nan", 9, "width is a number, not 'nan'"),
        ("width = ٣", 9, "width is a number, not '٣'"),
        ("weekday = foo", 11, "weekday is a number or a name such as monday, not 'foo'"),
        ("size < 5min", 8, "size is a size such as 5MB, 2GiB or 1000, not '5min'"),
        ("duration < 5MB", 12, "duration is a length of time such as 90s, 5min, 1:30 or 1h, not '5MB'"),
        ("duration < 1h5", 12, "duration is a length of time such as 90s, 5min, 1:30 or 1h, not '1h5'"),
        ("taken = 2023-02-29", 9, f"taken is {DATES}, not '2023-02-29'"),
        ("taken = 9999", 9, f"taken is {DATES}, not '9999'"),
        ("taken = '99999 years ago'", 9, f"taken is {DATES}, not '99999 years ago'"),
        ("taken = '5 parsecs ago'", 9, f"taken is {DATES}, not '5 parsecs ago'"),
        ("taken in (2020, x)", 17, f"taken is {DATES}, not 'x'"),
        ("modality = pic", 12, "modality is one of text, image, audio, video, not 'pic'"),
        ("size LIKE '5%'", 11, "LIKE is for texts, but size is a size; write size > 5MB"),
        ("taken not glob '2*'", 16, "GLOB is for texts, but taken is a date; write taken BETWEEN 2023-06 AND 2023-08"),
        ("within(-91, 0, 0, 0)", 8, "expected degrees from -90 to 90"),
        ("within(53, 14, 52, 13)", 12, AROUND.format(13)),
        ("within(52, 13.5, 53, -13.25)", 12, AROUND.format(-13.25)),
        ("near(0, 181, 1)", 9, "expected degrees from -180 to 180"),
        ("near(0, 0, -1)", 12, "expected a distance in km, such as 5 or 300m"),
        ("near(0, 0, 1MB)", 12, "expected a distance in km, such as 5 or 300m"),
        ("`---` = 5", 1, "a field has a name of 1 to 64 letters and digits"),
        (f"a=1 or {'x' * 65}=5", 8, "a field has a name of 1 to 64 letters and digits"),
        ("a = 1 and\n b", 13, f"{OPERATOR} after 'b'"),
    ],
)
def test_errors_point_at_the_place_in_plain_words(text, column, words):
    error = error_of(text)
    said, shown, mark = error.message.split("\n")
    assert said == f"column {column}: {words}"
    whole = "  " + "".join(char if char.isprintable() else " " for char in text)
    assert shown == whole or shown == whole[: len(shown) - 1] + "…"
    assert mark == "  " + " " * (column - 1) + "^"
    assert "docs/where.md" in error.remedy


def test_of_a_long_filter_the_place_is_shown():
    text = "name = a or " * 20 + "size = x or " + "name = a or " * 20 + "name = a"
    _, shown, mark = error_of(text).message.split("\n")
    assert shown.startswith("  …")
    assert shown.endswith("…")
    assert len(shown) < 110
    assert shown[mark.index("^")] == "x"
    assert shown[mark.index("^") - 7 : mark.index("^")] == "size = "


def test_what_is_odd_is_shown_short():
    assert len(error_of(f"size = {'y' * 500}").message.splitlines()[0]) < 130


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("a = 1" + " " * MAX_CHARS, MAX_CHARS + 1, "a filter may have 10,000 characters, not 10,005"),
        ("(" * (MAX_DEPTH + 1), MAX_DEPTH + 1, "more than 50 parentheses are open here"),
        (f"a in ({'1,' * MAX_VALUES}1)", 2007, "a list may have 1,000 values"),
        ("a=1 or " * MAX_TESTS + "a=1", 1401, "a filter may have 200 conditions; a list is written: tag IN (a, b)"),
    ],
)
def test_limits(text, column, words):
    assert error_of(text).message.startswith(f"column {column}: {words}\n")


def test_just_within_the_limits():
    parse_where("(" * MAX_DEPTH + "a = '((((((('" + ")" * MAX_DEPTH + " " * (MAX_CHARS - 2 * MAX_DEPTH - 20))
    parse_where("not " * 2_400 + "a = 1")
    parse_where("a=1 or " * (MAX_TESTS - 1) + "a=1")
    assert len(parse_where(f"a in ({'1,' * (MAX_VALUES - 1)}1)").values) == MAX_VALUES


def test_errors_and_conditions_cross_process_boundaries():
    error = pickle.loads(pickle.dumps(error_of("size >")))
    assert error.message == error_of("size >").message
    condition = parse_where("size > 5 and near(1, 2, 3) and taken = 2020")
    assert pickle.loads(pickle.dumps(condition)) == condition
    assert hash(condition) == hash(parse_where("size>5  and near(1,2,3) AND captured_at=2020"))
