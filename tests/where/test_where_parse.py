from datetime import datetime

import pytest

from mmsearch.where.dates import Span
from mmsearch.where.fields import BUILTIN_FIELDS, FIELDS, normal_name
from mmsearch.where.parse import parse_where
from mmsearch.where.syntax import And, Between, Comparison, Field, Glob, IsNull, Like, Near, Not, OneOf, Or, Within

NOW = datetime(2024, 3, 31, 14, 30, 5)
TODAY = Span(datetime(2024, 3, 31), datetime(2024, 4, 1), 10)


def parsed(text):
    return parse_where(text, now=NOW)


def compared(name, operator, value):
    return Comparison(Field(name), operator, value)


def value_of(text):
    return parsed(text).value


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("=", compared("width", "=", 5.0)),
        ("==", compared("width", "=", 5.0)),
        ("!=", Not(compared("width", "=", 5.0))),
        ("<>", Not(compared("width", "=", 5.0))),
        ("<", compared("width", "<", 5.0)),
        ("<=", compared("width", "<=", 5.0)),
        (">", compared("width", ">", 5.0)),
        (">=", compared("width", ">=", 5.0)),
    ],
)
def test_comparisons(operator, expected):
    assert parsed(f"width {operator} 5") == parsed(f"width{operator}5") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name IN (a)", OneOf(Field("name"), ("a",))),
        ("name in ('a,b' , \"c)\")", OneOf(Field("name"), ("a,b", "c)"))),
        ("width NOT IN (1, 2)", Not(OneOf(Field("width"), (1.0, 2.0)))),
        ("name LIKE 'a%'", Like(Field("name"), "a%")),
        ("name Not Like a_%", Not(Like(Field("name"), "a_%"))),
        ("name GLOB *.[jJ]pg", Glob(Field("name"), "*.[jJ]pg")),
        ("name not glob '*'", Not(Glob(Field("name"), "*"))),
        ("width BETWEEN 1 AND 2", Between(Field("width"), 1.0, 2.0)),
        ("width NOT BETWEEN 1 AND 2", Not(Between(Field("width"), 1.0, 2.0))),
        ("width IS NULL", IsNull(Field("width"))),
        ("width IS NOT NULL", Not(IsNull(Field("width")))),
        ("within(1, 2, 3, 4)", Within(1.0, 2.0, 3.0, 4.0)),
        ("WITHIN (3, 170, 1, -170)", Within(1.0, 170.0, 3.0, -170.0)),
        ("within(53, 13, 52, 14)", Within(52.0, 13.0, 53.0, 14.0)),
        ("within(0, 90, 1, -90)", Within(0.0, 90.0, 1.0, -90.0)),
        ("within(0, 5, 1, 5)", Within(0.0, 5.0, 1.0, 5.0)),
        ("near(1, -2, 3)", Near(1.0, -2.0, 3.0)),
        ("near(1, 2, 300m)", Near(1.0, 2.0, 0.3)),
        ("near(1, 2, 3 km)", Near(1.0, 2.0, 3.0)),
    ],
)
def test_other_tests(text, expected):
    assert parsed(text) == expected


def test_and_binds_more_than_or_and_not_most():
    one, two, three = (compared(name, "=", 1.0) for name in ("width", "height", "size"))
    assert parsed("width=1 or height=1 and size=1") == Or((one, And((two, three))))
    assert parsed("(width=1 or height=1) and size=1") == And((Or((one, two)), three))
    assert parsed("not width=1 and height=1") == And((Not(one), two))
    assert parsed("not (width=1 and height=1)") == Not(And((one, two)))
    assert parsed("width=1 AND\n\theight=1 aNd size=1") == And((one, two, three))
    assert parsed("NOT NOT width=1") == parsed("((width=1))") == one
    assert parsed("not width != 1") == one
    assert parsed("width between 1 and 2 and height=1") == And((Between(Field("width"), 1.0, 2.0), two))


def test_names_of_fields():
    assert parsed("MTIME > 2020").field == Field("modified")
    assert parsed("tag = 5") == compared("tags", "=", "5")
    assert parsed("`Date Taken` = x").field == Field("date_taken")
    assert parsed("exif:iso-speed = x").field == Field("exif_iso_speed")
    assert parsed("größe.x = 5") == compared("größe.x", "=", 5.0)
    assert parsed("inside = 5 or notes = 6 or android = 7") == Or(
        (compared("inside", "=", 5.0), compared("notes", "=", 6.0), compared("android", "=", 7.0))
    )
    assert parsed("near = 5 and within = 6") == And((compared("near", "=", 5.0), compared("within", "=", 6.0)))
    assert parsed("`and` = 5").field == Field("and")
    assert normal_name(" \uff29so Speed! ") == "iso_speed"


def test_names_and_aliases_are_unambiguous():
    assert len(BUILTIN_FIELDS) == sum(1 + len(info.aliases) for info in FIELDS)
    assert all(name == normal_name(name) for name in BUILTIN_FIELDS)


@pytest.mark.parametrize("info", FIELDS, ids=lambda info: info.name)
def test_the_example_of_each_field_is_a_filter_on_it(info):
    assert f"Field(name={info.name!r})" in repr(parsed(info.example))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name = 'it''s'", "it's"),
        ('name = "a ""b"" c"', 'a "b" c'),
        ("name = 'a\"b'", 'a"b'),
        ("name = ''", ""),
        ("name = 2024", "2024"),
        ("name = Andrew", "Andrew"),
        ("name = a/b.jpg", "a/b.jpg"),
        ("path = C:\\x", "C:\\x"),
        ("type = image/svg+xml", "image/svg+xml"),
        ("ext = .jpg", "jpg"),
        ("modality = ' Video '", "video"),
        ("orientation = PORTRAIT", "portrait"),
        ("width = 1.5e3", 1500.0),
        ("lat = -.5", -0.5),
        ("lat=+5.", 5.0),
        ("width = '5'", 5.0),
        ("month = Sept", 9.0),
        ("month = may", 5.0),
        ("weekday = SUN", 7.0),
        ("size = 5", 5.0),
        ("size = 5b", 5.0),
        ("size = 5MB", 5e6),
        ("size = 1.5 kB", 1500.0),
        ("size = 500k", 500e3),
        ("size = 2GiB", 2.0 * 2**30),
        ("size = '3 TB'", 3e12),
        ("duration = 90", 90.0),
        ("duration = 90s", 90.0),
        ("duration = 5 min", 300.0),
        ("duration = 1.5h", 5400.0),
        ("duration = 1h30min", 5400.0),
        ("duration = '1 h 30 s'", 3630.0),
        ("duration = 1:30", 90.0),
        ("duration = 1:02:03.5", 3723.5),
        ("duration = 250ms", 0.25),
    ],
)
def test_values(text, expected):
    assert value_of(text) == expected


def day(*date):
    return Span(datetime(*date), datetime(*date[:2], date[2] + 1), 10)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024", Span(datetime(2024, 1, 1), datetime(2025, 1, 1), 4)),
        ("2024-5", Span(datetime(2024, 5, 1), datetime(2024, 6, 1), 7)),
        ("2024-12", Span(datetime(2024, 12, 1), datetime(2025, 1, 1), 7)),
        ("2024-02-29", Span(datetime(2024, 2, 29), datetime(2024, 3, 1), 10)),
        ("2024-05-31T14:30", Span(datetime(2024, 5, 31, 14, 30), datetime(2024, 5, 31, 14, 31), 16)),
        ("'2024-05-31 14:30:59'", Span(datetime(2024, 5, 31, 14, 30, 59), datetime(2024, 5, 31, 14, 31), 19)),
        ("today", TODAY),
        ("Yesterday", day(2024, 3, 30)),
        ("7 days ago", day(2024, 3, 24)),
        ("'2 weeks ago'", day(2024, 3, 17)),
        ("-7d", day(2024, 3, 24)),
        ("-2w", day(2024, 3, 17)),
        ("1 month ago", Span(datetime(2024, 2, 29), datetime(2024, 3, 1), 10)),
        ("-1y", Span(datetime(2023, 3, 31), datetime(2023, 4, 1), 10)),
        ("36 hours ago", Span(datetime(2024, 3, 30, 2, 30, 5), datetime(2024, 3, 30, 2, 30, 6), 19)),
        ("-90min", Span(datetime(2024, 3, 31, 13, 0, 5), datetime(2024, 3, 31, 13, 0, 6), 19)),
    ],
)
def test_dates(text, expected):
    assert value_of(f"taken = {text}") == expected


def test_relative_dates_count_from_now():
    before = datetime.now()
    span = parse_where("modified = -0s").value
    assert before.replace(microsecond=0) <= span.low <= datetime.now()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", 5.0),
        ("-2.5", -2.5),
        ("'5'", "5"),
        ("5d", "5d"),
        ("4k", "4k"),
        ("2024", 2024.0),
        ("2024-05", Span(datetime(2024, 5, 1), datetime(2024, 6, 1), 7)),
        ("'2024-05'", "2024-05"),
        ("2024-13", "2024-13"),
        ("today", TODAY),
        ("'today'", "today"),
        ("true", "true"),
        ("black-white", "black-white"),
    ],
)
def test_own_fields_take_numbers_dates_and_texts(text, expected):
    assert value_of(f"mine = {text}") == expected
