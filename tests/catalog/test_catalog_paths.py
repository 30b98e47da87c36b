import os

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.catalog.column_types import ClampedInteger, ForeignText
from mmsearch.catalog.paths import PathText, decode_path, encode_path, subtree_ranges
from mmsearch.types import FailedFile, FileStat

names = st.binary(min_size=1, max_size=12).filter(lambda name: b"\0" not in name and b"/" not in name)
paths = st.lists(names, min_size=1, max_size=4).map(lambda parts: os.fsdecode(b"/" + b"/".join(parts)))


def stored(value, column_type):
    """Send a value through a real database, twice as strict as a mock."""
    engine = sa.create_engine("sqlite://")
    table = sa.Table("t", sa.MetaData(), sa.Column("value", column_type))
    with engine.connect() as connection:
        table.create(connection)
        connection.execute(table.insert().values(value=value))
        back = connection.execute(sa.select(table.c.value)).scalar_one()
    engine.dispose()
    return back


@given(paths)
def test_any_path_comes_back_as_it_was(path):
    encode_path(path).encode()  # can be stored
    assert decode_path(encode_path(path)) == path


@given(paths, paths)
def test_different_paths_stay_different(one, other):
    assert (encode_path(one) == encode_path(other)) == (one == other)


@given(paths, paths)
def test_a_subtree_is_the_path_and_what_lies_below(folder, path):
    candidates = [path, folder, folder + path, folder + "x", folder[:-1]]
    ranges = subtree_ranges(folder)
    for candidate in candidates:
        inside = any(low <= encode_path(candidate) < high for low, high in ranges)
        assert inside == (candidate == folder or candidate.startswith(folder + "/"))


def test_the_root_folder_holds_everything():
    assert any(low <= "/a/b.jpg" < high for low, high in subtree_ranges("/"))


def test_odd_paths_survive_the_database():
    for path in ("/photos/plain é 写真.jpg", os.fsdecode(b"/photos/caf\xe9.jpg"), "bytes:/looks/encoded"):
        assert stored(path, PathText) == path
    assert stored(None, PathText) is None


def test_text_with_lone_surrogates_is_made_storable():
    assert stored("a \ud83d cut emoji", ForeignText) == r"a \ud83d cut emoji"
    assert stored("whole \U0001f600", ForeignText) == "whole \U0001f600"


def test_times_beyond_64_bits_are_cut():
    assert stored(2**70, ClampedInteger) == 2**63 - 1
    assert stored(-5, ClampedInteger) == -5


def test_hostile_file_names_and_reasons_reach_the_catalog(catalog):
    path = os.fsdecode(b"/photos/\xff.jpg")
    with catalog.write() as writer:
        writer.put_failed(FailedFile(FileStat(path, 1, 2**66), "media_damaged", f"cannot read {path}"))
    (failure,) = catalog.failures()
    assert failure.path == path
    assert failure.reason == r"cannot read /photos/\udcff.jpg"
    assert [asset.path for asset in catalog.find_assets("/photos")] == [path]


@pytest.mark.parametrize("name", ["\ud800", "/photos/\ud800.jpg"])
def test_names_that_no_file_can_have_are_not_found(catalog, name):
    assert catalog.find_assets(name) == ()
