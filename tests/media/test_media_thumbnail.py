from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from mmsearch.errors import MediaDamaged, MediaTooLarge, MediaUnsupported
from mmsearch.media.thumbnail import thumbnail_jpeg
from mmsearch.testing.media import (
    exif_notes,
    four_colours,
    write_bomb_png,
    write_image,
    write_truncated,
    write_turned,
)


def test_a_thumbnail_is_upright_of_the_same_shape_and_bounded(tmp_path, limits):
    path = write_turned(tmp_path / "a.jpg", four_colours(800, 600), 8)
    thumbnail = Image.open(BytesIO(thumbnail_jpeg(path, limits, 100)))
    assert (thumbnail.format, thumbnail.size) == ("JPEG", (100, 75))
    assert thumbnail.getpixel((10, 10)) == pytest.approx((255, 0, 0), abs=12)
    assert thumbnail.getpixel((90, 10)) == pytest.approx((0, 255, 0), abs=12)


@pytest.mark.parametrize(("size", "small"), [((1000, 3), (64, 1)), ((3, 1000), (1, 64)), ((20, 10), (20, 10))])
def test_long_and_small_pictures(tmp_path, limits, size, small):
    path = write_image(tmp_path / "a.png", "red", size)
    assert Image.open(BytesIO(thumbnail_jpeg(path, limits, 64))).size == small


def test_a_thumbnail_does_not_tell_where_it_was_taken(tmp_path, limits):
    exif = exif_notes(make="ACME", gps=("N", (48.0, 8.0, 0.0), "E", (11.0, 34.0, 0.0)))
    path = write_image(tmp_path / "a.jpg", "red", exif=exif, comment=b"secret", icc_profile=b"secret profile")
    data = thumbnail_jpeg(path, limits)
    assert not dict(Image.open(BytesIO(data)).getexif())
    assert b"secret" not in data
    assert b"ACME" not in data


def test_transparency_is_white(tmp_path, limits):
    path = write_image(tmp_path / "a.png", (255, 0, 0, 0), mode="RGBA")
    assert np.asarray(Image.open(BytesIO(thumbnail_jpeg(path, limits)))).min() > 250


def test_what_cannot_be_read_has_no_thumbnail(tmp_path, limits):
    with pytest.raises(MediaTooLarge):
        thumbnail_jpeg(write_bomb_png(tmp_path / "a.png"), limits)
    with pytest.raises(MediaDamaged):
        thumbnail_jpeg(write_truncated(tmp_path / "a.jpg"), limits)
    with pytest.raises(MediaUnsupported):
        thumbnail_jpeg(tmp_path / "a.psd", limits)
