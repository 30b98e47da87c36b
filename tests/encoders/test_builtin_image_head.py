"""What the head adds to a picture's vector, held against a plain computation, and its card."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from mmsearch.config import Limits
from mmsearch.encoders.builtin.head import FEATURE_DIM
from mmsearch.encoders.builtin.image import Classifier, ImageModel
from mmsearch.encoders.builtin.image_head import ImageHead
from mmsearch.encoders.builtin.weights import CLASSES, EFFICIENTNET, HERE, IMAGE_HEAD, MINILM, TOKENIZER
from mmsearch.media.sources import image_from
from mmsearch.testing.drawings import draw_samples
from mmsearch.types import ImageInput


@pytest.fixture(scope="module")
def pixels(tmp_path_factory):
    limits = Limits().for_machine(workers=1)
    drawn = draw_samples(tmp_path_factory.mktemp("drawn"))
    return np.stack([image_from(path, limits, ImageInput(224, 224)) for path in drawn])


@pytest.fixture(scope="module")
def model():
    return ImageModel()


def by_hand(pooled, head):
    """Pooled features (1280,) of one picture to its features and its correction."""
    features = ((pooled - head["centre"]) @ head["projection"]).astype(np.float16).astype(np.float64)
    drawn = min(max(float(features @ head["gate"] + head["gate_bias"][0]), 0.0), 1.0)
    as_photo = features @ head["photos"] + head["photos_bias"]
    as_drawing = features @ head["drawings"] + head["drawings_bias"]
    return features, (1 - drawn) * as_photo + drawn * as_drawing


def test_a_vector_is_the_classes_mean_and_the_head_s_correction(pixels, model):
    head = {name: tensor.astype(np.float64) for name, tensor in load_file(IMAGE_HEAD.path).items()}
    classifier = Classifier()
    logits, pooled = classifier.outputs(pixels)
    vectors, features = model.embed(pixels)
    assert (features.dtype, features.shape) == (np.float16, (len(pixels), FEATURE_DIM))
    for row, base in enumerate(classifier.conse(logits)):
        expected_features, correction = by_hand(pooled[row].astype(np.float64), head)
        np.testing.assert_allclose(features[row], expected_features, atol=0.05, rtol=1e-2)
        np.testing.assert_allclose(vectors[row], base + correction, atol=5e-3)


def test_encode_gives_the_vectors_of_embed(pixels, model):
    np.testing.assert_array_equal(model.encode(pixels), model.embed(pixels)[0])


def test_no_pictures_give_no_rows(model):
    vectors, features = model.embed(np.empty((0, 224, 224, 3), dtype=np.uint8))
    assert (vectors.shape, features.shape) == ((0, 384), (0, FEATURE_DIM))


def test_the_head_knows_that_drawings_are_drawn(pixels, model):
    """With the gate shut, the correction would be a photo's."""
    head = ImageHead.load()
    _, features = model.embed(pixels)
    wide = features.astype(np.float32)
    as_drawings = wide @ head.drawings + head.drawings_bias
    drawn = np.linalg.norm(head.correction(features) - as_drawings, axis=1) < 1e-3
    assert drawn.mean() > 0.5


def test_between_photo_and_drawing_both_corrections_count():
    tiny = ImageHead(
        centre=np.zeros(2, np.float32),
        projection=np.eye(2, dtype=np.float32),
        gate=np.array([1, 0], np.float32),
        gate_bias=np.zeros(1, np.float32),
        photos=np.array([[0], [1]], np.float32),
        photos_bias=np.array([10], np.float32),
        drawings=np.array([[0], [2]], np.float32),
        drawings_bias=np.array([20], np.float32),
    )
    pooled = np.array([[-3, 1], [0, 1], [0.25, 1], [1, 1], [7, 1]], np.float32)
    corrections = tiny.correction(tiny.features(pooled))[:, 0]
    np.testing.assert_allclose(corrections, [11, 11, 0.75 * 11 + 0.25 * 22, 22, 22])


def test_the_card_belongs_to_the_head():
    card = json.loads((HERE / "image-head.json").read_text(encoding="utf-8"))
    assert card["sha256"] == IMAGE_HEAD.sha256
    assert card["made_with"] == {file.name: file.sha256 for file in (MINILM, TOKENIZER, EFFICIENTNET, CLASSES)}
    assert all(entry["licence"] and entry["credit"] for entry in card["sources"] + card["photos"])
    assert IMAGE_HEAD.path.stat().st_size < 3_000_000
