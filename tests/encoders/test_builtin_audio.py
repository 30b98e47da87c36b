"""The sound half against plain implementations: the spectrogram, Whisper's encoder, the statistics and the head."""

import math

import numpy as np
import pytest
import torch
from faster_whisper.feature_extractor import FeatureExtractor
from safetensors.numpy import load_file
from torch.nn import functional

from mmsearch.encoders.builtin.audio import STATISTICS, AudioModel, WhisperEncoder
from mmsearch.encoders.builtin.encoder import BuiltinEncoder
from mmsearch.encoders.builtin.image_head import FEATURE_DIM
from mmsearch.encoders.builtin.mel import log_mel
from mmsearch.encoders.builtin.weights import AUDIO_HEAD, HERE
from mmsearch.encoders.builtin.whisper import encoder_tensors
from tools.build_builtin.audio_graph import audio_graph


def sound(seconds, seed=0):
    """A chord that fades, with some noise: nothing about it is the same everywhere."""
    time = np.arange(round(16_000 * seconds)) / 16_000
    chord = sum(np.sin(2 * np.pi * pitch * time) for pitch in (220, 330 + 40 * seed, 3_000))
    noise = np.random.default_rng(seed).standard_normal(len(time))
    return ((chord * np.exp(-time) + 0.1 * noise) / 5).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    return AudioModel()


def test_the_committed_graph_is_what_the_script_writes_and_holds_no_weights():
    data = (HERE / "audio.onnx").read_bytes()
    assert data == audio_graph().SerializeToString(deterministic=True)
    assert len(data) < 20_000


@pytest.mark.parametrize("seconds", [0.5, 2, 10])
def test_the_spectrogram_is_that_of_faster_whisper(seconds):
    wave = sound(seconds)
    np.testing.assert_allclose(log_mel(wave), FeatureExtractor()(wave, padding=0), atol=1e-4)


def test_the_positions_are_sinusoids():
    """They are computed, not trained, so they tell whether the file's values lie where they are looked for."""
    rates = np.exp(-np.log(10_000) / 255 * np.arange(256))
    angles = np.arange(1500)[:, None] * rates
    expected = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    np.testing.assert_allclose(encoder_tensors()["position_encodings/encodings"], expected, atol=1e-3)


def plain_encoder(mel, valid):
    """Log-mel (80, columns) to mean and std of each layer's first frames, as in the paper, through torch."""
    tensors = {name: torch.from_numpy(tensor) for name, tensor in encoder_tensors().items()}

    def linear(x, name):
        return functional.linear(x, tensors[f"{name}/weight"], tensors[f"{name}/bias"])

    def norm(x, name):
        return functional.layer_norm(x, (512,), tensors[f"{name}/gamma"], tensors[f"{name}/beta"])

    x = torch.from_numpy(mel)[None]
    for name, stride in (("conv1", 1), ("conv2", 2)):
        weights = tensors[f"{name}/weight"], tensors[f"{name}/bias"]
        x = functional.gelu(functional.conv1d(x, *weights, stride=stride, padding=1))
    x = x[0].T
    x = x + tensors["position_encodings/encodings"][: len(x)]
    statistics = []
    for layer in range(6):
        name = f"layer_{layer}"
        qkv = linear(norm(x, f"{name}/self_attention/layer_norm"), f"{name}/self_attention/linear_0")
        query, key, value = (part.reshape(-1, 8, 64).transpose(0, 1) for part in qkv.split(512, dim=1))
        attention = torch.softmax(query @ key.transpose(1, 2) / math.sqrt(64), dim=-1)
        x = x + linear((attention @ value).transpose(0, 1).reshape(-1, 512), f"{name}/self_attention/linear_1")
        inner = functional.gelu(linear(norm(x, f"{name}/ffn/layer_norm"), f"{name}/ffn/linear_0"))
        x = x + linear(inner, f"{name}/ffn/linear_1")
        statistics += [x[:valid].mean(dim=0), x[:valid].std(dim=0, correction=0)]
    return torch.cat(statistics).numpy()


@pytest.mark.parametrize(("seconds", "padded_s", "valid"), [(3, 3, 150), (0.5, 2, 25), (2.0501, 2.06, 103)])
def test_statistics_are_those_of_a_plain_whisper_over_the_clips_own_frames(model, seconds, padded_s, valid):
    wave = sound(seconds)
    padded = np.pad(wave, (0, round(padded_s * 16_000) - len(wave)))
    with torch.inference_mode():
        expected = plain_encoder(FeatureExtractor()(padded, padding=0), valid)
    found = model.statistics([wave])
    assert (found.shape, found.dtype) == ((1, STATISTICS), np.float32)
    np.testing.assert_allclose(found[0], expected, atol=5e-3, rtol=1e-3)


def test_a_single_sample_is_one_frame_which_does_not_spread(model):
    statistics = model.statistics([np.ones(1, np.float32)]).reshape(6, 2, 512)
    assert np.abs(statistics[:, 0]).min(axis=0).max() > 0.1
    np.testing.assert_allclose(statistics[:, 1], 0, atol=1e-5)


def test_a_clip_has_the_same_statistics_among_others(model):
    waves = [sound(1), sound(4, seed=1), sound(0.1, seed=2)]
    together = model.statistics(waves)
    np.testing.assert_array_equal(together, np.concatenate([model.statistics([wave]) for wave in waves]))
    assert model.statistics([]).shape == (0, STATISTICS)


def test_the_head_is_linear_as_its_file_says(model):
    head = {name: tensor.astype(np.float64) for name, tensor in load_file(AUDIO_HEAD.path).items()}
    waves = [sound(2), sound(3, seed=1)]
    x = (model.statistics(waves) - head["mean"]) / head["scale"]
    vectors = x @ head["weight"].T + head["bias"]
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True) - head["centre"]
    embedded = model.embed(waves)
    np.testing.assert_allclose(embedded.vectors, vectors, atol=1e-4)
    np.testing.assert_allclose(embedded.features, x @ head["compression"], rtol=2e-3, atol=1e-2)
    assert embedded.speech.tolist() == (x @ head["speech_weight"] + head["speech_bias"] > 0).tolist()
    assert embedded.features.shape == (2, FEATURE_DIM)


def test_training_needs_no_head(monkeypatch):
    monkeypatch.setattr("mmsearch.encoders.builtin.audio.safetensors", lambda _: pytest.fail("the head was read"))
    assert WhisperEncoder().statistics([sound(0.1)]).any()


def test_pictures_and_words_load_nothing_of_whisper(monkeypatch):
    monkeypatch.setattr("mmsearch.encoders.builtin.whisper._map_model", lambda: pytest.fail("Whisper was read"))
    encoder = BuiltinEncoder()
    encoder.encode_texts(["a dog"], "query")
    encoder.encode_images(np.zeros((1, 224, 224, 3), np.uint8), "query")
    assert encoder.embed_audio([]).features.shape == (0, FEATURE_DIM)
    assert encoder.embed_audio([]).speech.shape == (0,)
