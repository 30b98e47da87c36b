import base64
import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from two_colours import halves, write_tones

import mmsearch
from mmsearch.cli.page import page
from mmsearch.config import Limits
from mmsearch.queries import Hits
from mmsearch.testing.media import write_image, write_text


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mapped")
    write_image(folder / "halves.png", halves())
    write_tones(folder / "tones.wav", 200, 200, 2_000, 200, 200)
    write_text(folder / "note.txt", "A red dog.")
    with mmsearch.open("default", home=folder / "home", model="hashing") as collection:
        collection.index(folder, workers=1, exclude=["home"])
    return folder


@pytest.fixture
def search(cli, folder, tmp_path, monkeypatch):
    """Search, and return the page."""
    monkeypatch.setenv("MMSEARCH_HOME", str(folder / "home"))

    def run(*args, told=""):
        ran = cli("search", *args, "--html", tmp_path / "page.html")
        assert ran.exit_code == 0
        assert told in ran.stderr
        return (tmp_path / "page.html").read_text(encoding="utf-8")

    return run


def images(text, kind):
    found = re.findall(rf'<img class="{kind}" alt="" src="data:image/png;base64,([^"]+)">', text)
    return [np.asarray(Image.open(BytesIO(base64.b64decode(each))).convert("RGBA")).astype(int) for each in found]


def test_pictures_have_a_map_over_them_and_sounds_a_strip_below(search):
    text = search("red high", "--explain")
    (overlay,) = images(text, "heat")
    assert overlay.shape == (32, 64, 4)
    assert overlay[16, 5, 3] > 150 > overlay[16, 60, 3]
    (strip,) = images(text, "strip")
    assert strip.shape[0] == 1
    assert strip[0, :, 0].max() > 200
    assert re.search(r'<div class="looked"><img alt="" src="data:image/jpeg', text)
    assert re.findall(r'<span class="more">((?:red|high)[^<]*%)</span>', text)
    assert "<script" not in text
    assert not re.search(r"(?:src|href)=\"http", text)


def test_without_explain_or_without_a_text_there_are_none(search, folder):
    for args in (("red high",), ("--image", folder / "halves.png", "--explain")):
        text = search(*args)
        assert 'class="heat"' not in text
        assert 'class="strip"' not in text


def test_words_to_steer_away_from_are_not_looked_for(search):
    text = search("red", "--not", "blue", "--explain")
    assert re.search(r'class="more">red 100%<', text)


def test_words_are_escaped(folder):
    with mmsearch.open("default", home=folder / "home") as collection:
        hits = collection.search("red <b>&", modality="image", explain=True)
        maps = collection.explain_hits("red", [hit.id for hit in hits])
    (word,) = maps[hits[0].id].words
    object.__setattr__(word, "word", "<b>\x1b&")
    text = page(hits, ["x"], Limits().for_machine(workers=1), {hits[0].path}, maps)
    assert "&lt;b&gt;\\x1b&amp; 100%" in text


def test_a_picture_without_a_thumbnail_has_no_map(folder):
    with mmsearch.open("default", home=folder / "home") as collection:
        hits = collection.search("red", modality="image", explain=True)
        maps = collection.explain_hits("red", [hit.id for hit in hits])
    text = page(Hits(hits.hits), ["x"], Limits().for_machine(workers=1), set(), maps)
    assert 'class="heat"' not in text


def test_what_cannot_be_looked_at_is_told_and_the_page_is_written(search, monkeypatch):
    from mmsearch.errors import ModelError
    from mmsearch.rerankers.maxsim import MaxSimReranker

    def fail(*_):
        raise ModelError("out of order")

    monkeypatch.setattr(MaxSimReranker, "relevance", fail)
    text = search("red", "--explain", told="The page has no heat maps: out of order")
    assert 'class="heat"' not in text
    assert "data:image/jpeg" in text


def test_nothing_found_is_a_page_too(search):
    assert "Nothing found" in search("red", "--explain", "--where", "year = 1900")
