"""The re-ranker that comes with the built-in model: what is shipped is what was made, and it does something."""

import hashlib
import json

import numpy as np
import pytest

from mmsearch.encoders.builtin.encoder import BuiltinEncoder
from mmsearch.errors import WeightsDamaged
from mmsearch.normalise import unit_rows
from mmsearch.rerank_types import Asked, Document
from mmsearch.rerankers import builtin
from mmsearch.rerankers.builtin import FILE, SHA256, BuiltinReranker
from mmsearch.rerankers.by_kind import ByKind
from mmsearch.rerankers.maxsim import MaxSimReranker
from mmsearch.testing import reranker_contract
from mmsearch.testing.drawings import draw_samples


@pytest.fixture(scope="module")
def encoder():
    return BuiltinEncoder()


def test_the_card_is_of_these_weights_and_of_the_tokens_that_the_model_gives_now(encoder):
    """Weights that were trained on other tokens would be worse than none: train them again."""
    card = json.loads((FILE.parent / "builtin.json").read_text(encoding="utf-8"))
    assert card["sha256"] == SHA256 == hashlib.sha256(FILE.read_bytes()).hexdigest()
    assert card["tokens"] == encoder.spec.tokens
    assert set(BuiltinReranker().weights) == {"image", "audio"}


@pytest.mark.parametrize("check", reranker_contract.CHECKS, ids=lambda check: check.__name__)
def test_contract(check):
    check(BuiltinReranker, dim=384)


@pytest.mark.parametrize("content", [None, b"", b"other"])
def test_a_file_that_is_not_the_pinned_one_is_refused(content, tmp_path, monkeypatch):
    path = tmp_path / "builtin.safetensors"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr(builtin, "FILE", path)
    with pytest.raises(WeightsDamaged, match="built-in re-ranker"):
        BuiltinReranker()


def asked_and_documents(encoder, text, tmp_path):
    from mmsearch.config import Limits
    from mmsearch.media.sources import image_from

    paths = sorted(draw_samples(tmp_path))
    pictures = [path for path in paths if path.suffix in {".png", ".jpg"}]
    limits = Limits().for_machine(1)
    pixels = np.stack([image_from(path.read_bytes(), limits, encoder.spec.image_input) for path in pictures])
    embedded = encoder.embed_images(pixels, tokens=True)
    vectors, query = unit_rows(embedded.vectors), unit_rows(encoder.encode_texts([text], "query"))[0]
    rows = zip(vectors, embedded.tokens, strict=True)
    documents = [Document(n, "image", float(v @ query), v, tokens) for n, (v, tokens) in enumerate(rows)]
    return pictures, Asked(text, query, encoder.query_words(text)), documents


def test_it_ranks_the_thing_that_is_asked_for_first(encoder, tmp_path):
    pictures, asked, documents = asked_and_documents(encoder, "a sailing boat", tmp_path)
    scores = BuiltinReranker().score(asked, documents)
    assert pictures[int(scores.argmax())].stem == "sailing-boat"


def test_each_kind_has_its_own_judge(encoder, tmp_path):
    _, asked, documents = asked_and_documents(encoder, "a clock", tmp_path)
    first, other = BuiltinReranker(), MaxSimReranker()
    first.weights = {"audio": 0.25, "text": 3.0}
    both = ByKind({"image": other, "audio": first, "text": other})
    assert both.weights == {"image": other.weights["image"], "audio": 0.25, "text": other.weights["text"]}
    assert both.name == "maxsim, builtin"
    as_sound = [Document(each.id, "audio", each.cosine, each.vector, each.tokens) for each in documents]
    mixed = [documents[0], as_sound[1], documents[2]]
    expected = [
        other.score(asked, documents[:1])[0],
        first.score(asked, as_sound[1:2])[0],
        other.score(asked, documents[2:3])[0],
    ]
    np.testing.assert_allclose(both.score(asked, mixed), expected, rtol=1e-5)
    np.testing.assert_array_equal(both.relevance(asked, documents[0]), other.relevance(asked, documents[0]))
    np.testing.assert_array_equal(both.relevance(asked, as_sound[1]), first.relevance(asked, as_sound[1]))
