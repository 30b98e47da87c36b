import sys
from enum import Enum
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from mmsearch.encoders.hashing import HashingEncoder
from mmsearch.errors import DependencyMissing, ModalityUnsupported
from mmsearch.evaluation.adapters import MtebEncoder, for_clip_benchmark
from mmsearch.normalise import unit_rows
from mmsearch.testing import noises

torch = pytest.importorskip("torch")


class PromptType(Enum):
    query = "query"
    document = "document"


@pytest.fixture
def encoder():
    return HashingEncoder()


@pytest.fixture
def pictures():
    return [Image.new("RGB", (80, 60), colour) for colour in ("red", "green", "blue")]


def cosines(one, other):
    return (unit_rows(one) * unit_rows(other)).sum(axis=1)


def test_clip_benchmark_embeds_as_the_encoder_does(encoder, pictures):
    model, transform, tokenizer = for_clip_benchmark(encoder)
    texts = ["a red dog", "größer", "x" * 300]
    images = torch.stack([transform(picture) for picture in pictures])  # as its collate function does
    target = encoder.spec.image_input
    assert images.shape == (3, target.height_px, target.width_px, 3)
    found = model.eval().to("cpu").encode_image(images.to("cpu"))
    assert cosines(found.numpy(), encoder.encode_images(images.numpy(), "document")) == pytest.approx([1, 1, 1])
    found = model.encode_text(tokenizer(texts).to("cpu"))
    assert cosines(found.numpy(), encoder.encode_texts(texts, "query")) == pytest.approx([1, 1, 1])
    assert torch.nn.functional.normalize(found, dim=-1).shape == (3, encoder.spec.space.dim)
    assert model.encode_text(tokenizer("one")).shape == (1, encoder.spec.space.dim)


def test_mteb_batches_of_each_kind(encoder, pictures):
    model = MtebEncoder(encoder)
    where = {"task_metadata": None, "hf_split": "test", "hf_subset": "default"}
    texts = [{"text": ["a dog", "a cat"]}, {"text": ["a bird"]}]
    found = model.encode(texts, **where, prompt_type=PromptType.query, batch_size=2)
    assert found.dtype == np.float32
    assert cosines(found, encoder.encode_texts(["a dog", "a cat", "a bird"], "query")) == pytest.approx([1, 1, 1])
    images = model.encode([{"image": pictures}], **where, prompt_type=PromptType.document)
    assert images.shape == (3, encoder.spec.space.dim)
    both = model.encode([{"image": pictures, "text": ["a", "b", "c"], "id": [1, 2, 3]}], **where)
    words = unit_rows(encoder.encode_texts(["a", "b", "c"], "document"))
    assert cosines(both, images + words) == pytest.approx([1, 1, 1], abs=1e-5)
    assert model.encode([], **where).shape == (0, encoder.spec.space.dim)


def test_mteb_sounds_are_resampled_and_their_windows_averaged(encoder):
    rate_hz = encoder.spec.audio_input.rate_hz
    wave = noises.siren(1.0).astype(np.float32)
    stereo = {"array": np.stack([wave, wave]), "sampling_rate": rate_hz}
    mono = {"array": wave, "sampling_rate": rate_hz}
    long = {"array": np.tile(wave, 30), "sampling_rate": rate_hz}
    found = MtebEncoder(encoder).encode([{"audio": [mono, stereo]}, {"audio": [long]}])
    assert found.shape == (3, encoder.spec.space.dim)
    assert np.linalg.norm(found, axis=1) == pytest.approx([1, 1, 1])
    assert found[0] @ found[1] == pytest.approx(1, abs=1e-4)


def test_mteb_refuses_what_the_encoder_does_not_take(encoder):
    with pytest.raises(ModalityUnsupported, match="no text, image or audio among video"):
        MtebEncoder(encoder).encode([{"video": [1]}])
    deaf = SimpleNamespace(spec=SimpleNamespace(space=encoder.spec.space, audio_input=None, image_input=None))
    with pytest.raises(ModalityUnsupported, match="takes no sounds"):
        MtebEncoder(deaf).encode([{"audio": [{"array": np.zeros(9), "sampling_rate": 9}]}])
    with pytest.raises(ModalityUnsupported, match="takes no images"):
        for_clip_benchmark(deaf)


def test_mteb_similarities(encoder):
    model = MtebEncoder(encoder)
    a, b = np.array([[2.0, 0], [0, 1]]), torch.tensor([[1.0, 1], [0, 3]])
    half = 2**-0.5
    assert model.similarity(a, b) == pytest.approx(np.array([[half, 0], [half, 1]]))
    assert model.similarity_pairwise(a, b) == pytest.approx([half, 1])


def test_mteb_card(encoder, monkeypatch):
    """Against a stand-in with the fields that mteb 2.26 demands; its class refuses others."""
    card = []
    monkeypatch.setitem(sys.modules, "mteb", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "mteb.models", SimpleNamespace(ModelMeta=lambda **fields: card.append(fields)))
    assert MtebEncoder(encoder).mteb_model_meta is None
    (fields,) = card
    assert fields["name"] == "mmsearch/hashing"
    assert fields["embed_dim"] == encoder.spec.space.dim
    assert fields["modalities"] == sorted(encoder.spec.modalities)
    required = "loader revision release_date languages n_parameters memory_usage_mb max_tokens license open_weights "
    required += "public_training_code public_training_data framework similarity_fn_name use_instructions"
    assert set(required.split()) <= set(fields)


def test_without_the_harness_or_torch_the_remedy_is_told(encoder, monkeypatch):
    monkeypatch.setitem(sys.modules, "mteb.models", None)
    with pytest.raises(DependencyMissing, match="pip install 'mteb>=2'"):
        _ = MtebEncoder(encoder).mteb_model_meta
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(DependencyMissing, match="pip install torch"):
        for_clip_benchmark(encoder)
