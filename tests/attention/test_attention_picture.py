import os
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from two_colours import halves, write_tones

from mmsearch.config import Limits
from mmsearch.errors import FileUnreadable, MediaTooLarge, StorageError, UsageError
from mmsearch.testing.media import write_image


def pixels_of(path):
    with Image.open(BytesIO(path.read_bytes())) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_a_panel_for_all_words_and_one_for_each_that_tells_something(collection, folder, halved, tmp_path):
    collection.index(folder)
    target = tmp_path / "heat.PNG"
    collection.explain("the red and blue", halved).save_picture(target)
    shown = pixels_of(target)
    assert shown.shape == (34 + 128 + 12, 3 * (256 + 12) + 12, 3)  # small pictures are enlarged
    first, second = shown[98, 268 + 12 :][[60, 200]], shown[98, 2 * 268 + 12 :][[60, 200]]  # on the left, on the right
    red, blue = (first, second) if first[0].sum() > first[1].sum() else (second, first)
    assert red[0, 1] > 80 > red[1, 1]  # on pure red, green is that of the overlay
    assert blue[1, 1] > 80 > blue[0, 1]


def test_at_most_six_words(collection, folder, halved, tmp_path):
    collection.index(folder)
    collection.explain("red blue green yellow pink brown black white", halved).save_picture(tmp_path / "heat.png")
    assert pixels_of(tmp_path / "heat.png").shape[:2] == (2 * (34 + 128 + 12), 4 * 268 + 12)


def test_large_pictures_are_made_smaller(collection, folder, tmp_path):
    path = write_image(folder / "large.jpg", halves(size=(2_000, 500)))
    collection.index(folder)
    collection.explain("red", path).save_picture(tmp_path / "heat.png")
    assert pixels_of(tmp_path / "heat.png").shape == (34 + 128 + 12, 2 * (512 + 12) + 12, 3)


def test_a_chart_of_a_sound(collection, folder, tmp_path):
    path = write_tones(folder / "tones.wav", 200, 200, 2_000, 200, 200)
    collection.index(folder)
    collection.explain("high", path).save_picture(tmp_path / "heat.png")
    shown = pixels_of(tmp_path / "heat.png")
    bars = shown[110 + 90, :, 2] < 200
    assert np.flatnonzero(bars)[[0, -1]] == pytest.approx([40 + 0.4 * 920, 40 + 0.6 * 920], abs=2)


def test_a_text_has_no_picture(collection, folder, note, tmp_path):
    collection.index(folder)
    with pytest.raises(UsageError, match="Leave out -o"):
        collection.explain("dog", note).save_picture(tmp_path / "heat.png")
    assert not (tmp_path / "heat.png").exists()


@pytest.mark.parametrize("name", ["heat.jpg", "heat", "heat.png.txt", ".png"])
def test_only_png_is_written(collection, folder, halved, tmp_path, name):
    collection.index(folder)
    with pytest.raises(UsageError, match="written as PNG"):
        collection.explain("red", halved).save_picture(tmp_path / name)


def test_the_item_itself_is_never_written_over(collection, folder, halved, tmp_path):
    collection.index(folder)
    before = halved.read_bytes()
    os.link(halved, tmp_path / "hard.png")
    (tmp_path / "soft.png").symlink_to(halved)
    explanation = collection.explain("red", halved)
    for name in (halved, tmp_path / "hard.png", tmp_path / "soft.png", folder / ".." / "media" / "halves.png"):
        with pytest.raises(UsageError, match="is the item itself"):
            explanation.save_picture(name)
    assert halved.read_bytes() == before


def test_another_file_of_that_name_is_replaced(collection, folder, halved, tmp_path):
    collection.index(folder)
    explanation = collection.explain("red", halved)
    explanation.save_picture(tmp_path / "heat.png")
    first = (tmp_path / "heat.png").read_bytes()
    (tmp_path / "heat.png").write_bytes(b"old")
    explanation.save_picture(tmp_path / "heat.png")
    assert (tmp_path / "heat.png").read_bytes() == first
    assert os.listdir(tmp_path / "home") == ["photos"]
    assert not list(tmp_path.glob(".heat*"))


def test_a_folder_that_is_not_there_is_not_made(collection, folder, halved, tmp_path):
    collection.index(folder)
    with pytest.raises(StorageError, match="there is no folder"):
        collection.explain("red", halved).save_picture(tmp_path / "new" / "heat.png")
    assert not (tmp_path / "new").exists()


def test_a_picture_that_has_changed_or_gone_is_not_drawn_on(collection, folder, halved, tmp_path):
    collection.index(folder)
    explanation = collection.explain("red", halved)
    write_image(halved, "green")
    with pytest.raises(FileUnreadable, match="has changed since it was indexed"):
        explanation.save_picture(tmp_path / "heat.png")
    halved.unlink()
    with pytest.raises(FileUnreadable, match="No such file"):
        explanation.save_picture(tmp_path / "heat.png")
    assert not (tmp_path / "heat.png").exists()


def test_limits_hold(collection, folder, halved, tmp_path):
    collection.index(folder)
    few = replace(Limits().for_machine(workers=1), max_pixels=100)
    with pytest.raises(MediaTooLarge):
        collection.explain("red", halved).save_picture(tmp_path / "heat.png", limits=few)
