from itertools import cycle, product

import numpy as np
import pytest

from mmsearch.encoders.builtin.encoder import BuiltinEncoder
from mmsearch.encoders.builtin.weights import ALL_FILES
from mmsearch.normalise import unit_rows
from mmsearch.testing import encoder_contract
from mmsearch.types import AudioInput, ImageInput


@pytest.fixture(scope="module")
def make():
    """Go round two instances, as loading one takes half a second."""
    return cycle((BuiltinEncoder(), BuiltinEncoder())).__next__


@pytest.mark.parametrize("check", encoder_contract.CHECKS, ids=lambda check: check.__name__)
def test_contract(make, check):
    check(make)


def test_spec(make):
    spec = make().spec
    assert (spec.space.model, spec.space.dim) == ("builtin", 384)
    assert spec.modalities == {"text", "image", "audio"}
    assert spec.image_input == ImageInput(224, 224, "squash", "bilinear")
    assert spec.audio_input == AudioInput(16_000, window_s=10, overlap_s=1)
    assert (spec.feature_dim, spec.transcribes) == (256, True)
    assert set(spec.levels) == set(product(("text", "image", "audio"), repeat=2))
    assert all((asked == "text") == levels.verdict for (asked, _), levels in spec.levels.items())


def test_the_space_follows_from_every_file_of_the_model(make, monkeypatch):
    """Collections made with other weights must not be mixed with these."""
    ids = {make().spec.space.space_id}
    for position, file in enumerate(ALL_FILES):
        others = list(ALL_FILES)
        others[position] = type(file)(file.name, "0" * 64)
        monkeypatch.setattr("mmsearch.encoders.builtin.encoder.ALL_FILES", tuple(others))
        ids.add(BuiltinEncoder().spec.space.space_id)
    assert len(ids) == 1 + len(ALL_FILES)


def test_making_one_reads_nothing(monkeypatch):
    monkeypatch.setattr("mmsearch.encoders.builtin.weights.map_readonly", lambda _: pytest.fail("a file was read"))
    assert BuiltinEncoder().spec.space.model == "builtin"
    BuiltinEncoder().encode_texts([], "query")
    BuiltinEncoder().encode_images(np.empty((0, 224, 224, 3), np.uint8), "query")


def test_a_search_by_words_loads_the_text_half_only():
    encoder = BuiltinEncoder()
    encoder.encode_texts(["a dog"], "query")
    assert "_text" in vars(encoder)
    assert "_image" not in vars(encoder)
    encoder.load()
    assert "_image" in vars(encoder)
    assert not {"_audio", "_speech"} & set(vars(encoder))


def test_paraphrases_are_nearer_than_what_is_unrelated(make):
    groups = [
        ("a dog runs on the beach", "a puppy is running along the shore", "quarterly tax report"),
        ("how to bake bread", "a recipe for a loaf with flour and yeast", "the football match ended in a draw"),
        ("a red sports car", "a fast crimson automobile", "a bowl of soup"),
        ("the ship sank in the storm", "a vessel went down in bad weather", "my laptop needs a new battery"),
    ]
    for text, paraphrase, unrelated in groups:
        vectors = unit_rows(make().encode_texts([text, paraphrase, unrelated], "query"))
        assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.3


def test_what_lies_behind_the_last_token_does_not_matter(make):
    long = "word " * 300
    vectors = make().encode_texts([long, long + "and something else"], "document")
    np.testing.assert_array_equal(vectors[0], vectors[1])


def test_case_and_blanks_do_not_matter(make):
    vectors = make().encode_texts(["a dog", "  A   Dog \n", "A DOG"], "query")
    np.testing.assert_allclose(vectors[1:], vectors[[0, 0]], atol=1e-6)
