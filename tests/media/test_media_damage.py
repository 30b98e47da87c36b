import struct

import numpy as np
import pytest
from PIL import Image

from mmsearch.errors import MediaDamaged, MediaEmpty, MediaError, MediaTooLarge, MediaUnsupported
from mmsearch.media import formats
from mmsearch.media.decoding import decoding
from mmsearch.media.image import read_image
from mmsearch.testing.media import write_corrupt, write_image, write_truncated

KINDS = {".jpg": "JPEG", ".png": "PNG", ".webp": "WebP", ".gif": "GIF", ".bmp": "BMP", ".tif": "TIFF", ".avif": "AVIF"}


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".gif", ".bmp", ".tif"])
@pytest.mark.parametrize("keep", [0.5, 0.9])
def test_a_file_that_was_cut_short_says_so(tmp_path, limits, ending, keep):
    data = write_truncated(tmp_path / f"a{ending}", keep).read_bytes()
    with pytest.raises(MediaDamaged) as caught:
        read_image(data, limits)
    assert str(caught.value) == f"The {KINDS[ending]} file is cut short. Copy it again from where it came from."


@pytest.mark.parametrize("ending", KINDS)
def test_every_length_gives_a_picture_or_a_typed_error(tmp_path, limits, ending):
    data = write_truncated(tmp_path / f"a{ending}", 1.0).read_bytes()
    for length in [*range(64), *range(64, len(data), len(data) // 40)]:
        with pytest.raises(MediaError):
            read_image(data[:length], limits)


@pytest.mark.parametrize("ending", KINDS)
def test_flipped_bytes_give_a_picture_or_a_typed_error(tmp_path, limits, ending):
    data = bytearray(write_truncated(tmp_path / f"a{ending}", 1.0).read_bytes())
    chance = np.random.default_rng(7)
    outcomes = set()
    for _ in range(60):
        broken = bytearray(data)
        broken[int(chance.integers(0, min(len(data), 400)))] ^= int(chance.integers(1, 256))
        try:
            outcomes.add(read_image(bytes(broken), limits).pixels.ndim)
        except MediaError as error:
            outcomes.add(error.code)
    assert outcomes <= {3, "media_damaged", "media_unsupported", "media_too_large"}


def test_no_bytes_and_no_picture(tmp_path, limits):
    with pytest.raises(MediaEmpty, match=r"The file is empty\."):
        read_image(b"", limits)
    with pytest.raises(MediaDamaged, match="not a picture"):
        read_image(write_corrupt(tmp_path / "a.jpg").read_bytes(), limits)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"8BPS\0\1", "PSD"),
        (b"\x00\x00\x01\x00\x01\x00", "ICO"),
        (b"\x00\x00\x00\x0cjP  \r\n", "JPEG 2000"),
        (b"  <svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"%PDF-1.7", "PDF"),
    ],
)
def test_known_formats_that_are_not_read_are_named(limits, data, kind):
    with pytest.raises(MediaUnsupported) as caught:
        read_image(data + bytes(100), limits)
    assert str(caught.value) == f"{kind} pictures are not supported. Save it as JPEG or PNG."


@pytest.mark.parametrize("writer", ["ICO", "SGI", "TGA", "PPM", "PCX", "JPEG2000", "DDS"])
def test_readers_outside_the_list_are_never_used(tmp_path, limits, writer):
    path = tmp_path / "a.jpg"
    Image.new("RGB", (16, 16), "red").save(path, writer)
    with pytest.raises(MediaError):
        read_image(path.read_bytes(), limits)


def test_heic_without_its_extra_names_the_remedy(limits, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    data = struct.pack(">I4s4sI4s", 24, b"ftyp", b"heic", 0, b"mif1") + bytes(40)
    with pytest.raises(MediaUnsupported) as caught:
        read_image(data, limits)
    assert str(caught.value) == (
        "HEIC pictures need the package pillow-heif. Install it with: pip install 'mmsearch[heic]'."
    )


def test_unusual_variants_are_told_from_damage(tmp_path, limits):
    data = bytearray(write_image(tmp_path / "a.bmp", "red").read_bytes())
    data[28:30] = struct.pack("<H", 7)  # bits per pixel
    with pytest.raises(MediaUnsupported, match="This variant of BMP is not supported"):
        read_image(bytes(data), limits)


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        (MemoryError(), MediaTooLarge, "There is not enough memory to decode this X picture."),
        (Image.DecompressionBombError("x"), MediaTooLarge, "There is not enough memory to decode this X picture."),
        (EOFError(), MediaDamaged, "The X file is cut short."),
        (struct.error("unpack requires a buffer of 4 bytes"), MediaDamaged, "The X file is cut short."),
        (RecursionError(), MediaDamaged, "The X file is damaged."),
        (SyntaxError("not a TIFF file"), MediaDamaged, "The X file is damaged."),
        (OSError("cannot identify; unrecognized data"), MediaUnsupported, "This variant of X is not supported."),
    ],
)
def test_whatever_pillow_raises_is_explained(fault, error, message):
    with pytest.raises(error) as caught, decoding("X"):
        raise fault
    assert caught.value.message == message
    assert caught.value.__cause__ is fault


def test_interrupts_and_our_own_errors_pass_unchanged():
    with pytest.raises(KeyboardInterrupt), decoding("X"):
        raise KeyboardInterrupt
    with pytest.raises(MediaEmpty, match="mine"), decoding("X"):
        raise MediaEmpty("mine")


def test_formats_that_allocate_on_opening_are_measured_first(tmp_path):
    for name, options in (("a.gif", {}), ("a.webp", {}), ("b.webp", {"lossless": True}), ("c.webp", {"exact": True})):
        mode = "RGBA" if name == "c.webp" else "RGB"
        path = write_image(tmp_path / name, (9, 9, 9, 9)[: len(mode)], (300, 20), mode=mode, **options)
        assert formats.declared_size(path.read_bytes()) == (300, 20)
