"""The perceptual hash: what changes it, what does not, and what has none."""

from io import BytesIO
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from mmsearch.media.looks import BLANK, BLANK_BELOW, as_looks, distances, look_of
from mmsearch.testing.drawings import draw_samples

SIGNED = st.integers(-(2**63), 2**63 - 1)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """The sample drawings, opened, by name."""
    paths = draw_samples(tmp_path_factory.mktemp("drawn"))
    return {path.stem: Image.open(path).convert("RGB") for path in paths}


def look(image, side=(224, 224)):
    return look_of(np.array(image.resize(side, Image.Resampling.BILINEAR, reducing_gap=3)))


def apart(one, other):
    return ((one ^ other) & (2**64 - 1)).bit_count()


def recompressed(image):
    data = BytesIO()
    image.save(data, "JPEG", quality=30)
    return Image.open(data)


def signed(image):
    marked = image.copy()
    ImageDraw.Draw(marked).text((350, 350), "(c) Anna 2021", fill="white", font_size=18)
    return marked


EDITS = {
    "half the size": lambda image: image.resize((image.width // 2, image.height // 2)),
    "recompressed": recompressed,
    "cut by 4 %": lambda image: image.crop((10, 8, image.width - 10, image.height - 8)),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
    "less contrast": lambda image: ImageEnhance.Contrast(image).enhance(0.7),
}
ROUGHER_EDITS = {
    "signed": signed,
    "turned by a degree": lambda image: image.rotate(1, Image.Resampling.BICUBIC),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_picture_looks_nearly_the_same(drawn, edit):
    far = [apart(look(image), look(EDITS[edit](image))) for image in drawn.values()]
    assert max(far) <= 8
    assert np.mean(far) <= 4


@pytest.mark.parametrize("edit", ROUGHER_EDITS)
def test_rougher_edits_leave_most_pictures_alike(drawn, edit):
    """Less so than photos, since drawings have large plain areas."""
    assert np.median([apart(look(image), look(ROUGHER_EDITS[edit](image))) for image in drawn.values()]) <= 6


def test_different_pictures_look_different(drawn):
    looks = [look(image) for image in drawn.values()]
    assert min(apart(one, other) for one, other in combinations(looks, 2)) >= 14


def test_a_mirrored_picture_looks_different(drawn):
    assert min(apart(look(image), look(ImageOps.mirror(image))) for image in drawn.values()) >= 20


def test_the_size_of_the_pixels_hardly_matters(drawn):
    assert max(apart(look(image), look(image, (32, 32))) for image in drawn.values()) <= 4


def test_half_of_the_frequencies_are_above_their_median(drawn):
    for image in drawn.values():
        bits = look(image) & (2**64 - 1)
        assert bits.bit_count() == 32  # 31 of the 63, and the mean brightness, which comes first
        assert bits >> 63 == 1


def test_it_is_the_cosine_transform_of_the_brightness():
    pixels = np.random.default_rng(5).integers(0, 256, (24, 40, 3), dtype=np.uint8)
    grey = pixels @ np.array([0.299, 0.587, 0.114])
    waves = [np.cos(np.pi * k * (2 * np.arange(n) + 1) / (2 * n)) for n in (24, 40) for k in range(8)]
    # The waves of an orthogonal transform have one length.
    rows, columns = (np.array([wave / np.linalg.norm(wave) for wave in some]) for some in (waves[:8], waves[8:]))
    low = (rows @ grey @ columns.T).ravel()
    expected = "".join("1" if value > np.median(low[1:]) else "0" for value in low)
    assert f"{look_of(pixels) & (2**64 - 1):064b}" == expected


def noise(mean, deviation):
    grey = np.random.default_rng(3).normal(mean, deviation, (224, 224, 1))
    return np.clip(grey, 0, 255).astype(np.uint8).repeat(3, axis=2)


BLANKS = {
    "black": np.zeros((224, 224, 3), np.uint8),
    "white": np.full((224, 224, 3), 255, np.uint8),
    "a black frame with noise": noise(4, 6),
    "an empty scan": noise(245, 4),
    "a scan that darkens to one side": (noise(240, 3) - np.linspace(0, 30, 224)[:, None, None]).astype(np.uint8),
}


@pytest.mark.parametrize("name", BLANKS)
def test_a_picture_without_structure_is_blank(name):
    assert look_of(BLANKS[name]) == BLANK


def test_contrast_decides_what_is_blank():
    halves = np.full((224, 224, 3), 100, np.uint8)
    halves[:112] += round(2 * BLANK_BELOW) - 4  # of two halves the deviation is half of what they differ by
    assert look_of(halves) == BLANK
    halves[:112] += 8
    assert look_of(halves) != BLANK


@given(st.lists(SIGNED, max_size=20), SIGNED)
def test_distances_count_bits(stored, one):
    looks = as_looks(np.array([one, *stored], dtype=np.int64))
    assert distances(looks, looks[0]).tolist() == [0, *(apart(one, other) for other in stored)]
