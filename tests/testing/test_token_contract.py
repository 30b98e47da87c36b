"""The checks of tokens find what is wrong with an encoder, and let encoders without tokens be."""

from dataclasses import replace

import numpy as np
import pytest

from mmsearch.encoders.hashing import HashingEncoder
from mmsearch.testing import token_contract
from mmsearch.types import QueryWords


class Spoilt(HashingEncoder):
    """Changes what comes out: `change` takes an Embedded with tokens and the number of inputs."""

    change = staticmethod(lambda embedded, count: embedded)

    def embed_texts(self, texts, *, tokens=False):
        embedded = super().embed_texts(texts, tokens=tokens)
        return self.change(embedded, len(texts)) if tokens else embedded


def tokens(change):
    """Change each array of tokens."""
    return lambda embedded, _: replace(embedded, tokens=tuple(map(change, embedded.tokens)))


@pytest.mark.parametrize(
    ("check", "change", "said"),
    [
        ("token_shapes", tokens(lambda each: each[:0]), "no token"),
        ("token_shapes", tokens(lambda each: each[:, :10]), "10 values"),
        ("token_shapes", tokens(lambda each: each * np.float32("nan")), "NaN"),
        ("token_shapes", tokens(lambda each: each.astype(np.float64)), "float32"),
        ("token_shapes", lambda embedded, _: replace(embedded, tokens=embedded.tokens[1:]), "tokens of 4 inputs"),
        ("token_shapes", lambda embedded, _: replace(embedded, tokens=None), "expected a tuple"),
        ("tokens_of_odd_inputs", tokens(lambda each: np.repeat(each, 2, axis=0)), "more than 32"),
        ("tokens_must_be_asked_for", lambda embedded, _: replace(embedded, vectors=embedded.vectors * 1.001), "differ"),
        ("tokens_in_any_batch", lambda embedded, n: tokens(lambda each: each + n)(embedded, n), "alone and in a batch"),
        ("tokens_in_any_batch", lambda embedded, _: replace(embedded, tokens=embedded.tokens[::-1]), r"order|against"),
    ],
)
def test_a_broken_encoder_is_found(monkeypatch, check, change, said):
    monkeypatch.setattr(Spoilt, "change", staticmethod(change))
    with pytest.raises(AssertionError, match=said):
        getattr(token_contract, f"check_{check}")(lambda: Spoilt(64))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (lambda asked: QueryWords(asked.words[::-1], asked.tokens), "not in this order"),
        (lambda asked: QueryWords(tuple(map(str.upper, asked.words)), asked.tokens), "is not in"),
        (lambda asked: QueryWords(asked.words, asked.tokens[1:]), "2 words, 1 tokens"),
    ],
)
def test_words_that_are_not_the_query_s_are_found(monkeypatch, words, said):
    real = HashingEncoder.query_words
    monkeypatch.setattr(HashingEncoder, "query_words", lambda self, text: words(real(self, text)))
    with pytest.raises(AssertionError, match=said):
        token_contract.check_query_words(HashingEncoder)


@pytest.mark.parametrize("grid", [None, (2, 2), (0, 4)])
def test_a_grid_that_is_not_that_of_the_tokens_is_found(grid):
    def make():
        encoder = HashingEncoder(64)
        encoder.spec = replace(encoder.spec, token_grid=grid)
        return encoder

    check = token_contract.check_token_shapes if grid == (2, 2) else token_contract.check_token_spec
    with pytest.raises(AssertionError, match=r"cells|token_grid"):
        check(make)


@pytest.mark.parametrize("check", token_contract.CHECKS, ids=lambda check: check.__name__)
def test_an_encoder_without_tokens_is_let_be(monkeypatch, check):
    def make():
        encoder = HashingEncoder(64)
        encoder.spec = replace(encoder.spec, tokens="", token_grid=None)
        return encoder

    for name in ("embed_texts", "embed_images", "embed_audio", "query_words"):
        monkeypatch.delattr(HashingEncoder, name)
    check(make)
