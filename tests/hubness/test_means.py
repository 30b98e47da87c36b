import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.hubness import means
from mmsearch.hubness.means import top_means
from mmsearch.normalise import unit_rows


def rows(n, dim=8, seed=0):
    return unit_rows(np.random.default_rng(seed).standard_normal((n, dim)))


def by_hand(vectors, queries, depth, left_out=()):
    """Row by row, as the paper writes it."""
    found = []
    for row, vector in enumerate(vectors):
        kept = [float(vector @ query) for column, query in enumerate(queries) if (row, column) not in left_out]
        found.append(np.mean(sorted(kept, reverse=True)[:depth]) if kept else np.nan)
    found = np.array(found)
    found[np.isnan(found)] = np.nanmean(found) if np.isfinite(found).any() else 0
    return found


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 12), m=st.integers(1, 12), seed=st.integers(0, 9), data=st.data())
def test_as_by_hand(n, m, seed, data):
    vectors, queries = rows(n, seed=seed), rows(m, seed=seed + 100)
    cells = st.tuples(st.integers(0, n - 1), st.integers(0, m - 1))
    left_out = sorted(data.draw(st.sets(cells, max_size=n * m)))
    arrays = tuple(np.array([cell[axis] for cell in left_out], np.int64) for axis in (0, 1))
    for chosen, cells_left_out in ((None, ()), (arrays, left_out)):
        found = top_means(vectors, queries, (1, 3, 40), chosen)
        for depth, each in zip((1, 3, 40), found, strict=True):
            assert each == pytest.approx(by_hand(vectors, queries, depth, cells_left_out), abs=1e-6)


def test_pieces_give_what_the_whole_gives(monkeypatch):
    vectors, queries = rows(23), rows(7, seed=1)
    left_out = (np.array([0, 4, 4, 11, 22]), np.array([1, 0, 6, 3, 2]))
    whole = top_means(vectors, queries, (2, 5), left_out)
    monkeypatch.setattr(means, "_SCORES_AT_ONCE", 30)
    assert top_means(vectors, queries, (2, 5), left_out) == pytest.approx(whole, abs=1e-6)


def test_without_queries_or_items():
    assert top_means(rows(3), rows(0), (4,)).tolist() == [[0, 0, 0]]
    assert top_means(rows(0), rows(3), (4,)).shape == (1, 0)
