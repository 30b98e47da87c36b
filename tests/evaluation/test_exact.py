import numpy as np
import pytest

from mmsearch.evaluation.exact import index_recall
from mmsearch.normalise import unit_rows
from mmsearch.vectors.flat import FlatIndex


@pytest.fixture
def vectors():
    return unit_rows(np.random.default_rng(0).standard_normal((200, 16)))


def test_the_exact_index_finds_all(vectors):
    index = FlatIndex.of(np.arange(200), vectors)
    found = index_recall(index, index, vectors[:30])
    assert (found.kind, found.vectors, found.k, found.queries) == ("flat", 200, 10, 30)
    assert (found.recall.value, found.recall.low, found.recall.high) == (1, 1, 1)


def test_what_an_index_misses_is_counted(vectors):
    exact = FlatIndex.of(np.arange(200), vectors)
    half = FlatIndex.of(np.arange(0, 200, 2), vectors[::2])
    found = index_recall(half, exact, vectors)
    true = [set(each.ids.tolist()) for each in exact.search(vectors, 10)]
    assert found.recall.value == pytest.approx(np.mean([sum(id % 2 == 0 for id in ids) / 10 for ids in true]))
    assert found.recall.low < found.recall.value < found.recall.high


def test_among_equals_any_will_do(vectors):
    twice = np.repeat(vectors[:20], 2, axis=0)
    exact = FlatIndex.of(np.arange(40), twice)
    renamed = FlatIndex.of(np.arange(40)[::-1].copy(), twice)  # breaks ties the other way round
    assert index_recall(renamed, exact, vectors[:5], k=5).recall.value == 1


def test_fewer_vectors_than_k_and_none(vectors):
    few = FlatIndex.of(np.arange(3), vectors[:3])
    assert index_recall(few, few, vectors[:2]).recall.value == 1
    assert index_recall(few, few, vectors[:0]) is None
    empty = FlatIndex(16)
    assert index_recall(empty, empty, vectors[:2]) is None
