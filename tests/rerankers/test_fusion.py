"""The fusion re-ranker: torch and numpy agree, an untrained model is the first stage, bad files are refused."""

import json
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from mmsearch.errors import ModelError
from mmsearch.rerank_types import Asked, Document
from mmsearch.rerankers.fusion import KINDS, FusionReranker
from mmsearch.rerankers.fusion_model import Batch, FusionConfig, FusionModel, to_bytes
from mmsearch.types import QueryWords

DIM = 16


def trained(seed: int, *, kinds: tuple[str, ...] = KINDS) -> FusionModel:
    """A model whose parameters are all something."""
    torch.manual_seed(seed)
    model = FusionModel(FusionConfig(DIM, rank=4)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
        for place, kind in enumerate(KINDS):
            if kind not in kinds:
                model.gate[place] = 0
    return model


def question(random: np.random.Generator, words: int) -> Asked:
    tokens = random.normal(size=(words, DIM)).astype(np.float32)
    vector = tokens.mean(axis=0)
    return Asked("x", vector / np.linalg.norm(vector), QueryWords(("x",) * words, tokens))


def documents(random: np.random.Generator, asked: Asked, counts: list[int]) -> list[Document]:
    found = []
    for number, count in enumerate(counts):
        tokens = random.normal(size=(count, DIM)).astype(np.float32)
        vector = tokens.mean(axis=0) / np.linalg.norm(tokens.mean(axis=0))
        cosine = float(vector @ asked.vector)
        found.append(Document(number, KINDS[number % len(KINDS)], cosine, vector, tokens))
    return found


def as_batch(asked: Asked, some: list[Document]) -> Batch:
    longest = max(len(document.tokens) for document in some)
    tokens = np.zeros((1, len(some), longest, DIM), dtype=np.float32)
    mask = np.zeros((1, len(some), longest), dtype=bool)
    for place, document in enumerate(some):
        tokens[0, place, : len(document.tokens)] = document.tokens
        mask[0, place, : len(document.tokens)] = True
    words = torch.tensor(asked.words.tokens)[None]
    return Batch(
        query=torch.tensor(asked.vector)[None],
        words=words,
        word_mask=torch.ones(words.shape[:2], dtype=torch.bool),
        vectors=torch.tensor(np.stack([document.vector for document in some]))[None],
        tokens=torch.tensor(tokens),
        token_mask=torch.tensor(mask),
        kind=torch.tensor([[KINDS.index(document.modality) for document in some]]),
    )


def reranker(model: FusionModel, **weights: float) -> FusionReranker:
    return FusionReranker.from_bytes(to_bytes(model, weights or {"image": 1.0}), name="own", dim=DIM)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.lists(st.integers(1, 9), min_size=1, max_size=8))
def test_numpy_and_torch_agree(seed: int, words: int, counts: list[int]) -> None:
    random, model = np.random.default_rng(seed), trained(seed)
    asked = question(random, words)
    some = documents(random, asked, counts)
    with torch.no_grad():
        expected = model(as_batch(asked, some))[0].numpy()
    np.testing.assert_allclose(reranker(model).score(asked, some), expected, rtol=1e-4, atol=1e-4)


def test_an_untrained_model_is_the_first_stage() -> None:
    random = np.random.default_rng(1)
    asked = question(random, 3)
    some = documents(random, asked, [4] * 20)
    scores = reranker(FusionModel(FusionConfig(DIM))).score(asked, some)
    cosines = [document.cosine for document in some]
    assert np.argsort(-scores).tolist() == np.argsort(-np.array(cosines)).tolist()
    np.testing.assert_allclose(scores, 20 * np.array(cosines), rtol=1e-5, atol=1e-5)


def test_padding_words_and_tokens_have_no_say() -> None:
    random, model = np.random.default_rng(2), trained(2)
    asked = question(random, 3)
    batch = as_batch(asked, documents(random, asked, [2, 5]))
    noise = torch.randn_like(batch.tokens)
    padded = batch._replace(
        words=torch.cat([batch.words, torch.randn(1, 2, DIM)], dim=1),
        word_mask=torch.cat([batch.word_mask, torch.zeros(1, 2, dtype=torch.bool)], dim=1),
        tokens=torch.where(batch.token_mask[..., None], batch.tokens, noise),
    )
    with torch.no_grad():
        torch.testing.assert_close(model(padded), model(batch))


def test_what_has_no_tokens_is_not_judged() -> None:
    random = np.random.default_rng(3)
    asked = question(random, 2)
    some = documents(random, asked, [3, 3])
    mixed = [some[0], Document(9, "image", 0.5), some[1]]
    scores = reranker(trained(3)).score(asked, mixed)
    assert np.isnan(scores).tolist() == [False, True, False]
    assert np.isnan(reranker(trained(3)).score(asked, [Document(9, "image")])).all()
    assert np.isnan(reranker(trained(3)).score(Asked("x", asked.vector), some)).all()


def test_the_token_that_is_asked_for_is_relevant() -> None:
    tokens = np.eye(DIM, dtype=np.float32)[:5]
    asked = Asked("a b", tokens[0], QueryWords(("a", "b"), tokens[[3, 1]]))
    document = Document(1, "image", 0.1, tokens[0], tokens)
    found = reranker(FusionModel(FusionConfig(DIM))).relevance(asked, document)
    assert found.shape == (2, 5)
    assert (found >= 0).all()
    assert found.argmax(axis=1).tolist() == [3, 1]


def test_relevance_is_attention_times_its_gradient() -> None:
    random, model = np.random.default_rng(5), trained(5)
    asked = question(random, 3)
    (document,) = documents(random, asked, [6])
    batch = as_batch(asked, [document])
    with torch.no_grad():
        words, tokens = model.project(batch)
        looks = model.attention(words, tokens, batch.token_mask)
    looks.requires_grad_()
    found = torch.einsum("bmwt,bmtd->bmwd", looks, tokens)
    match = torch.einsum("bw,bmw->bm", model.weigh(batch), torch.einsum("bwd,bmwd->bmw", words, found))
    (slope,) = torch.autograd.grad(match.sum(), looks)
    expected = (slope * looks).clamp(min=0)[0, 0].detach().numpy()
    np.testing.assert_allclose(reranker(model).relevance(asked, document), expected, rtol=1e-4, atol=1e-6)


def test_weights_are_kept_and_kinds_without_weight_are_left_out() -> None:
    assert reranker(trained(4), image=0.5, audio=0.0, text=2.0).weights == {"image": 0.5, "text": 2.0}


def damaged() -> dict[str, bytes]:
    whole = to_bytes(trained(6), {"image": 1.0})
    length = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + length])

    def with_about(**changes: object) -> bytes:
        about = json.loads(header["__metadata__"]["mmsearch"]) | changes
        text = json.dumps(header | {"__metadata__": {"mmsearch": json.dumps(about)}}).encode()
        return len(text).to_bytes(8, "little") + text + whole[8 + length :]

    def changed(**tensors: np.ndarray) -> bytes:
        found = {name.replace(".", "_"): value for name, value in load(whole).items()} | tensors
        dotted = {re.sub("^(ask|offer)_", r"\1.", name): value for name, value in found.items()}
        return save(dotted, {"mmsearch": header["__metadata__"]["mmsearch"]})

    broken = trained(6)
    with torch.no_grad():
        broken.gate[0] = float("nan")
    return {
        "empty": b"",
        "short": whole[:-5],
        "noise": bytes(range(256)) * 4,
        "no metadata": whole[:8]
        + whole[8 : 8 + length].replace(b"__metadata__", b"__metadatA__")
        + whole[8 + length :],
        "other format": with_about(format=99),
        "weight below 0": with_about(weights={"image": -1}),
        "weight not a number": with_about(weights={"image": "x"}),
        "huge weight": with_about(weights={"image": 10**400}),
        "weight NaN": with_about(weights={"image": float("nan")}),
        "weights no object": with_about(weights=[1]),
        "no dimensions": changed(ask_up=np.zeros((), dtype=np.float32)),
        "no heads": changed(log_sharpness=np.zeros(0, dtype=np.float32), head_weight=np.zeros(0, dtype=np.float32)),
        "a tensor more": changed(other=np.zeros(3, dtype=np.float32)),
        "not finite": to_bytes(broken, {"image": 1.0}),
        "other dimension": to_bytes(FusionModel(FusionConfig(DIM * 2)), {"image": 1.0}),
        "deep": b"\xff\xff\x0f\x00\x00\x00\x00\x00" + b"[" * 100_000,
    }


@pytest.mark.parametrize("name", damaged())
def test_bad_bytes_are_refused(name: str) -> None:
    with pytest.raises(ModelError, match="own"):
        FusionReranker.from_bytes(damaged()[name], name="own", dim=DIM)


def test_centring_takes_off_what_all_share() -> None:
    random = np.random.default_rng(7)
    shared = np.zeros(DIM, dtype=np.float32)
    shared[0] = 5
    words = torch.tensor(random.normal(size=(200, DIM)).astype(np.float32) + shared)
    tokens = torch.tensor(random.normal(size=(300, DIM)).astype(np.float32) - shared)
    kind = torch.tensor([0] * 150 + [1] * 150)
    model = FusionModel(FusionConfig(DIM))
    model.centre(words, tokens, kind)
    torch.testing.assert_close(model.word_centre.data, torch.nn.functional.normalize(words, dim=-1).mean(dim=0))
    assert model.token_centre[0, 0] < -0.5
    assert model.token_centre[2].abs().sum() == 0


def test_documents_and_queries_without_anything_are_not_judged() -> None:
    random = np.random.default_rng(8)
    asked = question(random, 2)
    some = documents(random, asked, [3, 2])
    empty = Document(9, "image", 0.5, None, np.empty((0, DIM), dtype=np.float32))
    mixed = [some[0], empty, some[1], empty]
    scores = reranker(trained(8)).score(asked, mixed)
    np.testing.assert_allclose(scores[[0, 2]], reranker(trained(8)).score(asked, some), rtol=1e-5)
    assert np.isnan(scores[[1, 3]]).all()
    nothing = Asked("", asked.vector, QueryWords((), np.empty((0, DIM), dtype=np.float32)))
    assert np.isnan(reranker(trained(8)).score(nothing, some)).all()
