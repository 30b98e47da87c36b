import time

import pytest
import sqlalchemy as sa
from filter_conditions import CONDITIONS, NAMES_OF_FIELDS, PLACES, field_tests, written
from filter_reference import File, holds, made_up_files, store
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmsearch.catalog.catalog import Catalog
from mmsearch.catalog.engine import make_engine
from mmsearch.catalog.predicates import asset_condition
from mmsearch.catalog.tables import assets
from mmsearch.errors import FilterError
from mmsearch.queries import Filter
from mmsearch.types import EmbeddingSpace
from mmsearch.where.parse import parse_where

FILES = made_up_files()
SPACE = EmbeddingSpace("hashing", "r1", "p1", 4)


def examples(count):
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )


def make_catalog(path, files):
    """A catalog of these files, and a connection that reads it."""
    Catalog.create(path, "photos", SPACE).close()
    engine = make_engine(path, "write")
    with engine.begin() as connection:
        store(connection, files)
    return engine


@pytest.fixture(scope="module")
def connection(tmp_path_factory):
    """The made-up files, with half of each kind of field absent."""
    engine = make_catalog(tmp_path_factory.mktemp("predicates") / "catalog.db", FILES)
    with engine.connect() as connected:
        yield connected
    engine.dispose()


def found(connection, condition):
    own = assets.c.id <= len(FILES)
    query = sa.select(assets.c.id).where(own, asset_condition(connection, condition))
    return set(connection.execute(query).scalars())


def expected(condition):
    return {file.id for file in FILES if holds(condition, file)}


def ids(connection, text):
    return found(connection, parse_where(text))


@pytest.mark.parametrize("name", NAMES_OF_FIELDS)
def test_each_operator_on_each_field_finds_what_plain_python_finds(connection, name):
    @examples(60)
    @given(field_tests(name), st.randoms(use_true_random=False))
    def check(condition, rng):
        text = written(condition, rng)
        assert parse_where(text) == condition, text
        assert found(connection, condition) == expected(condition), text

    check()


@examples(100)
@given(PLACES)
def test_places_are_found_as_plain_python_finds_them(connection, condition):
    assert found(connection, condition) == expected(condition)


@examples(200)
@given(CONDITIONS, st.randoms(use_true_random=False))
def test_composed_conditions_find_what_plain_python_finds(connection, condition, rng):
    text = written(condition, rng)
    assert parse_where(text) == condition, text
    assert found(connection, condition) == expected(condition), text


@pytest.mark.parametrize("name", NAMES_OF_FIELDS)
def test_the_made_up_files_have_and_lack_each_field(connection, name):
    present = ids(connection, f"{name} is not null")
    assert present == set(range(1, len(FILES) + 1)) - ids(connection, f"{name} is null")
    always = {"name", "path", "folder", "modality", "size", "modified", "indexed"}
    assert present
    assert (len(present) < len(FILES)) == (name not in always)


@pytest.fixture
def few(tmp_path):
    """Makes a catalog of a few files; answers with the paths that a filter finds."""
    engines = []

    def make(*files):
        engines.append(make_catalog(tmp_path / f"{len(engines)}.db", files))

        def paths(text):
            with engines[-1].connect() as connected:
                condition = asset_condition(connected, parse_where(text))
                found = connected.execute(sa.select(assets.c.path).where(condition)).scalars()
                return sorted(path for path in found if not path.startswith("/sidecars"))

        return paths

    yield make
    for engine in engines:
        engine.dispose()


def test_what_the_user_says_hides_what_a_sidecar_says(few):
    one, two = ("1", 1.0), ("2", 2.0)
    paths = few(
        File(1, "/own", own={"rating": [two]}, said={"rating": [one]}),
        File(2, "/said", said={"rating": [one]}),
        File(3, "/cleared", own={"rating": []}, said={"rating": [one]}),
        File(4, "/neither"),
    )
    assert paths("rating = 1") == ["/said"]
    assert paths("rating = 2") == ["/own"]
    assert paths("rating != 1") == ["/own"]
    assert paths("rating IS NULL") == ["/cleared", "/neither"]
    assert paths("NOT rating > 1") == ["/said"]


def test_one_of_several_values_is_enough_and_the_opposite_needs_all(few):
    paths = few(
        File(1, "/both", own={"tags": [("a", None), ("b", None)]}),
        File(2, "/a", own={"tags": [("a", None)]}),
        File(3, "/none"),
    )
    assert paths("tag = a") == ["/a", "/both"]
    assert paths("tag = a AND tag = b") == ["/both"]
    assert paths("tag != b") == ["/a", "/none"]
    assert paths("tag NOT IN (b, c)") == ["/a", "/none"]
    assert paths("NOT (tag = b OR tag = c)") == ["/a", "/none"]


def test_no_tags_are_an_empty_set(few):
    paths = few(
        File(1, "/draft", said={"tags": [("draft", None)]}, own={"rating": [("1", 1.0)]}),
        File(2, "/none", own={"rating": [("2", 2.0)]}),
        File(3, "/cleared", own={"tags": []}, said={"tags": [("draft", None)]}),
    )
    without = ["/cleared", "/none"]
    for text in ("tag = draft", "tags IN (draft)", "keyword LIKE '%'", "tag GLOB '*'", "tag BETWEEN a AND z"):
        assert paths(text) == ["/draft"]
        assert paths(f"NOT {text}") == without
    assert paths("tag != draft") == paths("NOT NOT tag <> draft") == paths("tag NOT LIKE 'd%'") == without
    assert paths("tag != draft AND NOT (tag = x OR rating > 1)") == []
    assert paths("NOT (tag = draft OR rating > 2)") == ["/none"]
    assert paths("tag IS NULL") == without
    assert paths("tag IS NOT NULL") == ["/draft"]
    assert paths("rating != 1") == ["/none"]


def test_accents_count(few):
    paths = few(File(1, "/a", own={"taken_by": [("Zo\u00eb", None)]}))
    assert paths("taken_by = 'ZOE\u0308'") == paths("taken_by LIKE zo_") == ["/a"]
    assert paths("taken_by = ZOE") == []


def test_partial_dates_mean_all_that_lies_in_them(few):
    paths = few(
        File(1, "/first", taken="2024-01-01T00:00:00"),
        File(2, "/last", taken="2024-12-31T23:59:59-05:00"),
        File(3, "/next", taken="2025-01-01T00:00:00"),
        File(4, "/unknown"),
    )
    assert paths("taken = 2024") == paths("taken BETWEEN 2024 AND 2024") == ["/first", "/last"]
    assert paths("taken <= 2024") == ["/first", "/last"]
    assert paths("taken < 2024") == []
    assert paths("taken > 2024") == ["/next"]
    assert paths("taken > 2024-01-01") == ["/last", "/next"]
    assert paths("taken IN (2024-01, 2025)") == ["/first", "/next"]
    assert paths("taken != 2024") == ["/next"]


def test_years_compare_with_dates_in_own_fields(few):
    paths = few(
        File(1, "/date", own={"shot": [("2024-05-31", None)]}),
        File(2, "/number", own={"shot": [("2024", 2024.0)]}),
        File(3, "/word", own={"shot": [("soon", None)]}),
    )
    assert paths("shot = 2024") == ["/date", "/number"]
    assert paths("shot > 2023") == ["/date", "/number"]
    assert paths("shot >= 2024-05") == ["/date"]
    assert paths("shot = '2024'") == ["/number"]
    assert paths("shot != 2024") == ["/word"]


def test_a_box_may_go_over_the_date_line(few):
    paths = few(
        File(1, "/fiji", lat=-17.0, lon=178.0),
        File(2, "/samoa", lat=-13.8, lon=-171.8),
        File(3, "/rome", lat=41.9, lon=12.5),
    )
    assert paths("within(-20, 170, -10, -170)") == ["/fiji", "/samoa"]
    assert paths("within(-10, 170, -20, -170)") == ["/fiji", "/samoa"]
    assert paths("within(-20, -170, 50, 170)") == ["/rome"]
    assert paths("near(-17, -178, 450)") == ["/fiji"]
    assert paths("NOT near(-17, -178, 450)") == ["/rome", "/samoa"]


def test_distances_are_exact(few):
    paths = few(File(1, "/berlin", lat=52.52, lon=13.405))
    assert paths("near(48.1374, 11.5755, 504.5)") == ["/berlin"]  # Munich, 504.4 km away
    assert paths("near(48.1374, 11.5755, 504.2)") == []


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone cannot be set")
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kathmandu"])
def test_changes_are_compared_in_local_time(few, monkeypatch, zone):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        local = time.mktime((2024, 1, 1, 0, 0, 0, 0, 0, -1))
        paths = few(File(1, "/new", mtime_ns=int(local) * 10**9), File(2, "/old", mtime_ns=int(local) * 10**9 - 1))
        assert paths("modified >= 2024") == ["/new"]
        assert paths("modified <= 2023-12-31") == ["/old"]
        assert paths("modified > 0001 AND modified < 9998") == ["/new", "/old"]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_folders_are_named_whole(few, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    paths = few(File(1, "/home/me/Pictures/Italy/day 1/a.jpg"), File(2, "/home/me/Italy2/b.jpg"), File(3, "/c.jpg"))
    assert paths("folder = Italy") == paths("folder = 'pictures/ITALY/'") == ["/home/me/Pictures/Italy/day 1/a.jpg"]
    assert paths("folder = '~/Pictures'") == ["/home/me/Pictures/Italy/day 1/a.jpg"]
    assert len(paths("folder = '/'")) == 3
    assert paths("folder = '/Italy'") == paths("folder = tal") == paths("folder = ''") == []
    assert paths("folder NOT IN (italy, italy2)") == ["/c.jpg"]
    assert paths("folder LIKE '%/italy_'") == ["/home/me/Italy2/b.jpg"]


def test_case_and_accents_as_they_are_stored_make_no_difference(few):
    paths = few(File(1, "/u\u0308ber.jpg"), File(2, "/STRASSE.JPG"), File(3, "/x.jpg"))
    assert paths("name = '\u00dcBER.JPG'") == ["/u\u0308ber.jpg"]
    assert paths("name LIKE 'straße%'") == ["/STRASSE.JPG"]
    assert paths("name GLOB '*.JPG'") == ["/STRASSE.JPG"]


@pytest.mark.parametrize(
    "value",
    ["' OR 1=1 --", "'; DROP TABLE assets; --", "\\", "a\0b", "\udce9", "%' OR '1'='1", ":x ? %(y)s {z}", "﷽" * 50],
)
def test_nothing_that_is_written_becomes_sql(connection, value):
    quoted = "'" + value.replace("'", "''") + "'"
    for operator in ("=", "LIKE", "GLOB", "<"):
        for name in ("name", "text", "shot", "folder"):
            condition = parse_where(f"{name} {operator} {quoted}")
            assert found(connection, condition) == expected(condition)
    assert connection.execute(sa.select(sa.func.count()).select_from(assets)).scalar_one() > len(FILES)


def test_unknown_fields_are_pointed_at_with_what_may_be_meant(connection):
    with pytest.raises(FilterError, match=r"column 15: no file has a field 'ratng'; did you mean 'rating'") as caught:
        ids(connection, "size > 1 and (ratng = 5)")
    assert caught.value.message.splitlines()[-1] == "  " + " " * 14 + "^"
    with pytest.raises(FilterError, match="'folder'"):
        ids(connection, "NOT foldr = x")
    with pytest.raises(FilterError, match=r"no file has a field 'qqqqqq'\n"):
        ids(connection, "qqqqqq IS NULL")


def test_the_largest_filters_are_compiled(connection):
    deep = "rating = 1"
    for number in range(48):
        deep = f"{'not ' * (number % 2)}({deep}) {('and', 'or')[number % 2]} shot > 2000 and taken = 2020"
    wide = " or ".join(["rating != 2", "taken = 2020", "folder = x", "camera = y"] * 50)
    spans = f"taken in ({', '.join(['2020'] * 1000)}) or folder in ({', '.join(['a'] * 1000)})"
    words = f"shot in ({', '.join(['x', '2023', '2023-05', '7'] * 250)})"
    for text in (deep, wide, spans, words):
        condition = parse_where(text)
        assert found(connection, condition) == expected(condition), text[:50]
    for text in (deep, wide):
        condition = parse_where(f"not ({text})")
        assert found(connection, condition) == expected(condition), text[:50]


def test_a_caption_passes_with_the_file_that_it_describes(tmp_path):
    tags = {"tags": [("beach", None)]}
    files = [
        File(1, "/a.jpg", size=10, captions=["a dog"], said=tags),
        File(2, "/b.jpg", size=20, captions=["two", "cats"]),
        File(3, "/c.txt", "text", size=10, texts=["one", "two"]),
    ]
    make_catalog(tmp_path / "catalog.db", files).dispose()

    with Catalog.open(tmp_path / "catalog.db", write=False) as catalog:

        def segments(text, **limits):
            return catalog.segment_ids(Filter(where=parse_where(text), **limits)).tolist()

        # Segments: 1 is a.jpg, 2 its caption, 3 b.jpg, 4 and 5 its captions, 6 and 7 c.txt.
        assert segments("size = 20") == [3, 4, 5]
        assert segments("tag = beach") == [1, 2]
        assert segments("tag != beach") == [3, 4, 5, 6, 7]
        assert catalog.subjects_where(parse_where("tag != beach OR text LIKE dog")).tolist() == [2, 3]
        assert catalog.subjects_where(parse_where("text LIKE '%dog%'")).tolist() == [1]
        assert segments("name != 'a.jpg'") == [3, 4, 5, 6, 7]
        assert segments("size = 10", modalities=frozenset({"text"})) == [2, 6, 7]
        assert segments("size = 10", modalities=frozenset({"text"}), exclude_assets=frozenset({3})) == [2]
        assert segments("text LIKE '%two%'") == [3, 4, 5, 6, 7]
        assert segments("name LIKE '%.json'") == []
        assert segments("size < 0") == []
