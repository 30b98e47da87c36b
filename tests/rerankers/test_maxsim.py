import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.registry import make_reranker
from mmsearch.rerank_types import Asked, Document
from mmsearch.rerankers.maxsim import MaxSimReranker
from mmsearch.testing import reranker_contract
from mmsearch.types import QueryWords


def rows(*values):
    return np.array(values, dtype=np.float32)


def asked(*tokens):
    return Asked("a b", rows(1, 0, 0), QueryWords(tuple("abcdefgh"[: len(tokens)]), rows(*tokens)))


def document(*tokens, vector=None):
    return Document(1, "image", vector=vector, tokens=rows(*tokens))


@pytest.mark.parametrize("check", reranker_contract.CHECKS, ids=lambda check: check.__name__)
def test_the_contract(check):
    check(lambda: make_reranker("maxsim"))


def test_each_word_takes_the_nearest_token():
    query = asked((2, 0, 0), (0, 3, 0))
    near, half, far = document((0, 5, 0), (1, 0, 0)), document((4, 0, 0), (4, 0, 0)), document((0, 0, 1))
    scores = MaxSimReranker().score(query, [near, half, far])
    assert scores == pytest.approx([1, 0.5, 0])


def test_the_vector_is_one_more_token():
    query = asked((1, 0, 0), (0, 1, 0))
    assert MaxSimReranker().score(query, [document((1, 0, 0), vector=rows(0, 1, 0))]) == pytest.approx([1])


def test_without_words_or_tokens_nothing_is_judged():
    query = asked((1, 0, 0))
    nothing = Document(2, "image", vector=rows(1, 0, 0))
    assert np.isnan(MaxSimReranker().score(query, [nothing])).all()
    assert np.isnan(MaxSimReranker().score(Asked("a", rows(1, 0, 0)), [document((1, 0, 0))])).all()


def test_a_word_is_relevant_where_it_is_nearer_than_on_average():
    query = asked((1, 0, 0), (0, 1, 0))
    relevance = MaxSimReranker().relevance(query, document((1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 1, 0)))
    assert relevance == pytest.approx(rows((0.75, 0, 0, 0), (0, 0.5, 0, 0.5)))


values = st.floats(-1, 1, width=32)
tokens = st.lists(st.tuples(values, values, values), min_size=1, max_size=5)


@settings(max_examples=50, deadline=None)
@given(tokens, st.lists(tokens, max_size=6))
def test_it_is_the_mean_of_maxima(words, documents):
    """Held against the formula, a document and a word at a time."""
    found = MaxSimReranker().score(asked(*words), [document(*each) for each in documents])
    expected = [np.mean([max(cosine(word, token) for token in each) for word in words]) for each in documents]
    assert found == pytest.approx(expected, abs=1e-5)


def cosine(one, other):
    one, other = np.array(one, dtype=np.float64), np.array(other, dtype=np.float64)
    lengths = np.linalg.norm(one) * np.linalg.norm(other)
    return float(one @ other / lengths) if lengths else 0.0
