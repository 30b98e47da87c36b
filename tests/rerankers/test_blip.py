import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from made_models import CLIP_MEAN, CLIP_STD, WORDS, write_bert_tokenizer, write_blip
from transformers import BlipForImageTextRetrieval

from mmsearch.errors import DependencyMissing, MediaDamaged, ModelError, ModelNotFound, WeightsDamaged
from mmsearch.rerank_types import Asked, Document
from mmsearch.rerankers import model_folder
from mmsearch.rerankers.blip import BlipReranker
from mmsearch.rerankers.blip_model import MAX_TOKENS, BlipMatcher
from mmsearch.rerankers.blip_settings import read_settings
from mmsearch.testing import reranker_contract
from mmsearch.types import ImageInput

DOG = Asked("a dog runs on the beach")
ENC = len(WORDS) + 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_blip(tmp_path_factory.mktemp("published") / "blip")


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "pictures"


@pytest.fixture
def reranker(folder, cache):
    return BlipReranker(str(folder), cache=cache)


@pytest.fixture
def seen(monkeypatch):
    """How many pictures went through the vision model, in a list of one number a pass."""
    passes = []
    see = BlipMatcher.see
    monkeypatch.setattr(BlipMatcher, "see", lambda self, pixels: passes.append(1) or see(self, pixels))
    return passes


def pixels(seed):
    return np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8)


def pictures(*seeds):
    return [Document(seed, "image", content_hash=f"{seed:032x}", pixels=partial(pixels, seed)) for seed in seeds]


def scores_of_transformers(folder, text, *seeds):
    """The same by the forward of transformers alone, one pair at a time, with [ENC] put in by hand."""
    model = BlipForImageTextRetrieval.from_pretrained(folder).eval()
    ids = torch.tensor([[ENC, *(WORDS.index(word) for word in text.split()), WORDS.index("[SEP]")]])
    scores = []
    for seed in seeds:
        scaled = (torch.from_numpy(pixels(seed)).float() / 255 - torch.tensor(CLIP_MEAN)) / torch.tensor(CLIP_STD)
        inputs = {"input_ids": ids, "pixel_values": scaled.permute(2, 0, 1)[None]}
        with torch.inference_mode():
            logits = model(**inputs, attention_mask=torch.ones_like(ids))
        scores.append(float(logits.itm_score[0, 1] - logits.itm_score[0, 0]))
    return scores


@pytest.mark.parametrize("check", reranker_contract.CHECKS, ids=lambda check: check.__name__)
def test_the_contract(check, folder, cache):
    check(lambda: BlipReranker(str(folder), cache=cache))


def test_scores_are_those_of_transformers_with_the_token_of_training(folder, reranker):
    seeds = range(11)  # more than one batch
    expected = scores_of_transformers(folder, DOG.text, *seeds)
    assert np.std(expected) > 0.5
    # What is kept of pictures is in half precision.
    assert reranker.score(DOG, pictures(*seeds)) == pytest.approx(expected, abs=0.01)


def test_the_text_begins_with_the_token_for_matching(folder):
    matcher = BlipMatcher(folder, read_settings(folder))
    words = ["[SEP]" if word is None else word for word in ("a", "dog", None)]
    assert matcher.token_ids("a dog").tolist() == [[ENC, *map(WORDS.index, words)]]
    assert matcher.token_ids("").tolist() == [[ENC, WORDS.index("[SEP]")]]
    assert matcher.token_ids("dog " * 10_000).shape == (1, MAX_TOKENS)
    assert matcher.token_ids("\udcff").tolist() == matcher.token_ids("?").tolist()


def test_the_token_for_matching_is_found_by_name(tmp_path):
    named = write_blip(tmp_path / "named", words=[*WORDS, "[ENC]", "[DEC]"])
    matcher = BlipMatcher(named, read_settings(named))
    assert matcher.token_ids("dog")[0, 0] == len(WORDS)


def test_a_model_without_a_token_for_matching_is_refused(tmp_path):
    folder = write_blip(tmp_path / "none", vocabulary=len(WORDS))
    with pytest.raises(ModelError, match=r"no \[ENC\]"):
        BlipReranker(str(folder)).load()


def test_folding_the_cross_attention_changes_nothing(folder):
    matcher = BlipMatcher(folder, read_settings(folder))
    plain = BlipForImageTextRetrieval.from_pretrained(folder).eval()
    text, picture = torch.randn(3, 4, 32), torch.randn(3, 5, 32)
    for ours, theirs in zip(matcher.model.text_encoder.encoder.layer, plain.text_encoder.encoder.layer, strict=True):
        with torch.inference_mode():
            found, looks = ours.crossattention.self(text, encoder_hidden_states=picture)
            expected, expected_looks = theirs.crossattention.self(text, encoder_hidden_states=picture)
        assert torch.allclose(found, expected, atol=1e-5)
        assert torch.allclose(looks, expected_looks, atol=1e-6)
        assert looks.shape == (3, 2, 4, 5)


def test_a_picture_is_looked_at_once(folder, cache, reranker, seen):
    first = reranker.score(DOG, pictures(1, 2, 3))
    assert len(seen) == 3
    assert not np.array_equal(reranker.score(Asked("a red house"), pictures(1, 2, 3)), first)
    assert len(seen) == 3
    again = BlipReranker(str(folder), cache=cache)
    undecodable = [replace(document, pixels=None) for document in pictures(1, 2, 3)]
    assert np.array_equal(again.score(DOG, undecodable), first)  # not even decoded
    assert len(seen) == 3
    again.score(DOG, pictures(3, 4))
    assert len(seen) == 4


def test_another_model_looks_for_itself(folder, cache, reranker, seen, tmp_path):
    reranker.score(DOG, pictures(1))
    other = BlipReranker(str(write_blip(tmp_path / "other", seed=1)), cache=cache)
    assert other.score(DOG, pictures(1)) != reranker.score(DOG, pictures(1))
    assert len(seen) == 2
    preprocessor = tmp_path / "other" / "preprocessor_config.json"
    preprocessor.write_text(preprocessor.read_text().replace("0.48", "0.58"))
    assert BlipReranker(str(tmp_path / "other"), cache=cache).score(DOG, pictures(1)) != other.score(DOG, pictures(1))
    assert len(seen) == 3


def test_a_damaged_file_in_the_cache_means_a_second_look(cache, folder, reranker, seen):
    first = reranker.score(DOG, pictures(1))
    (kept,) = cache.glob("*/*.safetensors")
    kept.write_bytes(kept.read_bytes()[:-1] + b"?")
    assert BlipReranker(str(folder), cache=cache).score(DOG, pictures(1)) == first
    assert len(seen) == 2


def test_pictures_without_a_hash_are_not_kept(cache, reranker, seen):
    nameless = Document(1, "image", pixels=lambda: pixels(1))
    assert reranker.score(DOG, [nameless, nameless]) == pytest.approx(list(reranker.score(DOG, pictures(1))) * 2)
    assert len(list(cache.glob("*/*"))) == 1


def test_pictures_that_cannot_be_read_get_no_score(reranker):
    def damaged():
        raise MediaDamaged("no picture")

    documents = [*pictures(1), Document(2, "image", pixels=damaged), Document(3, "image"), *pictures(4)]
    scores = reranker.score(DOG, documents)
    assert np.isnan(scores).tolist() == [False, True, True, False]
    assert scores[[0, 3]] == pytest.approx(reranker.score(DOG, pictures(1, 4)))
    assert np.isnan(reranker.score(DOG, documents[1:2])).all()
    assert reranker.score(DOG, []).shape == (0,)


def test_several_threads_get_the_same(folder, cache):
    reranker = BlipReranker(str(folder), cache=cache)
    expected = BlipReranker(str(folder), cache=cache / "other").score(DOG, pictures(1, 2))
    with ThreadPoolExecutor(4) as pool:
        for scores in pool.map(lambda _: reranker.score(DOG, pictures(1, 2)), range(8)):
            assert np.array_equal(scores, expected)


def test_what_it_says_of_itself_before_it_is_loaded(folder):
    reranker = BlipReranker(str(folder))
    assert reranker.name == f"blip:{folder}"
    assert (dict(reranker.weights), reranker.needs_tokens) == ({"image": 1.0}, False)
    assert reranker.image_input == ImageInput(32, 32, "squash", "bicubic")
    assert reranker._loaded is None


def test_settings_in_the_form_of_transformers_5(folder, tmp_path, reranker, cache):
    shutil.copytree(folder, tmp_path / "new")
    pictures_settings = json.loads((tmp_path / "new" / "preprocessor_config.json").read_text())
    (tmp_path / "new" / "preprocessor_config.json").unlink()
    (tmp_path / "new" / "processor_config.json").write_text(json.dumps({"image_processor": pictures_settings}))
    moved = BlipReranker(str(tmp_path / "new"), cache=cache)
    assert moved.score(DOG, pictures(1)) == reranker.score(DOG, pictures(1))


@pytest.mark.parametrize(
    "changed",
    [
        {"size": {"height": 64, "width": 64}},
        {"size": {"shortest_edge": 32}},
        {"size": 32},
        {"resample": 99},
        {"image_mean": [0.5]},
        {"image_std": ["a", "b", "c"]},
        {"image_mean": [float("nan"), 0, 0]},
    ],
)
def test_settings_that_cannot_be_used(folder, tmp_path, changed):
    settings = json.loads((folder / "preprocessor_config.json").read_text()) | changed
    shutil.copytree(folder, tmp_path / "odd")
    (tmp_path / "odd" / "preprocessor_config.json").write_text(json.dumps(settings))
    with pytest.raises(WeightsDamaged, match="cannot be used"):
        BlipReranker(str(tmp_path / "odd")).load()


def test_models_of_another_kind_are_refused(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "odd")
    config = tmp_path / "odd" / "config.json"
    config.write_text(config.read_text().replace("BlipForImageTextRetrieval", "BlipForConditionalGeneration"))
    with pytest.raises(ModelError, match="no BLIP model") as caught:
        BlipReranker(str(tmp_path / "odd")).load()
    assert "blip-itm" in caught.value.remedy


def test_weights_that_are_not_all_there_are_refused(folder, tmp_path):
    from safetensors.torch import load_file, save_file

    shutil.copytree(folder, tmp_path / "odd")
    weights = load_file(tmp_path / "odd" / "model.safetensors")
    del weights["itm_head.weight"]
    save_file(weights, tmp_path / "odd" / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsDamaged, match=r"lack itm_head\.weight"):
        BlipReranker(str(tmp_path / "odd")).load()
    (tmp_path / "odd" / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        BlipReranker(str(tmp_path / "odd")).load()
    assert caught.value.remedy


def test_a_pickle_is_not_loaded(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "odd")
    (tmp_path / "odd" / "model.safetensors").rename(tmp_path / "odd" / "pytorch_model.bin")
    with pytest.raises(WeightsDamaged, match="pickle"):
        BlipReranker(str(tmp_path / "odd")).load()


def test_a_tokenizer_that_is_missing(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "odd")
    for name in ("tokenizer.json", "vocab.txt"):
        (tmp_path / "odd" / name).unlink()
    with pytest.raises(ModelError):
        BlipReranker(str(tmp_path / "odd")).load()
    write_bert_tokenizer(tmp_path / "odd")
    BlipReranker(str(tmp_path / "odd")).load()


def test_what_is_missing_is_said_at_once(monkeypatch, tmp_path):
    with pytest.raises(ModelNotFound, match="no folder"):
        BlipReranker(str(tmp_path / "nowhere"))
    monkeypatch.setattr(model_folder, "find_spec", lambda _: None)
    with pytest.raises(DependencyMissing, match="torch"):
        BlipReranker(str(tmp_path))
