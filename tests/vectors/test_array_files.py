"""Arrays that lie in files come back as they were, and whatever else a file may hold is refused."""

import io
import pickle
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mmsearch.errors import CollectionDamaged
from mmsearch.vectors.array_files import map_array, map_ids, write_array

IDS = np.arange(0, 30, 3)
KEEP_FOLDER = settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "array.npy"


@KEEP_FOLDER
@given(array=arrays.arrays(np.dtype("<f4"), arrays.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=5)))
def test_what_was_written_comes_back_read_only(path, array):
    write_array(path, array)
    mapped = map_array(path, dtype="<f4", shape=array.shape)
    assert np.array_equal(mapped, array, equal_nan=True)
    assert not mapped.flags.writeable
    assert map_array(path, dtype="<f4", shape=(None, array.shape[1])).shape == array.shape


def test_an_array_in_another_order_is_written_row_by_row(path):
    array = np.asfortranarray(np.arange(12, dtype=np.float32).reshape(3, 4))
    write_array(path, array)
    assert np.array_equal(map_array(path, dtype="<f4", shape=(3, 4)), array)


def header(text, *, version=1):
    body = text.encode()
    return b"\x93NUMPY" + bytes((version, 0)) + struct.pack("<H" if version == 1 else "<I", len(body)) + body


def npy(array, **options):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, **options)
    return file.getvalue()


def described(descr="'<i8'", shape="(10,)", order="False", more=""):
    return header(f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}{more}}}\n") + IDS.tobytes()


HOSTILE = {
    "empty": b"",
    "magic alone": b"\x93NUMPY",
    "not an array": b"not an array at all",
    "a pickle": pickle.dumps(IDS),
    "a zip of arrays": b"PK\x03\x04" + bytes(100),
    "pickled objects": npy(np.array([{"a": 1}], dtype=object), allow_pickle=True),
    "other numbers": npy(IDS.astype("<i4")),
    "the other byte order": npy(IDS.astype(">i8")),
    "floats": npy(IDS.astype(np.float64)),
    "two dimensions": npy(IDS.reshape(2, 5)),
    "no dimension": npy(np.int64(3)),
    "records": npy(np.zeros(10, dtype=[("id", "<i8")])),
    "cut": npy(IDS)[:-1],
    "longer": npy(IDS) + b"\0",
    "a header that says it is longer": npy(IDS)[:8] + b"\x77" + npy(IDS)[9:],
    "a later version": header("{}", version=9),
    "a header without end": b"\x93NUMPY\x01\x00\xff\xff{",
    "a header of gigabytes": b"\x93NUMPY\x02\x00" + struct.pack("<I", 0xFFFFFFFF) + b"{" * 1000,
    "a header that is long": described(more=", 'x': '" + "y" * 60_000 + "'"),
    "deep brackets": header("[" * 900 + "]" * 900),
    "deeper brackets": header("(" * 60_000, version=2),
    "a call": described(descr="__import__('os').abort()"),
    "no such type": described(descr="'<q9'"),
    "a type of zero bytes": described(descr="'|V0'"),
    "no numbers": described(shape="('a',)"),
    "more than a file can have": described(shape="(4611686018427387904,)"),
    "more than an int": described(shape=f"({2**70},)"),
    "fewer than none": described(shape="(-1,)"),
    "a product that overflows": described(shape="(4294967296, 4294967296)"),
    "a negative product": described(shape="(-2, -5)"),
    "true for a number": described(shape="(True,)"),
    "another key": described(more=", 'more': 1"),
    "not a dictionary": header("[]"),
    "zero bytes": header("\0" * 100),
    "not text": b"\x93NUMPY\x03\x00" + struct.pack("<I", 4) + b"\xff\xfe\xfd\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_such_array_is_refused(path, name):
    path.write_bytes(HOSTILE[name])
    for read in (map_ids, lambda each: map_array(each, dtype="<i8", shape=(10,))):
        with pytest.raises(CollectionDamaged, match=r"array\.npy"):
            read(path)


def test_what_is_missing_or_a_folder_is_refused(tmp_path):
    for path in (tmp_path / "missing.npy", tmp_path):
        with pytest.raises(CollectionDamaged, match=r"missing|Cannot read"):
            map_ids(path)


@KEEP_FOLDER
@given(data=st.data())
def test_a_file_that_is_changed_anywhere_gives_an_array_or_is_refused(path, data):
    content = bytearray(npy(IDS))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        ids = map_ids(path)
    except CollectionDamaged:
        return
    assert (ids.dtype, ids.ndim) == (np.dtype("<i8"), 1)
    assert (np.diff(ids) > 0).all()


@pytest.mark.parametrize("ids", [[3, 2], [2, 2], [-1, 4], [2**62, -(2**62)]])
def test_ids_are_sorted_and_each_is_there_once(path, ids):
    write_array(path, np.array(ids))
    with pytest.raises(CollectionDamaged, match="not a sorted list of ids"):
        map_ids(path)


@pytest.mark.parametrize("ids", [[], [0], [0, 2**63 - 1]])
def test_ids_that_are_right_are_taken(path, ids):
    write_array(path, np.array(ids, dtype=np.int64))
    assert map_ids(path).tolist() == ids
