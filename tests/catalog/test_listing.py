import numpy as np
import pytest
from filter_reference import File, made_up_files, store, values_of
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.catalog.catalog import Catalog
from mmsearch.catalog.engine import make_engine
from mmsearch.errors import FilterError
from mmsearch.queries import Filter
from mmsearch.types import EmbeddingSpace, FailedFile, FileStat, WaitingFile
from mmsearch.where.fields import FIELDS
from mmsearch.where.order import parse_order
from mmsearch.where.parse import parse_where

SPACE = EmbeddingSpace("hashing", "r1", "p1", 4)
HOUR = 3600 * 10**9
FILES = [
    File(1, "/b.jpg", taken="2020-01-01T00:00:00", size=30, captions=["a dog"], said={"rating": [("5", 5.0)]}),
    File(2, "/a.jpg", taken="2021-01-01T00:00:00+09:00", size=30),
    File(
        3, "/c.txt", "text", mtime_ns=10**18, size=10, texts=["one", "two"], own={"rating": [("10", 10.0), ("1", 1.0)]}
    ),
    File(
        4,
        "/d.mp4",
        "video",
        mtime_ns=10**18 + 48 * HOUR,
        size=20,
        texts=[None, "said"],
        own={"rating": [("none", None)]},
    ),
    File(5, "/e.jpg", mtime_ns=10**18, size=40, own={"rating": []}, said={"rating": [("7", 7.0)]}),
]
# Segments: 1 b.jpg, 2 its caption, 3 a.jpg, 4 and 5 c.txt, 6 and 7 d.mp4, 8 e.jpg. 10**18 ns is 2001-09-09.


def make_catalog(path, files):
    Catalog.create(path, "photos", SPACE).close()
    engine = make_engine(path, "write")
    with engine.begin() as connection:
        store(connection, files)
    engine.dispose()
    return Catalog.open(path, write=True)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    with make_catalog(tmp_path_factory.mktemp("listing") / "catalog.db", FILES) as made:
        yield made


def listed(catalog, where="", sort="", *, limit=100, offset=0, **limits):
    wanted = Filter(where=parse_where(where) if where else None, **limits)
    found = catalog.listed(wanted, parse_order(sort) if sort else (), limit, offset).tolist()
    if limit == 100 and offset == 0:
        assert catalog.matching_files(wanted) == len(found)
    return found


def test_a_list_has_media_and_documents_newest_first(catalog):
    assert listed(catalog) == [3, 1, 6, 4, 8]
    assert catalog.matching_files(Filter()) == 5


def test_lists_are_filtered_exactly(catalog):
    assert listed(catalog, "size = 30") == [3, 1]
    assert listed(catalog, "rating = 5") == [1]
    assert listed(catalog, "text LIKE '%dog%'") == [1]
    assert listed(catalog, "size > 100") == []
    assert listed(catalog, exclude_assets=frozenset({1, 2, 99})) == [6, 4, 8]
    assert listed(catalog, "size >= 30", exclude_assets=frozenset({1})) == [3, 8]


def test_modalities_choose_the_segment_that_is_shown(catalog):
    assert listed(catalog, modalities=frozenset({"text"})) == [4]
    assert listed(catalog, modalities=frozenset({"video"})) == [6]
    assert listed(catalog, "size >= 20", modalities=frozenset({"image", "video"})) == [3, 1, 6, 8]


def test_files_that_are_not_ready_are_not_listed(tmp_path):
    with make_catalog(tmp_path / "catalog.db", FILES) as catalog:
        with catalog.write() as writer:
            writer.put_failed(FailedFile(FileStat("/a.jpg", 30, 1), "media_damaged", "it is cut off", "image"))
            writer.put_waiting(WaitingFile(FileStat("/e.jpg", 40, 1), "image"))
        assert listed(catalog) == [1, 6, 4]
        assert listed(catalog, "size >= 30") == [1]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("name", [3, 1, 4, 6, 8]),
        ("-name", [8, 6, 4, 1, 3]),
        ("size", [4, 6, 3, 1, 8]),
        ("-size,-name", [8, 1, 3, 6, 4]),
        ("taken", [1, 3, 4, 6, 8]),
        ("-taken", [3, 1, 4, 6, 8]),
        ("modality desc, name", [6, 4, 3, 1, 8]),
        ("rating", [4, 1, 6, 3, 8]),  # 1 of 1 and 10, 5, none, and the two without
        ("-rating", [6, 4, 1, 3, 8]),  # texts are above numbers
    ],
)
def test_lists_are_sorted_and_what_is_unknown_comes_last(catalog, sort, expected):
    assert listed(catalog, sort=sort) == expected


def test_pages_join_to_the_whole(catalog):
    assert [each for page in range(4) for each in listed(catalog, limit=2, offset=2 * page)] == listed(catalog)
    assert listed(catalog, limit=0) == listed(catalog, offset=9) == []


def test_ids_are_sorted_by_the_files_they_stand_for(catalog):
    def sorted_ids(ids, sort):
        return catalog.in_order(np.array(ids, dtype=np.int64), parse_order(sort)).tolist()

    assert sorted_ids([8, 7, 5, 3, 2, 1], "name") == [3, 2, 1, 5, 7, 8]
    assert sorted_ids([8, 7, 5, 3, 2, 1], "-taken") == [3, 2, 1, 8, 7, 5]
    assert sorted_ids([5, 4, 1, 2], "-size,name") == [1, 2, 5, 4]
    assert sorted_ids([2, 8, 7], "rating") == [2, 7, 8]
    assert sorted_ids([], "name") == []


def test_ids_of_what_is_gone_come_last(tmp_path):
    with make_catalog(tmp_path / "catalog.db", [File(1, "/gone.jpg", captions=["of it"])]) as catalog:
        with catalog.write() as writer:
            writer.remove_assets([1])
        left = catalog.segment_ids(Filter())
        assert catalog.in_order(left, parse_order("name")).tolist() == left.tolist() == [2]
        assert listed(catalog) == []


def test_unknown_fields_to_sort_by_are_pointed_at(catalog):
    with pytest.raises(FilterError, match=r"column 7: no file has a field 'ratng'; did you mean 'rating'"):
        listed(catalog, sort="name,-ratng")
    with pytest.raises(FilterError, match="'nope'"):
        catalog.in_order(np.array([1], dtype=np.int64), parse_order("nope"))
    with pytest.raises(FilterError, match="'nope'"):
        catalog.matching_files(Filter(where=parse_where("nope = 1")))


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    with make_catalog(tmp_path_factory.mktemp("listing") / "catalog.db", made_up_files()) as made:
        yield made


def test_every_field_can_be_sorted_by(many):
    files = {file.path: file for file in made_up_files()}
    everything = many.listed(Filter(), (), 1_000)
    assert len(everything) == len(files)
    for name in [*(info.name for info in FIELDS), "shot", "rating"]:
        for sort in (name, f"-{name}"):
            ids = many.listed(Filter(), parse_order(sort), 1_000)
            records = many.hits(ids)
            known = [bool(values_of(files[records[each].path], name)) for each in ids.tolist()]
            assert known == sorted(known, reverse=True), sort  # those without it last
            assert sorted(ids.tolist()) == sorted(everything.tolist())


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.permutations(range(1, 30)),
    st.sampled_from(["size", "-size", "width,-height", "-taken,size", "hour", "-duration"]),
)
def test_sorting_is_that_of_python(many, ids, sort):
    records = many.hits(np.array(ids, dtype=np.int64))
    files = {file.path: file for file in made_up_files()}
    expected = list(ids)
    for order in reversed(parse_order(sort)):

        def key(id_, name=order.field.name):
            record = records[id_]
            return next(iter(values_of(files[record.about or record.path], name)), None)

        known = [each for each in expected if key(each) is not None]
        missing = [each for each in expected if key(each) is None]
        expected = sorted(known, key=key, reverse=order.descending) + missing
    assert many.in_order(np.array(ids, dtype=np.int64), parse_order(sort)).tolist() == expected
