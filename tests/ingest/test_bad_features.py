"""An encoder whose features are not what its spec says must not end a run for a single file, nor be believed."""

from dataclasses import replace

import numpy as np
import pytest

import mmsearch
from mmsearch.errors import ModelError, ModelMismatch
from mmsearch.testing.media import write_image, write_text, write_wav


@pytest.fixture(params=["embed_images", "embed_audio"])
def spoil(request, encoder, folder, monkeypatch):
    """Spoil what the encoder gives for a file, beside one that is as it should be."""
    write_text(folder / "b.txt", "some words")
    if request.param == "embed_images":
        write_image(folder / "a.png", "red")
    else:
        write_wav(folder / "a.wav")
    embed = getattr(encoder, request.param)

    def spoil(change):
        monkeypatch.setattr(encoder, request.param, lambda inputs, **asked: change(embed(inputs, **asked)))

    return spoil


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_feature_that_is_no_number_fails_its_file_only(collection, folder, spoil, value):
    spoil(lambda embedded: replace(embedded, features=np.full_like(embedded.features, value)))
    report = collection.index(folder)
    assert (report.added, report.failed) == (1, 1)
    assert "NaN or infinite" in collection.failures()[0].reason


@pytest.mark.parametrize("change", [lambda features: features[:, :-1], lambda features: features[:0], lambda _: None])
def test_features_of_another_shape_are_the_models_fault(collection, folder, spoil, change):
    spoil(lambda embedded: replace(embedded, features=change(embedded.features)))
    with pytest.raises(ModelError, match="should give features of shape"):
        collection.index(folder)


def test_a_model_whose_features_have_another_length_is_refused(home, collection, encoder, folder):
    write_text(folder / "b.txt", "some words")
    collection.index(folder)
    encoder.spec = replace(encoder.spec, feature_dim=7)
    with mmsearch.open(collection.folder, model=encoder) as other, pytest.raises(ModelMismatch, match="of length 38"):
        other.index(folder)
