"""YAMNet and its class vectors, held against plain implementations, and what they make of synthesised sounds."""

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, pairwise

import numpy as np
import onnx
import pytest
import torch
from safetensors.numpy import load_file
from torch.nn import functional

from mmsearch.encoders.builtin.head import FEATURE_DIM
from mmsearch.encoders.builtin.patches import RATE_HZ, log_mel_patches
from mmsearch.encoders.builtin.sound import POOLED, SILENCE, SoundClassifier, SoundModel
from mmsearch.encoders.builtin.sound_head import SoundHead
from mmsearch.encoders.builtin.text import TextModel
from mmsearch.encoders.builtin.weights import HERE, MINILM, SOUND_CLASSES, TOKENIZER, YAMNET, checkpoint
from mmsearch.normalise import unit_rows
from tools.build_builtin import sound_graph
from tools.build_builtin.sound_classes import class_vectors, read_sounds

NAMES = [each.name for each in read_sounds()]


def beeps(pitch_hz, seconds=5):
    """Two beeps a second of 0.3 s each."""
    times = np.arange(seconds * RATE_HZ) / RATE_HZ
    return (0.3 * np.sin(2 * np.pi * pitch_hz * times) * (times * 2 % 1 < 0.3)).astype(np.float32)


def noise(loudness, seconds=5):
    return (loudness * np.random.default_rng(0).standard_normal(seconds * RATE_HZ)).astype(np.float32)


def shots(seconds=5):
    """One burst of noise a second, dying away."""
    times = np.arange(seconds * RATE_HZ) / RATE_HZ
    return (noise(0.9, seconds) * np.exp(-25 * (times % 1))).astype(np.float32)


def click(seconds=5):
    wave = np.zeros(seconds * RATE_HZ, dtype=np.float32)
    wave[RATE_HZ : RATE_HZ + 40] = noise(0.8)[:40]
    return wave


@pytest.fixture(scope="module")
def classifier():
    return SoundClassifier()


@pytest.fixture(scope="module")
def model():
    return SoundModel()


# ---- log-mel patches ----


def log_mel_by_hand(wave, column, band):
    """One value of the spectrogram: 25 ms, a Fourier sum for each frequency, one triangle on the mel scale."""

    def mel(hz):
        return 1127 * np.log(1 + hz / 700)

    lowest, highest = mel(125), mel(7500)
    lower, middle, upper = (lowest + (highest - lowest) / 65 * (band + i) for i in range(3))
    samples = wave[column * 160 : column * 160 + 400].astype(np.float64)
    samples *= 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    total = 0.0
    for k in range(1, 257):
        height = min((mel(k * 31.25) - lower) / (middle - lower), (upper - mel(k * 31.25)) / (upper - middle))
        if height > 0:
            total += height * abs(samples @ np.exp(-2j * np.pi * k * np.arange(400) / 512))
    return np.log(total + 0.001)


def test_patches_are_log_mel_spectra_that_overlap_by_one_half():
    wave = noise(0.1, seconds=2) + beeps(440, seconds=2)
    patches = log_mel_patches(wave)
    assert (patches.shape, patches.dtype) == ((4, 96, 64), np.float32)
    for patch, column, band in ((0, 0, 0), (0, 95, 63), (1, 17, 30), (2, 5, 12), (2, 95, 63)):
        expected = log_mel_by_hand(wave, 48 * patch + column, band)
        np.testing.assert_allclose(patches[patch, column, band], expected, atol=1e-4)
    np.testing.assert_array_equal(patches[:-1, 48:], patches[1:, :48])


@pytest.mark.parametrize(
    ("samples", "patches"),
    [(1, 1), (399, 1), (15_600, 1), (15_601, 2), (23_280, 2), (23_281, 3), (30 * RATE_HZ, 62)],
)
def test_silence_is_put_behind_what_fills_no_patch(samples, patches):
    wave = np.resize(noise(0.1), samples)
    made = log_mel_patches(wave)
    assert made.shape == (patches, 96, 64)
    np.testing.assert_array_equal(made, log_mel_patches(np.append(wave, np.zeros(1, np.float32)))[:patches])


# ---- YAMNet ----


def read_in_order():
    """The checkpoint's tensors, one behind the other in the order of MobileNet's layers, in TensorFlow's shapes."""
    values = np.fromfile(YAMNET.path, "<f4", count=(YAMNET.path.stat().st_size - 100) // 4)
    position = 2  # two counters of Keras come first

    def take(*shape):
        nonlocal position
        position += np.prod(shape)
        return torch.from_numpy(values[position - np.prod(shape) : position].reshape(shape))

    def convolution(*shape, outputs):
        return take(*shape), [take(outputs) for _ in range(3)]

    channels = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
    yield convolution(3, 3, 1, 32, outputs=32)
    for inputs, outputs in pairwise(channels):
        yield convolution(3, 3, inputs, 1, outputs=inputs)
        yield convolution(1, 1, inputs, outputs, outputs=outputs)


def yamnet(patches, tensors):
    """Patches (n, 96, 64) to scores (n, 521) and embedding (n, 1024), batch norms not folded."""
    x = torch.from_numpy(patches)[:, None]
    for layer, (kernel, (beta, mean, variance)) in enumerate(read_in_order()):
        stride = 2 if layer in (0, 3, 7, 11, 23) else 1
        depthwise = layer % 2 == 1
        weight = kernel.permute(2, 3, 0, 1) if depthwise else kernel.permute(3, 2, 0, 1)
        if weight.shape[-1] == 3:  # TensorFlow pads behind first
            x = functional.pad(x, (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1))
        x = functional.conv2d(x, weight, stride=stride, groups=len(weight) if depthwise else 1)
        x = functional.relu(functional.batch_norm(x, mean, variance, None, beta, training=False, eps=1e-4))
    pooled = x.mean(dim=(2, 3))
    logits = pooled @ torch.from_numpy(tensors["dense.kernel"]) + torch.from_numpy(tensors["dense.bias"])
    return torch.sigmoid(logits).numpy(), pooled.numpy()


def test_the_committed_graph_is_what_the_script_writes():
    data = (HERE / "sound.onnx").read_bytes()
    assert data == sound_graph.sound_graph().SerializeToString(deterministic=True)
    assert len(data) < 20_000
    assert onnx.load_from_string(data).ir_version == 9


def test_scores_are_those_of_a_plain_network(classifier):
    wave = shots(seconds=3)
    patches = log_mel_patches(wave)
    tensors = {name: tensor.copy() for name, tensor in checkpoint(YAMNET, HERE / "yamnet.json").items()}
    with torch.inference_mode():
        scores, pooled = yamnet(patches, tensors)
    loudness = np.exp(patches).mean(axis=(1, 2))
    loud = loudness > 0.1 * loudness.max()
    heard = classifier.listen([wave])
    np.testing.assert_allclose(heard.scores[0], scores[loud].mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(heard.pooled[0], pooled[loud].mean(axis=0), atol=1e-4)


def test_the_table_covers_the_checkpoint_without_gaps():
    places = json.loads((HERE / "yamnet.json").read_text())
    ends = 8
    for offset, shape, _ in places.values():
        assert offset == ends
        ends = offset + 4 * int(np.prod(shape))
    assert ends < YAMNET.path.stat().st_size


def best(classifier, wave):
    return NAMES[classifier.listen([wave]).scores[0].argmax()]


def test_synthesised_sounds_are_what_they_are_made_as(classifier):
    assert best(classifier, beeps(1000)) == "Beep, bleep"
    assert best(classifier, noise(0.1)) == "White noise"
    assert best(classifier, shots()) == "Gunshot, gunfire"
    assert best(classifier, np.zeros(80_000, np.float32)) == "Silence"
    assert best(classifier, noise(1e-5)) == "Silence"
    assert best(classifier, np.zeros(1, np.float32)) == "Silence"


def test_silence_around_a_sound_does_not_count(classifier):
    alone = classifier.listen([beeps(1000, seconds=2)])
    within = np.concatenate([np.zeros(80_000, np.float32), beeps(1000, seconds=2), np.zeros(80_000, np.float32)])
    heard = classifier.listen([within])
    assert NAMES[heard.scores[0].argmax()] == "Beep, bleep"
    assert (unit_rows(heard.pooled) @ unit_rows(alone.pooled).T).item() > 0.9


# ---- vectors ----


def test_a_vector_is_the_mean_of_the_classes_by_the_roots_of_their_scores(classifier):
    vectors = load_file(SOUND_CLASSES.path)["class_vectors"].astype(np.float64)
    scores = np.random.default_rng(1).random((3, 521), dtype=np.float32)
    scores[:, SILENCE] = (0.999, 0.49, 0.0)
    for row, made in zip(scores, classifier.conse(scores), strict=True):
        chosen = [i for i in np.argsort(-row)[:20] if i != SILENCE or row[i] >= 0.5]
        expected = sum(np.sqrt(row[i].astype(np.float64)) * vectors[i] for i in chosen)
        np.testing.assert_allclose(made, expected / np.linalg.norm(expected), atol=1e-5)


def test_sounds_lie_near_what_one_would_call_them(model):
    calls = {
        "an electronic beep": beeps(1000),
        "the hiss of white noise": noise(0.1),
        "somebody shoots with a gun": shots(),
        "complete silence": np.zeros(80_000, np.float32),
    }
    sounds = unit_rows(model.embed(list(calls.values())).vectors)
    texts = unit_rows(TextModel().encode(list(calls)))
    cosines = texts @ sounds.T
    assert cosines.argmax(axis=1).tolist() == cosines.argmax(axis=0).tolist() == [0, 1, 2, 3]
    assert cosines.diagonal().min() > 0.4


def test_a_click_in_silence_is_not_called_silence(model):
    vectors = unit_rows(model.embed([click(), np.zeros(80_000, np.float32)]).vectors)
    silence, clicking = unit_rows(TextModel().encode(["complete silence", "a click"]))
    assert vectors[0] @ clicking > vectors[0] @ silence + 0.1
    assert vectors[1] @ silence > vectors[1] @ clicking + 0.1


def test_what_is_heard_does_not_depend_on_other_sounds(classifier):
    waves = [shots(seconds=1), noise(0.1, seconds=10), beeps(440)[:5]]
    together = classifier.listen(waves)
    for row, wave in enumerate(waves):
        for every, one in zip(together, classifier.listen([wave]), strict=True):
            np.testing.assert_array_equal(every[row], one[0])


def test_a_sound_does_not_depend_on_its_neighbours_nor_on_threads(model):
    waves = [beeps(440), noise(0.1, seconds=1), shots()[:1], click()[: RATE_HZ + 50]]
    together = model.embed(waves)
    with ThreadPoolExecutor(4) as pool:
        alone = list(pool.map(lambda wave: model.embed([wave]), waves[::-1]))[::-1]
    np.testing.assert_allclose(together.vectors, np.concatenate([each.vectors for each in alone]), atol=1e-6)
    np.testing.assert_array_equal(together.speech, np.concatenate([each.speech for each in alone]))
    assert np.isfinite(together.vectors).all()


def test_no_sounds_give_no_rows(model):
    embedded = model.embed([])
    assert (embedded.vectors.shape, embedded.speech.shape) == ((0, 384), (0,))


def test_the_head_compresses_and_corrects(classifier):
    random = np.random.default_rng(2)
    shapes = {"centre": (POOLED,), "projection": (POOLED, FEATURE_DIM), "weight": (FEATURE_DIM, 384)}
    shapes |= {"bias": (384,), "mean": (384,)}
    tensors = {name: 0.1 * random.standard_normal(shape, dtype=np.float32) for name, shape in shapes.items()}
    heard, head = classifier.listen([beeps(440, seconds=1)]), SoundHead(**tensors)
    features = head.features(heard.pooled)
    assert (features.shape, features.dtype) == ((1, FEATURE_DIM), np.float16)
    expected = (heard.pooled - tensors["centre"]) @ tensors["projection"]
    np.testing.assert_allclose(features, expected, rtol=1e-2, atol=1e-2)
    vectors = classifier.conse(heard.scores)
    moved = vectors + features.astype(np.float32) @ tensors["weight"] + tensors["bias"]
    expected = moved / np.linalg.norm(moved) - tensors["mean"]
    np.testing.assert_allclose(head.correct(vectors, features), expected, atol=1e-5)


def test_the_model_is_the_classifier_and_the_installed_head(classifier, model):
    wave, head = beeps(440, seconds=1), SoundHead.load()
    heard, embedded = classifier.listen([wave]), model.embed([wave])
    features = head.features(heard.pooled)
    assert np.array_equal(embedded.features, features)
    assert np.array_equal(embedded.vectors, head.correct(classifier.conse(heard.scores), features))


# ---- speech ----


def test_beeps_noise_and_silence_are_no_speech(model):
    waves = [beeps(440), beeps(1000), noise(0.1), shots(), click(), np.zeros(100, np.float32)]
    assert not model.embed(waves).speech.any()


@pytest.mark.parametrize(("spoken", "is_speech"), [(0, False), (1, False), (3, True), (19, True)])
@pytest.mark.parametrize("speech_class", [0, 3])
def test_a_few_words_in_a_long_window_are_speech(model, monkeypatch, spoken, is_speech, speech_class):
    def run(self, patches):
        scores = np.zeros((len(patches), 521), dtype=np.float32)
        scores[5 : 5 + spoken, speech_class] = 0.9
        return scores, np.zeros((len(patches), POOLED), dtype=np.float32)

    monkeypatch.setattr(SoundClassifier, "_run", run)
    assert model.embed([noise(0.1, seconds=10)]).speech.tolist() == [is_speech]


# ---- class vectors ----


def test_class_vectors_are_centred_and_none_is_another():
    vectors = load_file(SOUND_CLASSES.path)["class_vectors"]
    assert (vectors.shape, vectors.dtype) == ((521, 384), np.float16)
    wide = vectors.astype(np.float64)
    assert np.abs(wide.mean(axis=0)).max() < 1e-4
    lengths = np.linalg.norm(wide, axis=1)
    assert 0.5 < lengths.min() < lengths.max() < 1.1
    assert ((wide / lengths[:, None]) @ (wide / lengths[:, None]).T - 2 * np.eye(521)).max() < 0.99


def test_the_class_file_is_what_the_tool_writes():
    """Some classes only, which takes a second; two centred sets differ by a constant."""
    some = [0, 69, 122, 186, 283, 494]
    made = class_vectors([read_sounds()[i] for i in some])
    stored = load_file(SOUND_CLASSES.path)["class_vectors"][some].astype(np.float64)
    np.testing.assert_allclose(made, stored - stored.mean(axis=0), atol=1e-3)


def test_every_class_is_described_in_words_of_its_own():
    sounds = read_sounds()
    assert NAMES[:2] + NAMES[SILENCE : SILENCE + 1] == ["Speech", "Child speech, kid speaking", "Silence"]
    texts = list(chain.from_iterable([each.gloss, *each.captions] for each in sounds))
    assert len(set(NAMES)) == 521
    assert len(set(texts)) == 4 * 521
    assert all(text == text.strip() and 3 <= len(text) <= 80 for text in texts)
    assert sounds[126].names == ["Bee", "wasp"]
    assert sounds[104].names == ["Roaring cats (lions, tigers)"]


def test_the_card_belongs_to_the_class_vectors():
    card = json.loads((HERE / "sound-classes.json").read_text())
    assert card["sha256"] == SOUND_CLASSES.sha256
    assert card["made_with"] == {file.name: file.sha256 for file in (MINILM, TOKENIZER, YAMNET)}
    assert all("licence" in each for each in card["sources"] + card["weights"])
