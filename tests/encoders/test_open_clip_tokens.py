"""What open_clip's towers make of words and cells, held against the towers run by hand."""

import copy
import json
import types

import numpy as np
import pytest

from mmsearch.encoders.open_clip import WEIGHTS_FILE, OpenClipEncoder
from mmsearch.encoders.open_clip_config import CONFIG_FILE, read_config
from mmsearch.encoders.open_clip_words import words_of
from mmsearch.testing import token_contract

open_clip = pytest.importorskip("open_clip")
torch = pytest.importorskip("torch")

VISION = {"image_size": 64, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16}
TEXT = {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2}


def config(*, vision=None, text=None, **model):
    towers = {"embed_dim": 32, "vision_cfg": VISION | (vision or {}), "text_cfg": TEXT | (text or {})}
    return {"model_cfg": towers | model, "preprocess_cfg": {}}


def trunk(name, **vision):
    """A picture tower of timm's."""
    return {"timm_model_name": name, "image_size": 64, **vision}


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """Write a folder with random weights."""
    from safetensors.torch import save_file

    def write(document):
        folder = tmp_path_factory.mktemp("model")
        (folder / CONFIG_FILE).write_text(json.dumps(document), encoding="utf-8")
        torch.manual_seed(0)
        kind = open_clip.CustomTextCLIP if document["model_cfg"].get("custom_text") else open_clip.CLIP
        towers = {key: value for key, value in document["model_cfg"].items() if key != "custom_text"}
        save_file(kind(**copy.deepcopy(towers)).state_dict(), folder / WEIGHTS_FILE)
        return OpenClipEncoder(folder)

    return write


@pytest.fixture(scope="module")
def encoder(build):
    return build(config())


def pictures(encoder, count=3):
    size = encoder.spec.image_input
    return np.random.default_rng(1).integers(0, 256, (count, size.height_px, size.width_px, 3), np.uint8)


def towers(encoder):
    return encoder._load().model


CLIPA = {"pool_type": "avg", "no_ln_pre": True, "final_ln_after_pool": True, "pos_embed_type": "sin_cos_2d"}
MODELS = {
    "averaged": config(
        vision=CLIPA, text={"pool_type": "last", "no_causal_mask": True, "proj_bias": True}, custom_text=True
    ),
    "unprojected text": config(text={"proj_type": "none", "width": 32}, custom_text=True),
    "wide": config(vision={"image_size": [48, 160]}),
}


@pytest.mark.parametrize("check", token_contract.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", MODELS)
def test_contract(build, check, name):
    """That of the tiny CLIP is in test_open_clip.py."""
    made = [build(MODELS[name]) for _ in range(2)]
    check(iter(made).__next__)


def test_cells_are_the_projected_states_of_the_picture_tower(encoder):
    visual, images = towers(encoder).visual, pictures(encoder)
    with torch.inference_mode():
        states = visual.transformer(visual._embeds(torch.from_numpy(encoder._normalise(images))))
        expected = (visual.ln_post(states) @ visual.proj)[:, 1:].numpy()
    assert encoder.spec.token_grid == (4, 4)
    np.testing.assert_allclose(encoder.embed_images(images, tokens=True).tokens, expected, atol=1e-5)


def test_a_fine_grid_is_averaged(build):
    encoder = build(config(vision={"patch_size": 8, "image_size": 112}))
    images, visual = pictures(encoder), towers(encoder).visual
    with torch.inference_mode():
        states = visual.transformer(visual._embeds(torch.from_numpy(encoder._normalise(images))))
        fine = (visual.ln_post(states) @ visual.proj)[:, 1:].numpy().reshape(3, 7, 2, 7, 2, 32)
    assert encoder.spec.token_grid == (7, 7)
    found = np.stack(encoder.embed_images(images, tokens=True).tokens)
    np.testing.assert_allclose(found, fine.mean(axis=(2, 4)).reshape(3, 49, 32), atol=1e-5)


@pytest.mark.parametrize(
    "vision",
    [
        trunk("vit_tiny_patch16_224", timm_pool="avg", timm_proj="linear"),
        trunk("convnext_atto", timm_pool="", timm_proj="linear"),
    ],
    ids=lambda vision: vision["timm_model_name"],
)
def test_cells_of_timm_s_towers_are_what_the_head_makes_of_each(build, monkeypatch, vision):
    """Of a picture tower whose head averages: the head of the mean of all cells is the vector."""
    import timm

    real = timm.create_model
    small = {"img_size": 64} if "vit" in vision["timm_model_name"] else {}
    monkeypatch.setattr(timm, "create_model", lambda name, **options: real(name, **options, **small))
    encoder = build(config(vision=vision, text={}))
    images = pictures(encoder, 2)
    embedded = encoder.embed_images(images, tokens=True)
    np.testing.assert_allclose(embedded.vectors, encoder.encode_images(images, "document"), atol=1e-5)
    tokens = np.stack(embedded.tokens)
    assert tokens.shape == (2, 49, 32)
    assert np.ptp(tokens, axis=1).max() > 1e-4
    if "vit" in vision["timm_model_name"]:  # a linear head; convnext has a norm of its own behind the pooling
        np.testing.assert_allclose(tokens.mean(axis=1), embedded.vectors, atol=1e-5)


@pytest.mark.parametrize(
    "document",
    [
        config(vision={"layers": [1, 1, 1, 1]}),
        config(vision={"attentional_pool": True}),
        config(text={"embed_cls": True}),
        config(multimodal_cfg={"layers": 1}),
        config(vision=trunk("swin_base_patch4_window7_224", timm_pool="", timm_proj="linear")),
        config(vision=trunk("vit_medium_patch16_gap_256", timm_pool="rot_attn", timm_proj="")),
    ],
    ids=["resnet", "attentional pool", "appended sign", "coca", "swin", "rot_attn"],
)
def test_towers_whose_parts_cannot_be_put_into_the_space_give_no_tokens(tmp_path, document):
    (tmp_path / CONFIG_FILE).write_text(json.dumps(document), encoding="utf-8")
    assert read_config(tmp_path).token_grid is None


def test_an_encoder_without_tokens_gives_none(encoder, monkeypatch):
    folder = encoder.folder
    without = OpenClipEncoder(folder)
    object.__setattr__(without._config, "token_grid", None)
    assert (without.spec.tokens, without.spec.token_grid) == ("", None)
    assert without.embed_texts(["a dog"], tokens=True).tokens is None
    assert without.embed_images(pictures(encoder), tokens=True).tokens is None


def test_the_last_piece_of_a_text_is_its_vector(encoder):
    """CLIP's text vector is the state at the sign for the end."""
    from mmsearch.encoders.open_clip_tokens import text_tokens

    loaded = encoder._load()
    ids = loaded.tokenize(["a photo of two dogs", "cat"])
    with torch.inference_mode():
        vectors, pieces = text_tokens(loaded.model, ids)
    np.testing.assert_allclose(
        vectors.numpy(), encoder.encode_texts(["a photo of two dogs", "cat"], "query"), atol=1e-6
    )
    np.testing.assert_allclose(pieces[torch.arange(2), ids.argmax(dim=1)].numpy(), vectors.numpy(), atol=1e-6)


def test_a_word_is_the_mean_of_its_pieces(encoder):
    from mmsearch.encoders.open_clip_tokens import text_tokens

    loaded = encoder._load()
    ids = loaded.tokenize(["unphotogenic dogs"])
    with torch.inference_mode():
        pieces = text_tokens(loaded.model, ids)[1][0].numpy()
    end = ids[0].tolist().index(loaded.tokenize.eot_token_id)
    assert end == 4  # the first word is of several pieces, the second of one
    expected = [pieces[1 : end - 1].mean(axis=0), pieces[end - 1]]
    np.testing.assert_allclose(encoder.query_words("unphotogenic dogs").tokens, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A brown Dog!", ("A", "brown", "Dog")),
        ("the dog's 12 bones in 2024", ("the", "dog's", "12", "bones", "in", "2024")),
        ("a &amp; b", ("a", "b")),
        ("?!", ("?!",)),
        ("", ("",)),
        ("Ünïcode 海辺", ("Ünïcode", "海辺")),
    ],
)
def test_words_are_as_written(encoder, text, words):
    asked = encoder.query_words(text)
    assert asked.words == words
    assert asked.tokens.shape == (len(words), 32)


def test_what_does_not_fit_the_context_has_no_token(encoder):
    assert encoder.query_words("one two three " * 10).words == ("one", "two", "three") * 4 + ("one", "two")
    (cut,) = encoder.query_words("x" * 200).words
    assert 14 < len(cut) < 200


@pytest.mark.parametrize("fast", [True, False])
def test_words_of_hugging_face_tokenizers(fast):
    """Pieces as T5's: a blank belongs to the word behind it; padding is at the end."""
    text = "Two unphotogenic dogs"
    pieces = ["\u2581Two", "\u2581un", "photo", "genic", "\u2581dogs", "</s>", "<pad>"]
    places = [(0, 3), (3, 6), (6, 11), (11, 16), (16, 21), (0, 0), (0, 0)]
    tokenizer = types.SimpleNamespace(
        clean_fn=str,
        tokenizer=type(
            "Pieces",
            (),
            {
                "is_fast": fast,
                "all_special_ids": [5, 6],
                "__call__": lambda self, cleaned, **options: {"offset_mapping": places},
                "convert_ids_to_tokens": lambda self, ids: [pieces[number] for number in ids],
            },
        )(),
    )
    found = words_of(tokenizer, text, list(range(7)))
    if fast:
        assert found == [("Two", (0, 1)), ("unphotogenic", (1, 4)), ("dogs", (4, 5))]
    else:
        assert [word.pieces for word in found] == [(0, 1), (1, 4), (4, 5)]  # put together where no blank is between
        assert [word.text for word in found] == ["Two", "unphotogenic", "dogs"]


def test_words_of_a_real_hugging_face_tokenizer(tmp_path):
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    words = {"[UNK]": 0, "[PAD]": 1, "un": 2, "##photo": 3, "##genic": 4, "dogs": 5, ",": 6}
    made = tokenizers.Tokenizer(tokenizers.models.WordPiece(words, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=made, pad_token="[PAD]", unk_token="[UNK]")
    found = words_of(
        types.SimpleNamespace(clean_fn=str.lower, tokenizer=fast), "Unphotogenic, DOGS", [2, 3, 4, 6, 5, 1, 1]
    )
    assert found == [("Unphotogenic", (0, 3)), ("DOGS", (4, 5))]


def test_other_weights_and_another_grid_are_another_revision(build, encoder):
    other = build(config(vision={"patch_size": 32}))
    assert len({encoder.spec.tokens, other.spec.tokens, ""}) == 3
    assert OpenClipEncoder(encoder.folder).spec.tokens == encoder.spec.tokens
