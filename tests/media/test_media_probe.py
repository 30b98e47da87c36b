import pytest

from mmsearch.errors import MediaUnsupported
from mmsearch.media.probe import check_supported, is_captions_file, is_markdown, modality_of


@pytest.mark.parametrize(
    ("name", "modality"),
    [
        ("/a/photo.JPG", "image"),
        ("b.jpeg", "image"),
        ("anim.apng", "image"),
        ("live.HEIC", "image"),
        ("drawing.psd", "image"),
        ("raw.CR2", "image"),
        ("notes.txt", "text"),
        ("README.Md", "text"),
        ("song.m4a", "audio"),
        ("bark.WAV", "audio"),
        ("clip.3gp", "video"),
        ("film.mkv", "video"),
        ("captions.csv", None),
        ("code.py", None),
        (".jpg", None),
        ("jpg", None),
        ("folder.jpg/file", None),
        ("two.jpg.part", None),
    ],
)
def test_modality_follows_the_last_ending(name, modality):
    assert modality_of(name) == modality


def test_captions_and_markdown_are_told_by_their_endings():
    assert [is_captions_file(name) for name in ("a.CSV", "a.json", "a.jsonl", "a.txt")] == [True] * 3 + [False]
    assert [is_markdown(name) for name in ("a.MD", "a.markdown", "a.txt")] == [True, True, False]


@pytest.mark.parametrize("name", ["a.jpg", "a.heic", "a.txt", "a.mp4", "a"])
def test_readable_endings_pass(name):
    check_supported(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("x.PSD", "PSD pictures are not supported. Save it as JPEG or PNG."),
        ("x.svg", "SVG pictures are not supported. Save it as JPEG or PNG."),
        ("x.nef", "Camera raw files (NEF) are not supported. Export it as JPEG."),
    ],
)
def test_other_pictures_are_refused_with_the_way_out(name, reason):
    with pytest.raises(MediaUnsupported) as caught:
        check_supported(name)
    assert str(caught.value) == reason
