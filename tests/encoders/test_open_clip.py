import copy
import hashlib
import json
import os
import shutil
import socket
import sys
import types
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmsearch.config import Limits
from mmsearch.encoders.open_clip import WEIGHTS_FILE, OpenClipEncoder
from mmsearch.encoders.open_clip_config import CONFIG_FILE, read_config
from mmsearch.errors import DependencyMissing, ModelError, ModelNotFound, WeightsDamaged
from mmsearch.media.image import read_image
from mmsearch.registry import make_encoder
from mmsearch.testing import encoder_contract
from mmsearch.types import ImageInput

open_clip = pytest.importorskip("open_clip")
torch = pytest.importorskip("torch")

TINY = {
    "model_cfg": {
        "embed_dim": 32,
        "vision_cfg": {"image_size": 64, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16},
        "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
    },
    "preprocess_cfg": {
        "mean": [0.4, 0.5, 0.6],
        "std": [0.2, 0.25, 0.3],
        "interpolation": "bicubic",
        "resize_mode": "shortest",
    },
}
HF = {"hf_tokenizer_name": "someone/tokenizer"}


def config(model=None, vision=None, text=None, preprocess=None):
    """The tiny config with some values changed."""
    changed = copy.deepcopy(TINY)
    changed["model_cfg"] |= model or {}
    changed["model_cfg"]["vision_cfg"] |= vision or {}
    changed["model_cfg"]["text_cfg"] |= text or {}
    changed["preprocess_cfg"] |= preprocess or {}
    return changed


def write_config(folder, document):
    folder.mkdir(exist_ok=True)
    (folder / CONFIG_FILE).write_text(json.dumps(document), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A model folder with random weights."""
    from safetensors.torch import save_file

    folder = write_config(tmp_path_factory.mktemp("models") / "tiny", TINY)
    torch.manual_seed(0)
    model = open_clip.CLIP(**copy.deepcopy(TINY["model_cfg"]))
    save_file(model.state_dict(), folder / WEIGHTS_FILE)
    return folder


@pytest.fixture(scope="module")
def encoder(tiny):
    made = OpenClipEncoder(tiny)
    made.load()
    return made


@pytest.fixture(scope="module")
def reference(tiny):
    """Open_clip's own model, preprocessing and tokenizer for the same folder."""
    name = f"local-dir:{tiny}"
    model, _, preprocess = open_clip.create_model_and_transforms(name)
    return model.eval(), preprocess, open_clip.get_tokenizer(name)


@pytest.fixture
def copied(tiny, tmp_path):
    """The model folder, to be changed by the test."""
    return Path(shutil.copytree(tiny, tmp_path / "copy"))


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def photo(width, height):
    """A smooth, lopsided picture: every way of fitting it gives other pixels."""
    x, y = np.meshgrid(np.linspace(0, 3, width), np.linspace(0, 2, height))
    channels = np.stack([np.sin(2 * x + y), np.cos(x - 3 * y), np.sin(x * y)], axis=2)
    return Image.fromarray(((channels + 1) * 127.5).astype(np.uint8), "RGB")


def decode(image, target):
    file = BytesIO()
    image.save(file, "PNG")
    return read_image(file.getvalue(), Limits().for_machine(1), target).pixels


def cosines(one, other):
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return (one * other).sum(axis=1) / lengths


@pytest.mark.parametrize("check", encoder_contract.CHECKS, ids=lambda check: check.__name__)
def test_contract(encoder, tiny, check):
    instances = iter((encoder, OpenClipEncoder(tiny)))
    check(lambda: next(instances))


def test_texts_equal_those_of_open_clip(encoder, reference):
    model, _, tokenizer = reference
    texts = ["a dog", "", "Ünïcode &amp; html", "many words " * 40, "supercalifragilistic" * 30]
    with torch.inference_mode():
        expected = model.encode_text(tokenizer(texts)).numpy()
    np.testing.assert_allclose(encoder.encode_texts(texts, "query"), expected, atol=1e-5)


def test_images_equal_those_of_open_clip(encoder, reference):
    model, preprocess, _ = reference
    images = [
        photo(64, 64),
        Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8), "RGB"),
    ]
    with torch.inference_mode():
        expected = model.encode_image(torch.stack([preprocess(image) for image in images])).numpy()
    pixels = np.stack([np.asarray(image) for image in images])
    np.testing.assert_allclose(encoder.encode_images(pixels, "document"), expected, atol=1e-5)


@pytest.mark.parametrize("size", [(200, 300), (640, 480), (50, 40)])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("resize_mode", ["shortest", "squash"])
def test_decoded_pictures_are_what_the_model_was_trained_on(
    tiny, tmp_path, reference, size, interpolation, resize_mode
):
    model, _, _ = reference
    changes = {"interpolation": interpolation, "resize_mode": resize_mode}
    folder = write_config(tmp_path, config(preprocess=changes))
    os.link(tiny / WEIGHTS_FILE, folder / WEIGHTS_FILE)
    encoder = OpenClipEncoder(folder)
    preprocess = open_clip.image_transform(64, is_train=False, **TINY["preprocess_cfg"] | changes)
    wanted = preprocess(photo(*size))[None]
    pixels = decode(photo(*size), encoder.spec.image_input)[None]
    assert np.abs(encoder._normalise(pixels) - wanted.numpy()).mean() < 0.05
    with torch.inference_mode():
        expected = model.encode_image(wanted).numpy()
        ours = model.encode_image(torch.from_numpy(encoder._normalise(pixels))).numpy()
    assert cosines(ours, expected)[0] > 0.9999


def test_more_than_one_batch_keeps_the_order(encoder):
    texts = [f"number {number}" for number in range(70)]
    together = encoder.encode_texts(texts, "document")
    np.testing.assert_allclose(together[65], encoder.encode_texts([texts[65]], "document")[0], atol=1e-5)
    pixels = np.random.default_rng(2).integers(0, 256, (70, 64, 64, 3), np.uint8)
    together = encoder.encode_images(pixels, "document")
    np.testing.assert_allclose(together[65], encoder.encode_images(pixels[65:66], "document")[0], atol=1e-5)


def test_roles_do_not_count(encoder):
    np.testing.assert_array_equal(encoder.encode_texts(["a dog"], "query"), encoder.encode_texts(["a dog"], "document"))


def test_lone_surrogates_read_as_question_marks(encoder):
    one, other = encoder.encode_texts(["a \udcff dog", "a ? dog"], "query")
    np.testing.assert_array_equal(one, other)


def test_the_spec_comes_from_the_config(tiny):
    spec = OpenClipEncoder(tiny).spec
    assert spec.space.dim == 32
    assert spec.modalities == {"text", "image"}
    assert spec.image_input == ImageInput(64, 64, fit="crop", resample="bicubic")
    assert spec.space.model == f"open_clip:{tiny}"
    assert spec.levels == {}


def test_the_spec_loads_nothing(tiny, monkeypatch):
    monkeypatch.setattr(open_clip, "create_model", None)
    assert OpenClipEncoder(tiny).spec.space.dim == 32


def test_weights_are_read_once(tiny, monkeypatch):
    calls = []
    real = open_clip.create_model
    monkeypatch.setattr(open_clip, "create_model", lambda *args, **named: calls.append(args) or real(*args, **named))
    encoder = OpenClipEncoder(tiny)
    assert calls == []
    encoder.load()
    encoder.load()
    encoder.encode_texts(["a dog"], "query")
    assert len(calls) == 1


def test_loading_takes_one_thread(tiny):
    torch.set_num_threads(2)
    OpenClipEncoder(tiny).load()
    assert torch.get_num_threads() == 1


def test_the_revision_is_made_of_the_digests(tiny):
    digests = [
        f"{name}:{hashlib.sha256((tiny / name).read_bytes()).hexdigest()}\n" for name in (CONFIG_FILE, WEIGHTS_FILE)
    ]
    assert OpenClipEncoder(tiny).spec.space.revision == hashlib.sha256("".join(digests).encode()).hexdigest()


def test_a_moved_folder_stays_the_same_space(tiny, copied):
    assert OpenClipEncoder(copied).spec.space.space_id == OpenClipEncoder(tiny).spec.space.space_id


@pytest.mark.parametrize("name", [CONFIG_FILE, WEIGHTS_FILE, "tokenizer_config.json"])
def test_any_other_file_content_is_another_space(tiny, copied, name):
    with open(copied / name, "ab") as file:
        file.write(b" ")
    assert OpenClipEncoder(copied).spec.space.space_id != OpenClipEncoder(tiny).spec.space.space_id


def test_other_preprocessing_is_another_space(tiny, copied):
    write_config(copied, config(preprocess={"resize_mode": "squash"}))
    assert OpenClipEncoder(copied).spec.space.preprocessing != OpenClipEncoder(tiny).spec.space.preprocessing


@pytest.mark.parametrize("use", [lambda encoder: encoder.spec, lambda encoder: encoder.load()], ids=["spec", "load"])
def test_weights_that_change_under_way_are_refused(copied, use):
    encoder = OpenClipEncoder(copied)
    os.utime(copied / WEIGHTS_FILE, ns=(1, 1))
    with pytest.raises(WeightsDamaged, match="changed while they were in use"):
        use(encoder)


def test_the_registry_takes_the_folder(tiny):
    assert make_encoder(f"open_clip:{tiny}").spec == OpenClipEncoder(tiny).spec


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(ModelNotFound, match=r"There is no folder .*missing"):
        OpenClipEncoder(tmp_path / "missing")


@pytest.mark.parametrize("name", ["open_clip_pytorch_model.bin", "model.pt", "model.pth"])
def test_pickles_are_refused_with_a_way_out(tmp_path, name):
    write_config(tmp_path, TINY)
    (tmp_path / name).write_bytes(b"cos\nsystem\n(S'echo'\ntR.")
    with pytest.raises(WeightsDamaged, match=f"{name}, a pickle") as caught:
        OpenClipEncoder(tmp_path)
    assert "safetensors.torch.save_file" in caught.value.remedy


def test_a_pickle_beside_the_weights_is_not_touched(copied, encoder):
    (copied / "open_clip_pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'echo'\ntR.")
    vectors = OpenClipEncoder(copied).encode_texts(["a dog"], "query")
    np.testing.assert_array_equal(vectors, encoder.encode_texts(["a dog"], "query"))


def test_no_weights_at_all(tmp_path):
    with pytest.raises(WeightsDamaged, match=f"holds no {WEIGHTS_FILE}"):
        OpenClipEncoder(write_config(tmp_path, TINY))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[: len(data) // 2],
        lambda data: b"",
        lambda data: b"\xff" * len(data),
        lambda data: data[:8].replace(data[:8], (1 << 62).to_bytes(8, "little")) + data[8:],
    ],
    ids=["cut", "empty", "noise", "header"],
)
def test_damaged_weights_are_named(copied, spoil):
    (copied / WEIGHTS_FILE).write_bytes(spoil((copied / WEIGHTS_FILE).read_bytes()))
    with pytest.raises(WeightsDamaged, match=WEIGHTS_FILE):
        OpenClipEncoder(copied).load()


def test_weights_of_another_architecture_are_named(copied):
    write_config(copied, config(vision={"layers": 1}))
    with pytest.raises(WeightsDamaged, match="cannot be loaded into the architecture"):
        OpenClipEncoder(copied).load()


def test_a_config_that_would_allocate_far_more_than_the_weights_hold(copied):
    write_config(copied, config(vision={"width": 16384, "layers": 1000}))
    with pytest.raises(WeightsDamaged, match="far larger"):
        OpenClipEncoder(copied).load()


@pytest.mark.parametrize("vision", [{"wings": 2}, {"patch_size": 0}, {"patch_size": "wide"}, {"head_width": None}])
def test_an_architecture_that_open_clip_cannot_build(copied, vision):
    write_config(copied, config(vision=vision))
    with pytest.raises(ModelError, match="cannot build the architecture"):
        OpenClipEncoder(copied).load()


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (None, "Cannot read"),
        (b"{", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "no section 'model_cfg'"),
        (b'{"model_cfg": {"embed_dim": 8}}', "no section 'vision_cfg'"),
        (b" " * (1 << 20) + b"{}", "larger than"),
    ],
)
def test_a_config_that_cannot_be_read(tmp_path, content, match):
    if content is not None:
        (tmp_path / CONFIG_FILE).write_bytes(content)
    with pytest.raises(WeightsDamaged, match=match):
        read_config(tmp_path)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"model": {"embed_dim": 0}}, "embed_dim"),
        ({"model": {"embed_dim": "512"}}, "embed_dim"),
        ({"model": {"embed_dim": 1 << 40}}, "above"),
        ({"model": {"extra": {"deep": [1e30]}}}, "above"),
        ({"vision": {"image_size": 100_000}}, "image_size"),
        ({"vision": {"image_size": [64, -1]}}, "image_size"),
        ({"vision": {"image_size": [1, 2, 3]}}, "image_size"),
        ({"vision": {"layers": "many"}}, "layers"),
        ({"vision": {"timm_model_name": "hf-hub:someone/model"}}, "model hub"),
        ({"text": {"hf_model_name": "someone/model"}}, "model hub"),
        ({"text": {"context_length": 1 << 19}}, "context_length"),
        ({"text": {"vocab_size": 100}}, "vocab_size"),
        ({"text": {"tokenizer_kwargs": {"reduction_mask": "syntax"}}}, "reduction_mask"),
        ({"text": {"tokenizer_kwargs": {"bpe_path": "/etc/passwd"}}}, "bpe_path"),
        ({"text": {"tokenizer_kwargs": {"clean": "scrub"}}}, "scrub"),
        ({"text": {"tokenizer_kwargs": {"strip_sep_token": True}}}, "strip_sep_token"),
        ({"text": {"tokenizer_kwargs": [1]}}, "tokenizer_kwargs"),
        ({"preprocess": {"resize_mode": "fold"}}, "fold"),
        ({"preprocess": {"resize_mode": "longest"}}, "padded with another colour"),
        ({"preprocess": {"mean": [0.5, 0.5]}}, "mean"),
        ({"preprocess": {"mean": "grey"}}, "mean"),
        ({"preprocess": {"std": [0.5, 0, 0.5]}}, "std"),
        ({"preprocess": {"std": [0.5, float("nan"), 0.5]}}, "std"),
    ],
)
def test_a_config_that_is_refused(tmp_path, changes, match):
    with pytest.raises(ModelError, match=match):
        read_config(write_config(tmp_path, config(**changes)))


@pytest.mark.parametrize(
    ("preprocess", "image_input"),
    [
        ({}, ImageInput(64, 64, "crop", "bicubic")),
        ({"resize_mode": "squash", "interpolation": "bilinear"}, ImageInput(64, 64, "squash", "bilinear")),
        ({"resize_mode": "longest", "fill_color": 255}, ImageInput(64, 64, "pad", "bicubic")),
        (
            {"resize_mode": None, "interpolation": "random", "size": 999},
            ImageInput(64, 64, "crop", "bicubic"),
        ),
    ],
)
def test_terms_of_preprocessing(tmp_path, preprocess, image_input):
    assert read_config(write_config(tmp_path, config(preprocess=preprocess))).image_input == image_input


def test_what_a_config_may_leave_out(tmp_path):
    found = read_config(
        write_config(
            tmp_path,
            {
                "model_cfg": {"embed_dim": 512, "vision_cfg": {"image_size": [32, 48]}, "text_cfg": {}},
                "preprocess_cfg": {"mean": 0.5},
            },
        )
    )
    assert (found.image_input.height_px, found.image_input.width_px) == (32, 48)
    assert found.mean == (0.5, 0.5, 0.5)
    assert found.std == open_clip.OPENAI_DATASET_STD
    assert found.context_length == 77


def test_every_architecture_that_needs_no_hub_is_accepted(tmp_path):
    names = open_clip.list_models()
    refused = []
    for name in names:
        model = open_clip.get_model_config(name)
        write_config(tmp_path, {"model_cfg": model})
        try:
            assert read_config(tmp_path).dim == model["embed_dim"]
        except ModelError:
            refused.append(name)
    assert {bool(open_clip.get_model_config(name)["text_cfg"].get("hf_model_name")) for name in refused} == {True}
    assert len(refused) < len(names) / 10


def test_a_hugging_face_tokenizer_without_its_files(copied):
    write_config(copied, config(text=HF))
    with pytest.raises(WeightsDamaged, match="someone/tokenizer") as caught:
        OpenClipEncoder(copied)
    assert caught.value.remedy.startswith("Copy tokenizer.json")


def test_a_hugging_face_tokenizer_without_transformers(copied, monkeypatch):
    write_config(copied, config(text=HF))
    (copied / "tokenizer.json").write_text("{}")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(DependencyMissing, match="transformers") as caught:
        OpenClipEncoder(copied).load()
    assert caught.value.remedy == "Install it with: pip install transformers."


def test_a_hugging_face_tokenizer_is_read_from_the_folder_only(copied, monkeypatch):
    """With a stand-in for transformers: what it is asked for, and what becomes of its answer."""
    asked = {}

    class Tokenizer:
        @classmethod
        def from_pretrained(cls, source, **options):
            asked.update(options, source=source)
            return cls()

        def __call__(self, texts, **options):
            asked.update(options, texts=texts)
            return types.SimpleNamespace(input_ids=torch.full((len(texts), options["max_length"]), 7))

    monkeypatch.setitem(sys.modules, "transformers", types.SimpleNamespace(AutoTokenizer=Tokenizer))
    write_config(copied, config(text=HF))
    (copied / "tokenizer.json").write_text("{}")
    vectors = OpenClipEncoder(copied).encode_texts(["a dog", "word " * 1000], "query")
    assert asked["source"] == copied
    assert asked["local_files_only"] is True
    assert (asked["max_length"], asked["truncation"]) == (16, True)
    np.testing.assert_array_equal(vectors[0], vectors[1])


@pytest.mark.parametrize("error", [OSError, ValueError, KeyError])
def test_a_damaged_hugging_face_tokenizer(copied, monkeypatch, error):
    class Tokenizer:
        @classmethod
        def from_pretrained(cls, source, **_):
            raise error(f"no tokenizer in {source}")

    monkeypatch.setitem(sys.modules, "transformers", types.SimpleNamespace(AutoTokenizer=Tokenizer))
    write_config(copied, config(text=HF))
    (copied / "tokenizer.json").write_text("{}")
    with pytest.raises(WeightsDamaged, match="no tokenizer in"):
        OpenClipEncoder(copied).load()


def test_this_is_the_open_clip_that_was_read():
    # The loading code relies on the `local-dir:` schema and on safetensors going first there.
    assert int(version("open_clip_torch").split(".")[0]) >= 3
