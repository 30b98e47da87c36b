"""The committed graphs, and what they compute, held against plain implementations that read the weights themselves."""

import json
import math

import numpy as np
import onnx
import pytest
import torch
from safetensors.numpy import load_file
from tokenizers import Tokenizer
from torch.nn import functional

from mmsearch.config import Limits
from mmsearch.encoders.builtin.image import BATCH_NORM_EPSILON, TEMPERATURE, Classifier
from mmsearch.encoders.builtin.text import TextModel
from mmsearch.encoders.builtin.weights import CLASSES, EFFICIENTNET, HERE, MINILM, TOKENIZER, checkpoint
from mmsearch.media.sources import image_from
from mmsearch.testing.drawings import draw_samples
from mmsearch.types import ImageInput
from tools.build_builtin import graphs

TEXTS = ["a dog", "A brown dog runs over the wet sand of a long beach!", "", "zwei Hunde, 海辺の犬", "x " * 400]


@pytest.mark.parametrize("name", ["text", "image"])
def test_the_committed_graph_is_what_the_script_writes(name):
    model = getattr(graphs, f"{name}_graph")()
    assert (HERE / f"{name}.onnx").read_bytes() == model.SerializeToString(deterministic=True)


def test_the_committed_graphs_are_valid_onnx_and_hold_no_weights():
    for name in ("text", "image"):
        model = onnx.load(HERE / f"{name}.onnx", load_external_data=False)
        assert model.ir_version == 9
        assert {each.version for each in model.opset_import} == {20}
        assert (HERE / f"{name}.onnx").stat().st_size < 20_000


# ---- text: BERT as in the paper, one text at a time ----


def layer_norm(x, weight, bias):
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12) * weight + bias


def gelu(x):
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def softmax(x):
    exponentials = np.exp(x - x.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def bert(ids, tensors):
    """Token ids (s,) to the last hidden states (s, 384)."""

    def linear(x, name):
        return x @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"]

    def norm(x, name):
        return layer_norm(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"])

    x = tensors["embeddings.word_embeddings.weight"][ids]
    x = x + tensors["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(x + tensors["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for layer in range(6):
        name = f"encoder.layer.{layer}"
        query, key, value = (
            linear(x, f"{name}.attention.self.{part}").reshape(len(ids), 12, 32).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        weights = softmax(query @ key.transpose(0, 2, 1) / math.sqrt(32))
        mixed = (weights @ value).transpose(1, 0, 2).reshape(len(ids), 384)
        x = norm(x + linear(mixed, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm")
        inner = gelu(linear(x, f"{name}.intermediate.dense"))
        x = norm(x + linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")
    return x


def test_text_vectors_and_states_are_those_of_a_plain_bert():
    tensors = {name: tensor.astype(np.float64) for name, tensor in load_file(MINILM.path).items()}
    tokenizer = Tokenizer.from_file(str(TOKENIZER.path))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    expected = [bert(tokenizer.encode(text).ids, tensors) for text in TEXTS]
    model = TextModel()
    np.testing.assert_allclose(model.encode(TEXTS), [states.mean(axis=0) for states in expected], atol=1e-4)
    _, hidden = model._run([tokenizer.encode(text) for text in TEXTS], "vectors", "hidden")
    for found, states in zip(hidden, expected, strict=True):
        np.testing.assert_allclose(found[: len(states)], states, atol=2e-4)


# ---- image: EfficientNet-lite0, batch norms not folded, through torch ----


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """The drawn samples as the model sees them: names, and pixels (n, 224, 224, 3)."""
    drawn = draw_samples(tmp_path_factory.mktemp("drawn"))
    limits = Limits().for_machine(workers=1)
    pixels = [image_from(path, limits, ImageInput(224, 224)) for path in drawn]
    return [path.stem for path in drawn], np.stack(pixels)


@pytest.fixture(scope="module")
def classifier():
    return Classifier()


def efficientnet_lite0(pixels, tensors):
    """Pixels (n, 224, 224, 3) to logits (n, 1000) and pooled features (n, 1280).

    The shapes of the tensors say what is expanded and how far.
    """

    def convolve(x, weight, norm, stride=1, groups=1, *, activate=True):
        kernel = tensors[weight].shape[-1]
        total = max((math.ceil(x.shape[-1] / stride) - 1) * stride + kernel - x.shape[-1], 0)
        before = total // 2  # as TensorFlow pads
        x = functional.pad(x, (before, total - before, before, total - before))
        x = functional.conv2d(x, tensors[weight], stride=stride, groups=groups)
        moments = (tensors[f"{norm}.running_mean"], tensors[f"{norm}.running_var"])
        scales = (tensors[f"{norm}.weight"], tensors[f"{norm}.bias"])
        x = functional.batch_norm(x, *moments, *scales, training=False, eps=BATCH_NORM_EPSILON)
        return functional.relu6(x) if activate else x

    x = (torch.from_numpy(pixels).permute(0, 3, 1, 2).float() - 127) / 128
    x = convolve(x, "_conv_stem.weight", "_bn0", stride=2)
    for block in range(16):
        name, y = f"_blocks.{block}", x
        if f"{name}._expand_conv.weight" in tensors:
            y = convolve(y, f"{name}._expand_conv.weight", f"{name}._bn0")
        stride = 2 if block in (1, 3, 5, 11) else 1
        y = convolve(y, f"{name}._depthwise_conv.weight", f"{name}._bn1", stride, groups=y.shape[1])
        y = convolve(y, f"{name}._project_conv.weight", f"{name}._bn2", activate=False)
        x = x + y if x.shape == y.shape else y
    x = convolve(x, "_conv_head.weight", "_bn1").mean(dim=(2, 3))
    return functional.linear(x, tensors["_fc.weight"], tensors["_fc.bias"]).numpy(), x.numpy()


def test_logits_and_features_are_those_of_a_plain_network(pictures, classifier):
    _, pixels = pictures
    tensors = torch.load(EFFICIENTNET.path, map_location="cpu", weights_only=True)
    with torch.inference_mode():
        expected_logits, expected_features = efficientnet_lite0(pixels[:6], tensors)
    logits, features = classifier.outputs(pixels[:6])
    np.testing.assert_allclose(logits, expected_logits, atol=2e-3)
    np.testing.assert_allclose(features, expected_features, atol=2e-4)


def test_the_features_are_the_mean_of_the_map(pictures, classifier):
    _, pixels = pictures
    ((logits, features, maps),) = classifier._run(pixels[:2], "logits", "features", "map")
    assert maps.shape == (2, 1280, 7, 7)
    np.testing.assert_allclose(maps.mean(axis=(2, 3)), features, atol=1e-5)
    np.testing.assert_allclose(classifier.classify(features), logits, atol=1e-3)


def test_the_table_says_where_each_tensor_lies():
    read = checkpoint(EFFICIENTNET, HERE / "efficientnet-lite0.json")
    expected = torch.load(EFFICIENTNET.path, map_location="cpu", weights_only=True)
    floats = {name: tensor for name, tensor in expected.items() if tensor.dtype == torch.float32}
    assert set(read) == set(floats)
    for name, tensor in floats.items():
        np.testing.assert_array_equal(read[name], tensor.numpy(), err_msg=name)


def test_drawings_are_what_they_show(pictures, classifier):
    """Top classes of ImageNet, as recorded when the model was built."""
    names, pixels = pictures
    logits, _ = classifier.outputs(pixels)
    best = dict(zip(names, logits.argmax(axis=1).tolist(), strict=True))
    recorded = {
        "traffic-light": 920,
        "clock": 409,
        "balloon": 417,
        "crossword": 918,
        "umbrella": 879,
        "candle": 470,
        "football": 805,
        "sailing-boat": 914,
        "pumpkin": 607,
        "daisy": 985,
        "envelope": 549,
    }
    assert best == recorded


def test_before_the_head_a_picture_is_the_mean_of_the_classes_by_probability(pictures, classifier):
    _, pixels = pictures
    logits, _ = classifier.outputs(pixels)
    class_vectors = load_file(CLASSES.path)["class_vectors"].astype(np.float64)
    mean = softmax(logits.astype(np.float64) / TEMPERATURE) @ class_vectors
    expected = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    np.testing.assert_allclose(classifier.conse(logits), expected, atol=1e-5)


# ---- class vectors ----


def test_class_vectors_are_centred_and_none_is_another():
    vectors = load_file(CLASSES.path)["class_vectors"]
    assert (vectors.shape, vectors.dtype) == ((1000, 384), np.float16)
    wide = vectors.astype(np.float64)
    assert np.abs(wide.mean(axis=0)).max() < 1e-4
    lengths = np.linalg.norm(wide, axis=1)
    assert 0.5 < lengths.min() < lengths.max() < 1.1
    cosines = (wide / lengths[:, None]) @ (wide / lengths[:, None]).T - 2 * np.eye(1000)
    assert cosines.max() < 0.99


def test_the_card_belongs_to_the_class_vectors():
    card = json.loads((HERE / "classes.json").read_text())
    assert card["sha256"] == CLASSES.sha256
    assert card["made_with"] == {file.name: file.sha256 for file in (MINILM, TOKENIZER, EFFICIENTNET)}
    assert all("licence" in each for each in card["sources"] + card["weights"])
