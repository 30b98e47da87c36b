import numpy as np
import pytest
from PIL import Image

from mmsearch.media.image import read_image
from mmsearch.media.modes import eight_bits, to_rgb
from mmsearch.testing.media import four_colours, write_image
from mmsearch.types import ImageInput


def colour_of(path, limits, target=None):
    return tuple(int(value) for value in np.round(read_image(path.read_bytes(), limits, target).pixels.mean((0, 1))))


@pytest.mark.parametrize(
    ("mode", "stored", "shown"),
    [
        ("1", 1, (255, 255, 255)),
        ("L", 77, (77, 77, 77)),
        ("LA", (0, 51), (204, 204, 204)),
        ("RGBA", (255, 0, 0, 0), (255, 255, 255)),
        ("RGBA", (255, 0, 0, 51), (255, 204, 204)),
        ("I;16", 0x8040, (128, 128, 128)),
        ("P", 0, (0, 0, 0)),
    ],
)
@pytest.mark.parametrize("target", [None, ImageInput(16, 16)])
def test_png_layouts(tmp_path, limits, mode, stored, shown, target):
    assert colour_of(write_image(tmp_path / "a.png", stored, mode=mode), limits, target) == shown


@pytest.mark.parametrize(
    ("mode", "stored", "shown"),
    [
        ("CMYK", (0, 255, 255, 0), (255, 0, 0)),
        ("CMYK", (0, 0, 0, 255), (0, 0, 0)),
        ("LAB", (255, 128, 128), (255, 255, 255)),
        ("LAB", (138, 209, 198), (254, 0, 0)),
        ("I;16", 65535, (255, 255, 255)),
        ("I", 65535, (255, 255, 255)),
        ("F", 0.5, (128, 128, 128)),
        ("RGBX", (10, 20, 30, 0), (10, 20, 30)),
        ("YCbCr", (76, 85, 255), (254, 0, 0)),
    ],
)
def test_tiff_layouts(tmp_path, limits, mode, stored, shown):
    assert colour_of(write_image(tmp_path / "a.tif", stored, mode=mode), limits) == pytest.approx(
        shown, abs=6 if mode == "LAB" else 1
    )


def test_cmyk_jpegs_have_the_right_colours(tmp_path, limits):
    path = write_image(tmp_path / "a.jpg", (0, 255, 255, 0), mode="CMYK", quality=95)
    for target in (None, ImageInput(16, 16)):
        assert colour_of(path, limits, target) == pytest.approx((255, 0, 0), abs=3)


def test_big_endian_16_bit(tmp_path, limits):
    samples = np.full((8, 8), 0xC0FF, ">u2")
    Image.frombytes("I;16B", (8, 8), samples.tobytes()).save(tmp_path / "a.tif")
    assert colour_of(tmp_path / "a.tif", limits) == (192, 192, 192)


def test_16_bit_pictures_keep_their_range(tmp_path, limits):
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).repeat(4).reshape(32, 32)
    Image.fromarray(ramp).save(tmp_path / "a.png")
    shown = read_image((tmp_path / "a.png").read_bytes(), limits).pixels[..., 0]
    assert np.array_equal(shown, (ramp >> 8).astype(np.uint8))
    assert len(np.unique(shown)) == 256


def test_12_bit_data_in_16_bit_files_is_not_black(tmp_path, limits):
    Image.fromarray(np.full((8, 8), 4095, np.uint16)).save(tmp_path / "a.png")
    assert colour_of(tmp_path / "a.png", limits) == (255, 255, 255)


def test_transparent_palette_entries_become_white(tmp_path, limits):
    image = Image.new("P", (8, 8), 0)
    image.putpalette([200, 0, 0, 0, 0, 200])
    image.paste(1, (4, 0, 8, 8))
    image.save(tmp_path / "a.gif", transparency=0)
    pixels = read_image((tmp_path / "a.gif").read_bytes(), limits).pixels
    assert pixels[4, 1].tolist() == [255, 255, 255]
    assert pixels[4, 6].tolist() == [0, 0, 200]


def test_a_transparent_colour_of_an_rgb_png_becomes_white(tmp_path, limits):
    path = write_image(tmp_path / "a.png", four_colours(8, 8), transparency=(255, 0, 0))
    pixels = read_image(path.read_bytes(), limits).pixels
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert pixels[0, 7].tolist() == [0, 255, 0]


@pytest.mark.parametrize(
    ("step", "mode", "shown"),
    [
        ("LA", "La", [194] * 3),  # 100 at an opacity of 100, over white
        ("RGBA", "RGBa", [194] * 3),
        ("RGB", "HSV", [100] * 3),
    ],
)
def test_layouts_that_only_exist_in_memory(step, mode, shown):
    source = Image.new(step, (1, 1), (100,) * len(step))
    assert np.asarray(to_rgb(source.convert(mode))).reshape(3) == pytest.approx(shown, abs=1)


@pytest.mark.parametrize(
    ("samples", "shown"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([0.0, 128.0, 200.0], [0, 128, 200]),
        ([0.0, 65535.0], [0, 255]),
        ([-1.0, 0.0, 1.0], [0, 128, 255]),
        ([0.0, 1e6], [0, 255]),
        ([np.nan, 1.0], [0, 255]),
        ([-np.inf, 0.0, np.inf], [0, 128, 255]),
        ([-3.0, -3.0], [0, 0]),
    ],
)
def test_float_samples_are_scaled_by_the_range_they_use(samples, shown):
    assert eight_bits(np.array([samples], np.float32)).tolist() == [shown]


def test_small_whole_numbers_are_not_taken_for_fractions():
    assert eight_bits(np.array([[0, 1, 255]], np.int32)).tolist() == [[0, 1, 255]]
