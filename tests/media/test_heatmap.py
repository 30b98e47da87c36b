from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mmsearch.media.heat import heat_colours
from mmsearch.media.heat_chart import HeatRow, heat_chart_png, heat_strip_png
from mmsearch.media.heatmap import HeatPanel, heatmap_png, overlay_png
from mmsearch.media.lettering import drawable

WHOLE = (0, 0, 1, 1)
LEFT = np.array([[1.0, 0], [1, 0]])


def pixels_of(png):
    with Image.open(BytesIO(png)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGBA")).astype(int)


def grey(width=300, height=200):
    return np.full((height, width, 3), 128, np.uint8)


def test_colours_get_ever_lighter():
    light = heat_colours(np.linspace(0, 1, 50)) @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(light) > 0).all()
    assert heat_colours([-1, 2]).tolist() == heat_colours([0, 1]).tolist()


def test_the_hot_side_is_lit_and_the_cold_one_darker():
    shown = pixels_of(heatmap_png(grey(), [HeatPanel("red", "word 1", LEFT)], WHOLE))
    hot, cold = shown[134, 30, :3], shown[134, 290, :3]
    assert hot.sum() > 3 * 128 > cold.sum()
    assert hot[0] > hot[2]  # yellow


def test_panels_stand_in_a_grid_each_below_its_caption():
    panels = [HeatPanel(f"word {place}", "", LEFT * place / 8) for place in range(1, 8)]
    one, three, seven = (pixels_of(heatmap_png(grey(), panels[:count], WHOLE)).shape[:2] for count in (1, 3, 7))
    assert one == (246, 324)
    assert three == (246, 948)
    assert seven == (492, 1260)
    shown = pixels_of(heatmap_png(grey(), panels, WHOLE))
    assert (shown[:34, 12:200, :3] < 100).any()  # a caption
    assert shown[134, 30, :3].sum() < shown[134, 30 + 2 * 312, :3].sum()  # word 3 found more there than word 1


def test_drawing_again_gives_the_same_bytes():
    panels = [HeatPanel("red", "", LEFT)]
    assert heatmap_png(grey(), panels, WHOLE) == heatmap_png(grey(), panels, WHOLE)


def test_what_the_model_does_not_see_is_grey():
    shown = pixels_of(overlay_png(np.ones((2, 2)), (60, 30), (0.25, 0, 0.75, 1)))
    assert shown[15, 5].tolist() == [128, 128, 128, 150]
    assert shown[15, 30, :3].tolist() == heat_colours(1).tolist()
    assert shown.shape == (30, 60, 4)


def test_margins_round_the_picture_are_cut_off():
    cells = np.zeros((4, 4))
    cells[0] = 1  # above the picture
    cells[1, 0] = 1  # its upper left
    shown = pixels_of(overlay_png(cells, (60, 30), (0, -0.5, 1, 1.5)))
    hot = heat_colours(0.5)[0]
    assert shown[2, 4, 0] > hot > shown[28, 55, 0]
    assert (shown[:, :, 3] < 255).all()


@pytest.mark.parametrize("size", [(1, 1), (500, 1), (1, 500)])
def test_pictures_of_any_shape(size):
    png = heatmap_png(grey(*size), [HeatPanel("x", "", np.ones((7, 7)))], WHOLE)
    assert pixels_of(png).shape[1] >= 200
    assert pixels_of(overlay_png(np.ones((3, 2)), size, (0.3, 0.3, 0.7, 0.7))).shape[:2] == size[::-1]


@pytest.mark.parametrize(
    ("word", "drawn"),
    [
        ("dog", "dog"),
        ("Käse", "Kase"),  # the font has no umlauts
        ("two\n\twords\x00", "word 1"),
        ("two\n\twords", "two words"),
        ("犬", "word 1"),
        ("", "word 1"),
        (" \u202e ", "word 1"),
        ("\ud800", "word 1"),
        ("x" * 40, "x" * 31 + "…"),
    ],
)
def test_words_are_drawn_as_far_as_the_font_goes(word, drawn):
    assert drawable(word, "word 1") == drawn


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(), max_size=50))
def test_any_word_can_be_drawn(word):
    heatmap_png(grey(20, 20), [HeatPanel(word, "word 1", LEFT)], WHOLE)
    heat_chart_png([HeatRow(word, "word 1", [(0, 1, 0.5)])], 0, 1)


def test_bars_are_as_high_as_what_was_found():
    rows = [HeatRow("dog", "", [(0, 1, 0.25), (1, 2, 1.0), (2, 4, 0)])]
    shown = pixels_of(heat_chart_png(rows, 0, 4))
    heights = [(np.abs(shown[34:99, x, :3] - 240).sum(axis=1) > 30).sum() for x in (150, 400, 700)]
    assert heights == [17, 65, 0]
    assert (shown[110:, :, :3] < 200).any()  # the axis


@pytest.mark.parametrize("length_s", [0.05, 0.5, 10, 599, 36_000])
def test_sounds_of_any_length(length_s):
    assert pixels_of(heat_chart_png([HeatRow("x", "", [(3, 3 + length_s, 1)])], 3, 3 + length_s)).shape[1] == 1000


def test_a_strip_has_a_pixel_a_value():
    assert pixels_of(heat_strip_png([0, 0.5, 1]))[0, :, :3].tolist() == heat_colours([0, 0.5, 1]).tolist()
