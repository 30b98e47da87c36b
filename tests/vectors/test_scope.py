import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.vectors.ann.scope import Scopes, places_of

some_ids = st.sets(st.integers(0, 400), max_size=60).map(lambda ids: np.array(sorted(ids), dtype=np.int64))


@given(some_ids, st.lists(st.integers(-5, 10_000), max_size=300), st.integers(1, 10**9), st.data())
@settings(max_examples=200, deadline=None, derandomize=True)
def test_a_scope_is_what_is_allowed_and_not_gone(ids, allowed, spread, data):
    ids, allowed = ids * spread, np.array(allowed, dtype=np.int64) * spread
    gone = np.array(data.draw(st.lists(st.booleans(), min_size=len(ids), max_size=len(ids))), dtype=bool)
    scope = Scopes(ids, gone).of(allowed)
    expected = np.isin(ids, allowed) & ~gone
    assert scope.places.tolist() == np.flatnonzero(expected).tolist()
    assert scope.count == expected.sum()
    if not scope.all and len(ids):
        assert scope.mask.tolist() == expected.tolist()


def test_all_is_all():
    scope = Scopes(np.arange(5), None).of(None)
    assert (scope.all, scope.count, scope.mask) == (True, 5, None)
    assert scope.places.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("writeable", [True, False])
def test_only_scopes_of_lists_that_cannot_change_are_kept(writeable):
    scopes, allowed = Scopes(np.arange(100), None), np.arange(50)
    allowed.flags.writeable = writeable
    first = scopes.of(allowed)
    assert (scopes.of(allowed) is first) is not writeable
    if writeable:
        allowed[:] = 7
        assert scopes.of(allowed).places.tolist() == [7]


def test_places_of_strangers_are_left_out():
    assert places_of(np.array([2, 4, 9]), np.array([-1, 2, 3, 9, 10])).tolist() == [0, 2]
    assert places_of(np.empty(0, dtype=np.int64), np.array([1])).tolist() == []
