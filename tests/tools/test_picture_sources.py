"""What is read from the packages of pictures, and what photos.tsv says of the photos."""

import io
import tarfile

import pytest

from tools.train_builtin.fetch import Package
from tools.train_builtin.pictures import sources
from tools.train_builtin.pictures.sources import Photo, clip_art_caption

FREE = ("Public domain", "CC0-1.0", "CC-BY-", "MIT", "Apache-2.0")
CLDR = "usr/share/unicode/cldr/common"
NAMES = '<ldml><annotations><annotation cp="☀" type="tts">sun</annotation>{}</annotations></ldml>'


def tarball(path, members):
    with tarfile.open(path, "w:gz") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(f"./{name}" if name.startswith("usr/") else name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """One small archive for each package."""
    clip_art = "usr/share/openclipart/png"
    contents = {
        "photographs": {"a/cat.jpg": b"cat"},
        "openclipart-png": {
            f"{clip_art}/food/fruit/lemon_slice_01.png": b"lemon",
            f"{clip_art}/food/fruit/lemon_slice_01.txt": b"text",
            f"{clip_art}/shapes/stars/star.png": b"star",
        },
        "unicode-cldr-core": {
            f"{CLDR}/annotations/en.xml": NAMES.format('<annotation cp="☀">bright | rays</annotation>').encode(),
            f"{CLDR}/annotationsDerived/en.xml": NAMES.format(
                '<annotation cp="👋🏽" type="tts">waving hand: medium skin tone</annotation>'
            ).encode(),
        },
        "emoji-datasource-google": {
            "package/img/google/64/2600-fe0f.png": b"sun 1",
            "package/img/google/64/1f44b-1f3fd.png": b"hand",
            "package/img/google/sheets/64.png": b"sheet",
        },
        "emoji-datasource-twitter": {"package/img/twitter/64/2600-fe0f.png": b"sun 2"},
        "@lobehub/fluent-emoji-3d": {"package/assets/2600-fe0f.webp": b"sun 3", "package/assets/xyz.webp": b"?"},
    }
    packages = {}
    for number, (name, members) in enumerate(contents.items()):
        tarball(tmp_path / f"{number}.tar.gz", members)
        packages[name] = Package(name, "npm", "1", f"{number}.tar.gz", "0" * 64)
    photo = Photo("photographs", "a/cat.jpg", "CC0-1.0", "someone", ("a cat", "a grey cat"))
    monkeypatch.setattr(sources, "packages", lambda: packages)
    monkeypatch.setattr(sources, "read_photos", lambda: [photo])
    return tmp_path


def test_pictures_come_with_what_they_show(cache):
    found = [(picture.source, picture.subject, picture.captions, picture.data) for picture in sources.pictures(cache)]
    assert found == [
        ("photos", "a/cat.jpg", ("a cat", "a grey cat"), b"cat"),
        ("openclipart-png", "lemon slice fruit", ("lemon slice fruit",), b"lemon"),
        ("emoji-datasource-google", "sun", ("sun",), b"sun 1"),
        ("emoji-datasource-twitter", "sun", ("sun",), b"sun 2"),
        ("@lobehub/fluent-emoji-3d", "sun", ("sun",), b"sun 3"),
    ]


@pytest.mark.parametrize(
    ("path", "caption"),
    [
        ("food/fruit/lemon_slice_01.png", "lemon slice fruit"),
        ("animals/b_w_tiger-2.png", "b w tiger animals"),
        ("tools/03.png", "tools"),
    ],
)
def test_clip_art_is_called_by_file_and_folder(path, caption):
    assert clip_art_caption(path) == caption


def test_each_photo_is_free_credited_and_captioned():
    photos = sources.read_photos()
    assert len(photos) > 200
    assert len({(photo.package, photo.member) for photo in photos}) == len(photos)
    assert {photo.package for photo in photos} <= set(sources.packages())
    for photo in photos:
        assert photo.licence.startswith(FREE), photo
        assert not {"NC", "ND"} & set(photo.licence.split("-")), photo
        assert photo.credit, photo
        assert len(set(photo.captions)) >= 2, photo
        assert all(caption == caption.strip() and len(caption) > 5 for caption in photo.captions), photo
