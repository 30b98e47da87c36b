"""One run of real worker processes over a folder of everything that goes wrong with media files."""

import json
import os
import struct
from dataclasses import asdict

import numpy as np
import pytest

import mmsearch
from mmsearch.testing.media import (
    exif_notes,
    four_colours,
    write_animation,
    write_bomb_png,
    write_corrupt,
    write_image,
    write_text,
    write_truncated,
    write_turned,
    write_wav,
)
from mmsearch.testing.sounds import tone, write_sound

LONG_NAME = "purple " + "ü" * 120 + ".jpg"  # 251 bytes
BYTES_NAME = os.fsdecode(b"brown \xff\xfe.jpg")

# Pictures that can be read, by the colour that finds them.
GOOD = {
    "cmyk.jpg": "red",
    "sixteen bit.png": "white",
    "palette.gif": "blue",
    "alpha.png": "green",
    "gray.tiff": "gray",
    "photo.webp": "orange",
    "screen.bmp": "black",
    "animated.gif": "yellow",
    "really a png.jpg": "pink",
    LONG_NAME: "purple",
    BYTES_NAME: "brown",
}
FAILS = {
    "half a photo.jpg": ("media_damaged", "The JPEG file is cut short"),
    "half a picture.png": ("media_damaged", "The PNG file is cut short"),
    "bomb.png": ("media_too_large", "100000 x 100000 pixels; the limit is"),
    "noise.jpg": ("media_damaged", "The content is not a picture"),
    "noise.txt": ("media_damaged", "The content is not text"),
    "nothing.jpg": ("media_empty", "The file is empty"),
    "nothing.txt": ("media_empty", "There is no text in the file"),
    "spaces.md": ("media_empty", "There is no text in the file"),
    "drawing.psd": ("media_unsupported", "PSD pictures are not supported. Save it as JPEG or PNG"),
    "drawing.jpg": ("media_unsupported", "PSD pictures are not supported. Save it as JPEG or PNG"),
    "camera.nef": ("media_unsupported", "Camera raw files (NEF) are not supported. Export it as JPEG"),
    "sidecar.jpg.json": ("media_damaged", "The captions of sidecar.jpg are not valid JSON"),
    "holiday.mp4": ("media_damaged", "The content is neither a sound nor a video"),
    "noise.flac": ("media_damaged", "The content is neither a sound nor a video"),
    "nothing.mp3": ("media_empty", "The file is empty"),
    "no time.wav": ("media_empty", "The sound lasts no time at all"),
}
# Sounds that can be read, by the words that find them.
SOUNDS = {
    "bark.wav": "high tone",
    "half a song.flac": "low tone",
    "really a wav.mp3": "middle tone",
    "film.mp4": "loud noise",
}
TEXTS = {
    "old letter.txt": "café in the old town",
    "upright.txt": "seen from the harbour",
    "upright.jpg.json": "gulls above the pier",
    "captions.csv": "lanterns along the river",
}


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd")
    _write_good(folder)
    _write_bad(folder)
    _write_captions(folder)
    _write_sounds(folder)
    (folder / "package.json").write_text('{"name": "not captions"}')
    (folder / "program.exe").touch()
    os.mkfifo(folder / "pipe.jpg")
    (folder / "loop").symlink_to(folder)
    (folder / "broken link.jpg").symlink_to(folder / "nowhere.jpg")
    return folder


def _write_good(folder):
    write_image(folder / "cmyk.jpg", (0, 255, 255, 0), mode="CMYK")
    write_image(folder / "sixteen bit.png", 65_535, mode="I;16")
    write_image(folder / "palette.gif", "blue", mode="P")
    write_image(folder / "alpha.png", (0, 255, 0, 255), mode="RGBA")
    write_image(folder / "gray.tiff", 128, mode="L")
    write_image(folder / "photo.webp", "orange", lossless=True)
    write_image(folder / "screen.bmp", "black")
    write_animation(folder / "animated.gif", ["yellow", "black", "black"])
    write_image(folder / "really.png", "pink").rename(folder / "really a png.jpg")
    write_image(folder / LONG_NAME, "purple")
    write_image(folder / BYTES_NAME, "brown")
    write_turned(folder / "turned.jpg", four_colours(), 6)
    write_image(folder / "upright.jpg", four_colours(), exif=exif_notes(taken="2021:05:04 10:20:30", make="Maker"))


def _write_bad(folder):
    write_truncated(folder / "half a photo.jpg")
    write_truncated(folder / "half a picture.png")
    write_bomb_png(folder / "bomb.png")
    for name in ("noise.jpg", "camera.nef"):
        write_corrupt(folder / name)
    (folder / "noise.txt").write_bytes(struct.pack("<64H", *range(64)))
    for name in ("nothing.jpg", "nothing.txt"):
        (folder / name).touch()
    write_text(folder / "spaces.md", " \n\t\n ")
    for name in ("drawing.psd", "drawing.jpg"):
        (folder / name).write_bytes(b"8BPS\0\1" + bytes(100))


def _write_sounds(folder):
    write_wav(folder / "bark.wav", pitch_hz=2_500)
    song = write_sound(folder / "half a song.flac", tone(4, pitch_hz=150))
    song.write_bytes(song.read_bytes()[: song.stat().st_size // 2])
    write_wav(folder / "really a wav.mp3", pitch_hz=700)
    write_sound(folder / "film.mp4", np.random.default_rng(0).uniform(-0.9, 0.9, 48_000).astype(np.float32))
    for name in ("holiday.mp4", "noise.flac"):
        write_corrupt(folder / name)
    (folder / "nothing.mp3").touch()
    write_wav(folder / "no time.wav", seconds=0)


def _write_captions(folder):
    write_text(folder / "old letter.txt", TEXTS["old letter.txt"], encoding="latin-1")
    write_text(folder / "upright.txt", TEXTS["upright.txt"])
    (folder / "upright.jpg.json").write_text(
        json.dumps({"title": "upright.jpg", "description": TEXTS["upright.jpg.json"]})
    )
    (folder / "captions.csv").write_text(f"file,caption\nturned.jpg,{TEXTS['captions.csv']}\n")
    write_image(folder / "sidecar.jpg", "blue")
    (folder / "sidecar.jpg.json").write_text("{broken")


@pytest.fixture(scope="module")
def indexed(media, tmp_path_factory):
    with mmsearch.open("odd", home=tmp_path_factory.mktemp("home"), model="hashing") as collection:
        yield collection, collection.index(media, workers=2)


def names(hits):
    return [os.path.basename(hit.path) for hit in hits]


def test_every_file_is_accounted_for(indexed):
    _, report = indexed
    good = len(GOOD) + 3 + len(SOUNDS) + len(TEXTS)
    expected = {"added": good, "encoded": good, "segments": good, "failed": len(FAILS), "skipped": 2}
    assert {name: value for name, value in asdict(report).items() if value and name != "seconds"} == expected


def test_each_failure_is_listed_with_a_reason_that_a_person_understands(indexed):
    failures = {os.path.basename(each.path): each for each in indexed[0].failures()}
    assert {name: each.code for name, each in failures.items()} == {name: code for name, (code, _) in FAILS.items()}
    for name, (_, reason) in FAILS.items():
        assert reason in failures[name].reason
    assert not any("Error" in each.reason or "/" in each.reason for each in failures.values())


@pytest.mark.parametrize(("name", "colour"), GOOD.items(), ids=ascii)
def test_what_can_be_read_is_found_by_its_colour(indexed, name, colour):
    hits = indexed[0].search(colour, modality="image", k=3)
    assert name in [each for each, hit in zip(names(hits), hits, strict=True) if hit.cosine > 0.8]


@pytest.mark.parametrize(("name", "words"), SOUNDS.items())
def test_what_can_be_heard_is_found_by_its_words(indexed, name, words):
    (hit,) = indexed[0].search(words, modality="audio", k=1)
    assert (os.path.basename(hit.path), hit.start_s) == (name, 0.0)
    assert hit.cosine > 0.7


@pytest.mark.parametrize(("name", "text"), TEXTS.items())
def test_texts_are_found_by_their_words(indexed, name, text):
    (hit,) = indexed[0].search(text, k=1, group=False)
    assert (os.path.basename(hit.path), hit.text, round(hit.cosine, 4)) == (name, text, 1.0)


def test_captions_say_what_they_are_about(indexed):
    about = {
        os.path.basename(hit.path): os.path.basename(hit.about or "")
        for hit in indexed[0].search("anything", modality="text", k=50, group=False)
    }
    assert about == {
        "old letter.txt": "",
        "upright.txt": "upright.jpg",
        "upright.jpg.json": "upright.jpg",
        "captions.csv": "turned.jpg",
    }


def test_a_turned_photo_is_seen_upright(indexed, media):
    """The quarters of the picture tell how it is turned: only the same way up is the best match."""
    collection, _ = indexed
    vectors = collection.embed(images=[str(media / "upright.jpg"), str(media / "turned.jpg")])
    assert vectors[0] @ vectors[1] > 0.999
    both = [hit for hit in collection.search(image=four_colours(), k=2, modality="image")]
    assert set(names(both)) == {"upright.jpg", "turned.jpg"}
    assert all((hit.width_px, hit.height_px) == (64, 48) for hit in both)
    assert {hit.captured_at for hit in both} == {None, "2021-05-04T10:20:30"}


def test_the_vectors_are_sound(indexed):
    collection, _ = indexed
    assert collection.verify() == []
    status = collection.status()
    assert status.waiting == {}
    assert status.index.vectors == sum(status.segments.values())
    scores = np.array([hit.cosine for hit in collection.search("red", k=100)])
    assert np.isfinite(scores).all()


def test_the_next_run_reads_nothing(indexed, media):
    collection, first = indexed
    again = collection.index(media, workers=2)
    assert (again.unchanged, again.encoded, again.failed) == (first.added + first.failed + 1, 0, 0)
    assert (again.waiting, again.skipped) == (0, 1)
