import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mmsearch.media.fit import covered, render
from mmsearch.types import ImageInput


@pytest.mark.parametrize(
    ("fit", "size", "expected"),
    [
        ("squash", (400, 200), (0, 0, 400, 200)),
        ("crop", (400, 200), (100, 0, 300, 200)),
        ("crop", (200, 400), (0, 100, 200, 300)),
        ("pad", (400, 200), (0, -100, 400, 300)),
        ("pad", (200, 400), (-100, 0, 300, 400)),
    ],
)
def test_covered(fit, size, expected):
    assert covered(size, ImageInput(100, 100, fit)) == expected


@settings(max_examples=40, deadline=None)
@given(
    width=st.integers(60, 400),
    height=st.integers(60, 400),
    fit=st.sampled_from(["squash", "crop", "pad"]),
    target=st.sampled_from([(64, 64), (96, 48), (50, 80)]),
)
def test_covered_says_what_render_shows(width, height, fit, target):
    """In a picture whose colours say where they are, each place of the result says whence it came."""
    ramp = np.zeros((height, width, 3), np.uint8)
    ramp[:, :, 0] = np.round(np.arange(width) / width * 255)
    ramp[:, :, 1] = np.round(np.arange(height) / height * 255)[:, None]
    wanted = ImageInput(*target, fit)
    shown = np.asarray(render(Image.fromarray(ramp), 1, wanted)).astype(float)
    left, top, right, bottom = covered((width, height), wanted)
    for x in (target[0] // 2 - 5, target[0] // 2 + 5):
        for y in (target[1] // 2 - 5, target[1] // 2 + 5):
            came_from = shown[y, x, :2] / 255 * (width, height)
            expected = left + (x + 0.5) / target[0] * (right - left), top + (y + 0.5) / target[1] * (bottom - top)
            assert came_from == pytest.approx(expected, abs=max(width, height) / 40 + 1)
