import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageFile, JpegImagePlugin

from mmsearch.errors import MediaTooLarge
from mmsearch.media.image import read_image
from mmsearch.testing.media import (
    exif_notes,
    four_colours,
    write_animation,
    write_bomb_png,
    write_image,
    write_turned,
)
from mmsearch.types import ImageInput

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def corners(pixels):
    """The colours of the four quarters: upper left, upper right, lower left, lower right."""
    height, width = pixels.shape[:2]
    places = [(height // 4, width // 4), (height // 4, width * 3 // 4)]
    places += [(height * 3 // 4, x) for _, x in places]
    return [tuple(int(value) for value in pixels[place]) for place in places]


def smooth_photo(width, height):
    """A picture without sharp edges, so that scaling filters nearly agree."""
    y, x = np.mgrid[0:height, 0:width]
    waves = (np.sin(x / width * 7) + np.cos(y / height * 5), x / width * 2 - 1, np.sin((x / width + y / height) * 4))
    return np.stack([(wave * 60 + 127).clip(0, 255) for wave in waves], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.bmp", "a.dib", "a.tif", "a.gif"])
def test_every_lossless_format_gives_the_same_pixels(tmp_path, limits, name):
    options = {"lossless": True} if name.endswith("webp") else {}
    path = write_image(tmp_path / name, four_colours(), **options)
    decoded = read_image(path.read_bytes(), limits)
    assert np.array_equal(decoded.pixels, four_colours())
    assert (decoded.info.width_px, decoded.info.height_px) == (64, 48)


@pytest.mark.parametrize(("name", "mime"), [("a.jpg", "image/jpeg"), ("a.avif", "image/avif")])
def test_lossy_formats_come_close(tmp_path, limits, name, mime):
    path = write_image(tmp_path / name, smooth_photo(96, 64), quality=95)
    decoded = read_image(path.read_bytes(), limits)
    assert decoded.info.media_type == mime
    assert np.abs(decoded.pixels.astype(int) - smooth_photo(96, 64)).mean() < 3


def test_heic_is_read_without_changing_pillow(tmp_path, limits):
    pillow_heif = pytest.importorskip("pillow_heif")
    path = tmp_path / "a.heic"
    pillow_heif.from_pillow(Image.fromarray(smooth_photo(128, 96))).save(path, quality=95)
    decoded = read_image(path.read_bytes(), limits, ImageInput(64, 48))
    wanted = np.asarray(Image.fromarray(smooth_photo(128, 96)).resize((64, 48)))
    assert np.abs(decoded.pixels.astype(int) - wanted).mean() < 3
    assert decoded.info.media_type == "image/heic"
    assert "HEIF" not in Image.OPEN


def test_the_content_decides_not_the_name(tmp_path, limits):
    path = write_image(tmp_path / "a.png", "blue").rename(tmp_path / "a.jpg")
    assert read_image(path.read_bytes(), limits).info.media_type == "image/png"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tif"])
def test_every_orientation_is_undone(tmp_path, limits, orientation, ending):
    path = write_turned(tmp_path / f"a{ending}", four_colours(), orientation)
    for target in (None, ImageInput(32, 24), ImageInput(32, 24, "crop"), ImageInput(32, 24, "pad")):
        decoded = read_image(path.read_bytes(), limits, target)
        assert np.allclose(corners(decoded.pixels), [RED, GREEN, BLUE, WHITE], atol=12)
        assert (decoded.info.width_px, decoded.info.height_px) == (64, 48)


@pytest.mark.parametrize("orientation", [1, 6])
def test_the_fits_cut_and_fill_where_they_should(tmp_path, limits, orientation):
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, :20], wide[:, 20:40], wide[:, 40:] = RED, GREEN, BLUE
    data = write_turned(tmp_path / "a.png", wide, orientation).read_bytes()
    squashed = read_image(data, limits, ImageInput(30, 30)).pixels
    assert [tuple(squashed[15, x]) for x in (4, 15, 25)] == [RED, GREEN, BLUE]
    cropped = read_image(data, limits, ImageInput(10, 10, "crop")).pixels
    assert (cropped[:, 1:-1] == GREEN).all()  # the edges blend with what was cut off, as in any scaling
    padded = read_image(data, limits, ImageInput(30, 30, "pad")).pixels
    assert [tuple(padded[y, 15]) for y in (2, 15, 27)] == [WHITE, GREEN, WHITE]
    assert (padded[:10] == 255).all()
    assert (padded[20:] == 255).all()
    assert [tuple(padded[15, x]) for x in (4, 25)] == [RED, BLUE]


@pytest.mark.parametrize("fit", ["squash", "crop", "pad"])
def test_large_jpegs_are_decoded_small_and_look_the_same(tmp_path, limits, fit, monkeypatch):
    photo = smooth_photo(1024, 768)
    data = write_image(tmp_path / "a.jpg", photo, quality=92).read_bytes()
    decoded_sizes = []
    load_end = ImageFile.ImageFile.load_end
    monkeypatch.setattr(
        JpegImagePlugin.JpegImageFile, "load_end", lambda self: (decoded_sizes.append(self.size), load_end(self))
    )
    drafted = read_image(data, limits, ImageInput(100, 90, fit)).pixels
    assert decoded_sizes == [(128, 96)]
    whole = BytesIO()
    Image.fromarray(photo).save(whole, "PNG")
    exact = read_image(whole.getvalue(), limits, ImageInput(100, 90, fit)).pixels
    assert np.abs(drafted.astype(int) - exact).mean() < 1.5


def test_results_are_packed_rgb_of_the_wanted_size(tmp_path, limits):
    data = write_image(tmp_path / "a.jpg", smooth_photo(50, 40)).read_bytes()
    pixels = read_image(data, limits, ImageInput(224, 160, resample="bicubic")).pixels
    assert (pixels.shape, pixels.dtype, pixels.flags.c_contiguous) == ((160, 224, 3), np.uint8, True)


@pytest.mark.parametrize("ending", [".gif", ".png", ".webp"])
def test_animations_show_their_first_frame(tmp_path, limits, ending):
    path = write_animation(tmp_path / f"a{ending}", ["red", "blue", "green"])
    assert np.allclose(read_image(path.read_bytes(), limits).pixels, RED, atol=3)


def test_a_bomb_is_refused_by_its_header(tmp_path, limits):
    with pytest.raises(MediaTooLarge, match=r"100000 x 100000 pixels; the limit is 4,000,000") as caught:
        read_image(write_bomb_png(tmp_path / "a.png").read_bytes(), limits)
    assert "limits.max_pixels" in caught.value.remedy


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.jpg", "a.tif", "a.bmp"])
def test_the_pixel_limit_holds_for_every_format(tmp_path, limits, name):
    data = write_image(tmp_path / name, "red", (2001, 2000)).read_bytes()
    with pytest.raises(MediaTooLarge, match="2001 x 2000"):
        read_image(data, limits)


def test_pillows_own_limit_and_warnings_play_no_part(tmp_path, limits, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    data = write_image(tmp_path / "a.jpg", "red").read_bytes()
    assert read_image(data, limits).pixels.shape == (48, 64, 3)
    assert Image.MAX_IMAGE_PIXELS == 10


def test_warnings_are_silenced_only_inside(tmp_path, limits):
    cut = exif_notes(make="Camera", model="A long name of a model").tobytes()[:-12]
    data = write_image(tmp_path / "a.jpg", "red", exif=cut).read_bytes()
    with pytest.warns(UserWarning, match="Truncated"):
        Image.open(BytesIO(data)).getexif()
    before = list(warnings.filters)
    with ThreadPoolExecutor(4) as threads:
        shapes = {decoded.pixels.shape for decoded in threads.map(lambda _: read_image(data, limits), range(40))}
    assert shapes == {(48, 64, 3)}
    assert list(warnings.filters) == before


def test_decoding_is_safe_in_threads(tmp_path, limits):
    files = [write_image(tmp_path / f"{x}.jpg", (x, x, x)).read_bytes() for x in range(0, 250, 10)]
    with ThreadPoolExecutor(8) as threads:
        means = [d.pixels.mean() for d in threads.map(lambda data: read_image(data, limits), files * 4)]
    assert means == pytest.approx([float(x) for x in range(0, 250, 10)] * 4, abs=1)


def test_importing_the_readers_loads_no_heic_library():
    script = "import sys, mmsearch.media.image; print('pillow_heif' in sys.modules, 'torch' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["False", "False"]
