import numpy as np
import pytest

from mmsearch.normalise import unit_rows
from mmsearch.vectors.ranking import IndexDamaged, contenders, rank, rounding_slack


def test_float32_products_in_any_order_stay_within_the_slack():
    random = np.random.default_rng(0)
    for dim in (2, 64, 1024):
        one, other = unit_rows(random.standard_normal((2, dim)) + 1)
        true_product = one.astype(np.float64) @ other.astype(np.float64)
        for _ in range(50):
            order = random.permutation(dim)
            rough = np.cumsum(one[order] * other[order], dtype=np.float32)[-1]
            assert abs(rough - true_product) <= rounding_slack(dim) / 2


def test_contenders_are_the_best_and_all_that_may_tie_with_the_last_of_them():
    scores = np.array([0.1, 0.9, 0.5, 0.5 - 1e-6, 0.4, 0.5 + 1e-6], dtype=np.float32)
    assert contenders(scores, 2, slack=1e-5).tolist() == [1, 2, 3, 5]
    assert contenders(scores, 2, slack=0).tolist() == [1, 5]
    assert contenders(scores, 0, slack=1).tolist() == []
    assert contenders(scores, 9, slack=0).tolist() == [0, 1, 2, 3, 4, 5]


def test_equal_rows_get_equal_scores_wherever_they_lie():
    rows = unit_rows(np.random.default_rng(0).standard_normal((9000, 37)))
    rows[[1, 17, 4095, 4096, 5000, 8999]] = rows[0]
    query = unit_rows(np.random.default_rng(1).standard_normal((1, 37)))[0]
    found = rank(query, np.arange(9000), rows.__getitem__, np.arange(9000), 9000)
    scores = np.empty(9000, dtype=np.float32)
    scores[found.ids] = found.scores
    assert len(set(scores[[0, 1, 17, 4095, 4096, 5000, 8999]].tolist())) == 1


def test_scores_never_leave_the_range_of_a_cosine():
    rows = unit_rows(np.random.default_rng(0).standard_normal((2000, 300)))
    for row in rows[:20]:
        both = np.concatenate([rows[:1000], -rows[:1000]])
        scores = rank(row, np.arange(2000), both.__getitem__, np.arange(2000), 2000).scores
        assert scores[0] == 1
        assert scores[-1] == -1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1.01, -1.01])
def test_scores_that_unit_rows_cannot_have_are_refused(value):
    scores = np.linspace(-1, 1, 50, dtype=np.float32)
    scores[7] = value
    with pytest.raises(IndexDamaged, match="no unit vector"):
        contenders(scores, 3, slack=1e-5)
    rows = np.zeros((50, 2), dtype=np.float32)
    rows[7, 0] = value
    with pytest.raises(IndexDamaged, match=r"verify --repair"):
        rank(np.array([1, 0], dtype=np.float32), np.arange(50), rows.__getitem__, np.arange(50), 3)
