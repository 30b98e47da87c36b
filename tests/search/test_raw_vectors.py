"""Vectors that a user gives: numbers, or .npy files, which are read as what strangers may have made."""

import os
from contextlib import suppress
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.errors import QueryError
from mmsearch.search.raw_vectors import MAX_FILE_BYTES, raw_vector

NUMBERS = np.arange(64) / 7


def npy(header, data=bytes(8 * 64), version=1):
    length = len(header).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes((version, 0)) + length + header + data


def saved(array, **options):
    out = BytesIO()
    np.save(out, array, **options)
    return out.getvalue()


def test_numbers_and_files_give_the_same(tmp_path):
    path = tmp_path / "v.npy"
    np.save(path, NUMBERS)
    for given_ in (NUMBERS, NUMBERS.tolist(), NUMBERS[None], tuple(NUMBERS), str(path), path):
        vector = raw_vector(given_, 64)
        assert (vector.shape, vector.dtype) == ((64,), np.float32)
        np.testing.assert_allclose(vector, NUMBERS, rtol=1e-6)


@pytest.mark.parametrize("dtype", [">f8", "<f4", "<f2", ">f2", ">i4", "|i1", "|u1", "<u8"])
@pytest.mark.parametrize("shape", [(64,), (1, 64)])
def test_files_of_any_usual_type(tmp_path, dtype, shape):
    numbers = np.arange(64).astype(dtype)
    for fortran, version in ((False, (1, 0)), (True, (2, 0)), (False, (3, 0))):
        with (tmp_path / "v.npy").open("wb") as file:
            array = numbers.reshape(shape)
            np.lib.format.write_array(file, np.asfortranarray(array) if fortran else array, version)
        assert raw_vector(tmp_path / "v.npy", 64).tolist() == list(range(64))


@pytest.mark.parametrize(
    "numbers",
    [
        None,
        5,
        [],
        [1, 2],
        {},
        b"abc",
        ["1"] * 64,
        [True] * 64,
        [None] * 64,
        [1j] * 64,
        [[1, 2], [3]],
        [10**400] * 64,
        [1e300] * 64,
        [float("nan")] * 64,
        [0.0] * 64,
        np.ones((2, 64)),
        np.ones((64, 1)),
        np.ones((1, 1, 64)),
    ],
    ids=lambda each: str(each)[:12],
)
def test_numbers_that_are_no_vector(numbers):
    with pytest.raises(QueryError):
        raw_vector(numbers, 64)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        npy(b""),
        npy(b"(" * 9_000),
        npy(b"-" * 9_000),
        npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (64,), }", b"short"),
        npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (%s,), }" % (b"9" * 5_000)),
        npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (), }"),
        npy(b"{'descr': '|O', 'fortran_order': False, 'shape': (64,), }"),
        npy(b"{'descr': '|S8', 'fortran_order': False, 'shape': (64,), }"),
        npy(b"{'descr': '<f16', 'fortran_order': False, 'shape': (64,), }", bytes(16 * 64)),
        npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (64,), }", version=4),
        b"\x93NUMPY\x01\x00\xff\xff" + b"x" * 50,
        saved(np.ones((2, 64))),
        saved(np.ones(63)),
        saved(np.zeros(64)),
        saved(np.full(64, np.nan)),
        saved(np.ones(64, bool)),
        saved(np.array([{}] * 64, dtype=object), allow_pickle=True),
    ],
    ids=lambda content: repr(content[10:40]),
)
def test_files_that_hold_no_vector(tmp_path, content):
    (tmp_path / "v.npy").write_bytes(content)
    with pytest.raises(QueryError) as caught:
        raw_vector(tmp_path / "v.npy", 64)
    assert caught.value.remedy


def test_files_that_are_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.npy")
    with (tmp_path / "sparse.npy").open("wb") as file:
        file.write(saved(np.ones(64)))
        file.truncate(1 << 30)
    for name, message in {
        "pipe.npy": "not a file",
        "gone.npy": "cannot be read",
        ".": "not a file",
        "a\0b": "cannot be read",
        "sparse.npy": f"more than {MAX_FILE_BYTES >> 20} MiB",
    }.items():
        with pytest.raises(QueryError, match=message):
            raw_vector(os.path.join(tmp_path, name), 64)


@given(st.binary(max_size=300), st.sampled_from([1, 2, 3]))
def test_any_header_is_read_or_refused(tmp_path_factory, header, version):
    path = tmp_path_factory.getbasetemp() / "fuzz.npy"
    path.write_bytes(npy(header, version=version))
    with suppress(QueryError):
        raw_vector(path, 64)
