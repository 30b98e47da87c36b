import json
import math
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.config import Limits
from mmsearch.errors import MediaTooLarge
from mmsearch.media import captions
from mmsearch.media.captions import read_captions
from mmsearch.media.document import read_document
from mmsearch.media.fields import (
    MAX_FIELDS,
    MAX_NAME_CHARS,
    MAX_TEXT_CHARS,
    FieldSheet,
    field_name,
    field_value,
    fields_in,
)
from mmsearch.types import MAX_FIELD_VALUES, FieldValue
from mmsearch.where.fields import BUILTIN_FIELDS

PHOTOS = {"/p/dog.jpg", "/p/cat.jpg", "/p/bark.wav"}
LIMITS = Limits(max_text_bytes=16 << 20, max_passages=1000)


def fields_of(name, content):
    """File -> name -> plain values, as a file in /p says them; None if it is none of our business."""
    data = content if isinstance(content, bytes) else content.encode()
    described = read_captions(f"/p/{name}", data, LIMITS, PHOTOS.__contains__)
    if described is None:
        return None
    return {
        said.about: {name: [value.plain for value in values] for name, values in said.values.items()}
        for said in described.fields
    }


def plain(record):
    found = {}
    for name, value in fields_in(record):
        found.setdefault(name, []).append(value.plain)
    return found


# ---- values ----


@pytest.mark.parametrize(
    ("given", "text", "number"),
    [
        (5, "5", 5),
        (5.0, "5", 5),
        (-0.0, "0", 0),
        (0.1, "0.1", 0.1),
        (1e300, "1e+300", 1e300),
        (2**63, "9223372036854775808", 2.0**63),
        (10**400, "1" + "0" * 400, None),
        (True, "true", 1),
        (False, "false", 0),
        ("5", "5", 5),
        (" -4.50 ", "-4.50", -4.5),
        ("+.5", "+.5", 0.5),
        ("007", "007", 7),
        ("True", "True", 1),
        ("1e5", "1e5", None),
        ("1,5", "1,5", None),
        ("٣", "٣", None),
        ("inf", "inf", None),
        ("9" * 400, "9" * 400, None),
        ("two\0words", "two words", None),
        ("half \ud83d", "half ?", None),
        ("x" * MAX_TEXT_CHARS, "x" * MAX_TEXT_CHARS, None),
    ],
)
def test_values(given, text, number):
    assert field_value(given) == FieldValue(text, number)


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        " \t",
        "\0",
        math.nan,
        math.inf,
        -math.inf,
        [],
        {},
        b"x",
        "x" * (MAX_TEXT_CHARS + 1),
        pytest.param(10**5000, id="huge"),
        object(),
    ],
)
def test_what_is_no_value(given):
    assert field_value(given) is None


@given(st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False)))
def test_numbers_come_out_as_they_went_in(number):
    value = field_value(number)
    if value is not None and value.number is not None:  # not hundreds of digits
        assert value.plain == number
        assert isinstance(value.plain, bool) == isinstance(number, bool)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=50))
def test_texts_come_out_as_they_went_in(text):
    value = field_value(text)
    assert (value is None) == (not text.strip())
    if value is not None:
        assert value.text == text.strip()
        assert str(value.plain).lower() == value.text.lower()


def test_a_number_is_shown_as_one_only_if_it_is_written_so():
    values = [5, "5", "5.0", "007", 0.25, "true", "TRUE", True, "1e400", 1e22]
    assert [field_value(value).plain for value in values] == [
        5, 5, 5.0, "007", 0.25, True, "TRUE", True, "1e400", 1e22,
    ]  # fmt: skip


# ---- names ----


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("Rating", "rating"),
        (" Date Taken (UTC) ", "date_taken_utc"),
        ("dc:subject", "dc_subject"),
        ("geo.LAT", "geo.lat"),
        ("größe", "größe"),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER W}ide", "wide"),
        ("year", "own.year"),
        ("Captured_At", "own.captured_at"),
        ("2nd", "own.2nd"),
        ("_hidden", "hidden"),
        ("x" * 64, "x" * 64),
        ("x" * 65, ""),
        pytest.param("é" * 10_000_000, "", id="long"),
        ("'; DROP TABLE fields --", "drop_table_fields"),
        ("...", ""),
        ("\ud83d", ""),
    ],
)
def test_names(key, name):
    assert field_name(key) == name


@given(st.text(max_size=100))
def test_every_name_can_be_asked_for(key):
    name = field_name(key)
    assert len(name) <= MAX_NAME_CHARS
    assert name == "" or (name[0].isalpha() and name not in BUILTIN_FIELDS)
    assert field_name(name) == name


# ---- records ----


def test_a_record_of_google_takeout():
    record = {
        "imageViews": "12",
        "photoTakenTime": {"timestamp": "1686821400", "formatted": "15 Jun 2023, 09:30:00 UTC"},
        "geoData": {"latitude": 48.858400, "longitude": 2.2945, "altitude": 0.0},
        "people": [{"name": "Ann"}, {"name": "Bob"}],
        "favorited": True,
        "googlePhotosOrigin": {"mobileUpload": {"deviceType": "ANDROID_PHONE"}},
        "url": "https://photos.example/1",
    }
    assert plain(record) == {
        "imageviews": [12],
        "phototakentime.timestamp": [1686821400],
        "phototakentime.formatted": ["15 Jun 2023, 09:30:00 UTC"],
        "geodata.latitude": [48.8584],
        "geodata.longitude": [2.2945],
        "geodata.altitude": [0],
        "people.name": ["Ann", "Bob"],
        "favorited": [True],
        "url": ["https://photos.example/1"],
    }


def test_tags():
    assert plain({"Tags": "beach, sea;sun,,"}) == {"tags": ["beach", "sea", "sun"]}
    assert plain({"keywords": ["one, two", 3, None, ["x"]], "tag": "four"}) == {"tags": ["one, two", 3, "four"]}


def test_a_text_of_a_million_tags():
    assert len(plain({"tags": ",".join(map(str, range(1_000_000)))})["tags"]) == MAX_FIELD_VALUES


def test_what_is_not_a_scalar_is_left_out():
    assert plain({"a": None, "b": [[1]], "c": {"d": {"e": 1}}, None: ["x"], 7: "x", "f": [1, None, "", "x"]}) == {
        "f": [1, "x"]
    }
    for other in (None, 7, "text", [1], [{"a": 1}]):
        assert plain(other) == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=20), inner, max_size=5),
    max_leaves=30,
)


@settings(max_examples=50)
@given(st.lists(st.dictionaries(st.text(string.printable, max_size=20), JSON, max_size=10), max_size=4))
def test_whatever_json_holds_keeps_the_limits(records):
    sheet = FieldSheet()
    for record in records:
        sheet.add("/p/dog.jpg", record)
    for said in sheet.fields():
        assert 0 < len(said.values) <= MAX_FIELDS
        for name, values in said.values.items():
            assert field_name(name) == name or name == "tags"
            assert len(set(values)) == len(values) <= MAX_FIELD_VALUES
            for value in values:
                assert 0 < len(value.text) <= MAX_TEXT_CHARS
                assert "\0" not in value.text
                assert value.text.encode()
                assert value.number is None or math.isfinite(value.number)
    assert sheet.values == sum(len(values) for said in sheet.fields() for values in said.values.values())


def test_the_limits_hold_for_a_file_however_many_records_are_about_it():
    sheet = FieldSheet()
    for number in range(200):
        sheet.add("/p/dog.jpg", {"same": number, f"field{number}": number})
    (said,) = sheet.fields()
    assert len(said.values) == MAX_FIELDS
    assert [value.plain for value in said.values["same"]] == list(range(MAX_FIELD_VALUES))


# ---- sidecars and tables ----


def test_a_sidecar_gives_captions_and_fields(limits):
    sidecar = {"title": "dog.jpg", "description": "A dog", "keywords": ["beach"], "rating": 5, "name": "dog.jpg"}
    document = read_document("/p/dog.jpg.json", json.dumps(sidecar).encode(), limits, PHOTOS.__contains__)
    assert [(segment.text, segment.about) for segment in document.segments] == [
        ("A dog", "/p/dog.jpg"),
        ("beach", "/p/dog.jpg"),
    ]
    (said,) = document.fields
    assert (said.about, said.values) == (
        "/p/dog.jpg",
        {"tags": (FieldValue("beach"),), "rating": (FieldValue("5", 5),)},
    )


def test_a_sidecar_without_captions_counts_too(limits):
    document = read_document("/p/dog.json", b'{"exif": {"iso": 100}}', limits, PHOTOS.__contains__)
    assert (document.segments, document.fields[0].values) == ((), {"exif.iso": (FieldValue("100", 100),)})


def test_tables():
    table = "file;Rating;album;caption\ndog.jpg;5;;A dog\ncat.jpg;;Cats;\ngone.jpg;1;x;y\ndog.jpg;4;Dogs;\n"
    expected = {"/p/dog.jpg": {"rating": [5, 4], "album": ["Dogs"]}, "/p/cat.jpg": {"album": ["Cats"]}}
    assert fields_of("all.csv", table) == expected
    lines = '{"path": "dog.jpg", "rating": 5}\n{"image": "cat.jpg", "name": "Tom"}\n'
    assert fields_of("all.jsonl", lines) == {"/p/dog.jpg": {"rating": [5]}, "/p/cat.jpg": {"own.name": ["Tom"]}}
    by_name = {"dog.jpg": {"rating": 5}, "cat.jpg": "A cat", "bark.wav": {"loud": True}}
    assert fields_of("all.json", json.dumps(by_name)) == {
        "/p/dog.jpg": {"rating": [5]},
        "/p/bark.wav": {"loud": [True]},
    }


def test_a_row_that_is_too_long_or_too_short():
    assert fields_of("a.csv", "file,a,b\ndog.jpg,1,2,3,4\ncat.jpg,1\n") == {
        "/p/dog.jpg": {"a": [1], "b": [2]},
        "/p/cat.jpg": {"a": [1]},
    }


def test_a_text_beside_a_photo_stays_a_caption(limits):
    document = read_document("/p/dog.txt", b'{"rating": 5}', limits, PHOTOS.__contains__)
    assert (document.fields, document.segments[0].text) == ((), '{"rating": 5}')


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"a": 1e400, "b": -1e400, "c": NaN, "d": 1}', {"d": [1]}),
        ('{"a": "\\u0000", "b": "\\ud83d", "\\ud83d": 1, "\\u0000": 1}', {"b": ["?"]}),
        ('{"": 1, " ": 2, "-": 3, "a b": 4, "a-b": 5, "a_b": 5}', {"a_b": [4, 5]}),
        ('{"a": ' + "[" * 500 + "]" * 500 + ', "b": 1}', {"b": [1]}),
        ('{"a": ' + '{"a":' * 500 + "1" + "}" * 500 + ', "b": 1}', {"b": [1]}),
        ('{"note": "' + "x" * 1001 + '", "b": 1}', {"b": [1]}),
    ],
)
def test_hostile_sidecars(content, expected):
    assert fields_of("dog.json", content) == {"/p/dog.jpg": expected}


def test_half_a_million_keys():
    content = "{" + ",".join(f'"k{number}":{number}' for number in range(500_000)) + "}"
    (fields,) = fields_of("dog.json", content).values()
    assert fields == {f"k{number}": [number] for number in range(MAX_FIELDS)}


def test_a_file_of_too_many_values(monkeypatch):
    monkeypatch.setattr(captions, "MAX_VALUES", 10)
    rows = [{"file": name, "a": list(range(4))} for name in ("dog.jpg", "cat.jpg", "bark.wav")]
    assert len(fields_of("all.json", json.dumps(rows[:2]))) == 2
    with pytest.raises(MediaTooLarge, match="more than 10 values"):
        fields_of("all.json", json.dumps(rows))
