import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmsearch.normalise import unit_rows

MATRICES = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=8),
    elements=st.floats(width=32, allow_nan=False, allow_infinity=False),
)


def test_known_rows():
    np.testing.assert_allclose(unit_rows([[3, 4], [0, -2]]), [[0.6, 0.8], [0, -1]], rtol=1e-6)


@settings(derandomize=True, deadline=None)
@given(MATRICES)
def test_every_row_gets_length_one_or_stays_zero(matrix):
    rows = unit_rows(matrix)
    assert rows.shape == matrix.shape
    assert rows.dtype == np.float32
    assert rows.flags.c_contiguous
    lengths = np.sqrt((rows.astype(np.float64) ** 2).sum(axis=1))
    np.testing.assert_allclose(lengths, matrix.any(axis=1).astype(float), atol=1e-6)


@settings(derandomize=True, deadline=None)
@given(MATRICES)
def test_direction_is_kept(matrix):
    rows, exact = unit_rows(matrix).astype(np.float64), matrix.astype(np.float64)
    lengths = np.sqrt((exact**2).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(rows * lengths, exact, atol=lengths.max(initial=0) * 1e-6)


@pytest.mark.parametrize("size", [3e38, 1e-38, 1e-45])
def test_extreme_lengths_neither_overflow_nor_vanish(size):
    row = np.array([[size, size]], dtype=np.float32)
    np.testing.assert_allclose(unit_rows(row), [[0.70710677, 0.70710677]], rtol=1e-6)


def test_input_is_left_alone_and_not_shared():
    matrix = np.array([[1.0, 0.0]], dtype=np.float32)
    matrix.flags.writeable = False
    rows = unit_rows(matrix)
    rows[0, 0] = 7
    assert matrix[0, 0] == 1


def test_strided_and_half_precision_input():
    matrix = np.arange(12, dtype=np.float16).reshape(3, 4)[:, ::2]
    assert not matrix.flags.c_contiguous
    rows = unit_rows(matrix)
    assert rows.flags.c_contiguous
    np.testing.assert_allclose(rows[1], np.array([4, 6]) / np.sqrt(52), rtol=1e-6)


def test_no_rows():
    assert unit_rows(np.zeros((0, 5))).shape == (0, 5)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_not_finite_in_float32_is_refused(bad):
    with pytest.raises(ValueError, match="NaN or infinity"):
        unit_rows(np.array([[1.0, bad]]))


@pytest.mark.parametrize("shape", [(), (3,), (1, 2, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"shape \(n, d\)"):
        unit_rows(np.ones(shape))
