import base64
import re
from html.parser import HTMLParser
from io import BytesIO

import pytest
from PIL import Image

from mmsearch.cli.page import page
from mmsearch.queries import Hit, Hits
from mmsearch.testing.media import write_image


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.hrefs, self.sources = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        attrs = dict(attrs)
        if "href" in attrs:
            self.hrefs.append(attrs["href"])
        if "src" in attrs:
            self.sources.append(attrs["src"])


def parsed(text):
    parser = Links()
    parser.feed(text)
    return parser


@pytest.fixture
def limits():
    from mmsearch.config import Limits

    return Limits().for_machine(workers=1)


def test_page_is_complete_in_itself(cli, shared, media, tmp_path):
    ran = cli("search", "red", "--not", "2:green", "-k", "3", "--html", tmp_path / "new" / "page.html")
    assert ran.exit_code == 0
    assert len(ran.objects) == 3
    assert "page.html" in ran.stderr
    text = (tmp_path / "new" / "page.html").read_text(encoding="utf-8")
    links = parsed(text)
    assert "script" not in links.tags
    assert links.hrefs[0] == (media / "red.png").as_uri()
    assert all(source.startswith("data:image/jpeg;base64,") for source in links.sources)
    assert "http" not in text.replace("http-equiv", "")
    assert "<span>red</span><span>not 2:green</span>" in text
    for hit in ran.objects:
        assert f">{hit['score']:.2f}<" in text


def test_thumbnail_shows_the_picture(tmp_path, limits):
    path = write_image(tmp_path / "wide.png", "blue", (1200, 300))
    text = page(Hits((Hit(1, 7, 0.5, str(path), "image"),)), ["x"], limits, {str(path)})
    data = re.search(r"base64,([^\"]+)", text)[1]
    with Image.open(BytesIO(base64.b64decode(data))) as thumbnail:
        assert thumbnail.size == (480, 120)
        red, green, blue = thumbnail.getpixel((200, 60))
    assert blue > 200 > 60 > max(red, green)


def test_caption_shows_its_picture(tmp_path, limits):
    photo = write_image(tmp_path / "photo.png", "blue")
    hit = Hit(1, 7, 0.5, str(tmp_path / "photo.txt"), "text", text="A lemon.", about=str(photo))
    text = page(Hits((hit,)), ["x"], limits, {hit.about})
    assert parsed(text).hrefs == [photo.as_uri()]
    assert "<img" in text
    assert "<blockquote>A lemon.</blockquote>" in text
    assert ">photo.png<" in text
    assert ">caption &middot; " in text


def test_text_is_escaped(limits):
    hit = Hit(1, 7, 0.5, "/a/<b>&\udce9.txt", "text", text="<script>alert(1)</script> $title\n\tsecond\x1b")
    text = page(Hits((hit,)), ["<i>&</i>", "$cards"], limits, set())
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; $title\n    second\\x1b<" in text
    assert "<span>&lt;i&gt;&amp;&lt;/i&gt;</span><span>$cards</span>" in text
    assert parsed(text).hrefs == ["file:///a/%3Cb%3E%26%E9.txt"]


def test_picture_that_is_gone_has_no_thumbnail(tmp_path, limits):
    gone = Hit(1, 7, 0.5, str(tmp_path / "gone.png"), "image")
    there = Hit(2, 8, 0.4, str(write_image(tmp_path / "there.png")), "image")
    text = page(Hits((gone, there)), ["x"], limits, {gone.path, there.path})
    assert text.count("<img") == 1
    assert 'class="missing"' in text


def test_picture_that_no_worker_has_read_is_not_decoded(tmp_path, limits):
    hit = Hit(1, 7, 0.5, "/a.txt", "text", text="x", about=str(write_image(tmp_path / "unread.png")))
    assert "data:image" in page(Hits((hit,)), ["x"], limits, {hit.about})
    assert "data:image" not in page(Hits((hit,)), ["x"], limits, set())


def test_verdict_and_nothing_found(limits):
    weak = page(Hits((Hit(1, 7, 0.1, "/a.txt", "text", text="x"),), good_match=False), ["x"], limits, set())
    assert "No good match" in weak
    good = page(Hits((Hit(1, 7, 0.9, "/a.txt", "text", text="x"),), good_match=True), ["x"], limits, set())
    assert "No good match" not in good
    assert "Nothing found" in page(Hits(), ["x"], limits, set())


def test_page_that_cannot_be_written(cli, shared, tmp_path):
    (tmp_path / "file").write_text("")
    ran = cli("search", "red", "--html", tmp_path / "file" / "page.html")
    assert ran.exit_code == 7
    assert "page.html" in ran.stderr
