import os

import numpy as np
import pytest
from PIL import Image

from mmsearch.config import Limits
from mmsearch.errors import FileUnreadable, MediaEmpty, MediaTooLarge, MediaUnsupported, UsageError
from mmsearch.media.image import read_image
from mmsearch.media.sources import image_from, read_bytes
from mmsearch.testing.media import exif_notes, four_colours, write_image, write_turned
from mmsearch.types import ImageInput

TARGET = ImageInput(32, 24)


def test_every_source_of_one_picture_gives_the_same_pixels(tmp_path, limits):
    path = write_image(tmp_path / "a.png", four_colours())
    data = path.read_bytes()
    wanted = read_image(data, limits, TARGET).pixels
    as_array = four_colours()
    sources = [path, str(path), data, Image.open(path), Image.fromarray(as_array), as_array, as_array / 255]
    for source in sources:
        assert np.array_equal(image_from(source, limits, TARGET), wanted)


def test_a_path_may_start_at_home(tmp_path, limits, monkeypatch):
    write_image(tmp_path / "a.png", "red")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert image_from("~/a.png", limits).shape == (48, 64, 3)


def test_arrays_of_every_kind(limits):
    grey = np.full((4, 6), 100, np.uint8)
    assert image_from(grey, limits).tolist() == np.full((4, 6, 3), 100).tolist()
    half_red = np.zeros((4, 6, 4), np.float64)
    half_red[...] = (1.0, 0.0, 0.0, 0.5)
    assert image_from(half_red, limits)[0, 0].tolist() == pytest.approx([255, 127, 127], abs=1)
    assert image_from(np.full((2, 2), 0.5, np.float16), limits).max() == 128
    turned = np.swapaxes(four_colours(), 0, 1)
    assert np.array_equal(image_from(turned, limits), turned)


def test_pil_images_are_turned_and_left_as_they_were(tmp_path, limits):
    path = write_turned(tmp_path / "a.jpg", four_colours(512, 256), 6)
    image = Image.open(path)
    pixels = image_from(image, limits, ImageInput(32, 16))
    assert pixels[4, 4].tolist() == pytest.approx([255, 0, 0], abs=12)
    assert image.size == (256, 512)
    assert image.getexif()[0x0112] == 6


def test_a_loaded_tiff_is_not_turned_twice(tmp_path, limits):
    path = write_turned(tmp_path / "a.tif", four_colours(), 6)
    image = Image.open(path)
    assert np.array_equal(image_from(image, limits), four_colours())
    assert np.array_equal(image_from(image, limits), four_colours())


@pytest.mark.parametrize(
    "source",
    [
        np.zeros(5, np.uint8),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((1, 4, 4, 3), np.uint8),
        np.zeros((4, 4), np.int64),
        np.full((4, 4), 1.5),
        np.full((4, 4), np.nan),
        np.full((4, 4), -0.1),
        7,
        None,
        ["a.jpg"],
    ],
)
def test_what_is_no_image_is_the_callers_mistake(limits, source):
    with pytest.raises(UsageError) as caught:
        image_from(source, limits)
    assert caught.value.remedy.startswith(("Use ", "Give "))


def test_images_without_pixels(limits):
    for source in (np.zeros((0, 4, 3), np.uint8), Image.new("RGB", (0, 5))):
        with pytest.raises(MediaEmpty):
            image_from(source, limits)


def test_limits_hold_for_images_in_memory(limits):
    with pytest.raises(MediaTooLarge):
        image_from(np.zeros((2001, 2000), np.uint8), limits)
    with pytest.raises(MediaTooLarge):
        image_from(Image.new("L", (2001, 2000)), limits)


def test_endings_that_cannot_be_read_are_refused_before_reading(tmp_path, limits):
    with pytest.raises(MediaUnsupported, match="NEF"):
        image_from(tmp_path / "missing.nef", limits)


def test_files_are_read_up_to_the_limit(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(bytes(100))
    assert read_bytes(path, 100) == bytes(100)
    with pytest.raises(MediaTooLarge, match="has 100 bytes; the limit is 99") as caught:
        read_bytes(path, 99)
    assert "limits.max_file_bytes" in caught.value.remedy


def test_what_is_no_regular_file_is_not_waited_for(tmp_path):
    with pytest.raises(FileUnreadable, match="No such file"):
        read_bytes(tmp_path / "missing", 10)
    with pytest.raises(FileUnreadable):
        read_bytes(tmp_path, 10)
    with pytest.raises(FileUnreadable):
        read_bytes("a\0b", 10)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(FileUnreadable, match="not a file"):
            read_bytes(tmp_path / "pipe", 10)


def test_the_machines_own_limits_are_enough_for_a_photo(tmp_path):
    exif = exif_notes(make="ACME")
    path = write_image(tmp_path / "a.jpg", "red", (640, 480), exif=exif)
    assert image_from(path, Limits().for_machine(2), TARGET).shape == (24, 32, 3)
