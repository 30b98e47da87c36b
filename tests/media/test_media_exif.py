import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from mmsearch.media.exif import read_exif
from mmsearch.media.image import read_image
from mmsearch.testing.media import exif_notes, write_image

MUNICH = ("N", (48.0, 8.0, 14.5), "E", (11.0, 34.0, 31.5))


def image_with(exif):
    """An opened picture whose EXIF is what a test made up."""
    image = Image.new("RGB", (1, 1))
    if isinstance(exif, bytes):
        image.info["exif"] = exif
    else:
        image.getexif = lambda: exif  # as it is: much of it could not be written
    return image


def notes_with_gps(**changes):
    exif = exif_notes(gps=MUNICH)
    exif.get_ifd(IFD.GPSInfo).update({GPS[name].value: value for name, value in changes.items()})
    return read_exif(image_with(exif))


def test_a_photo_tells_when_where_and_with_what(tmp_path, limits):
    exif = exif_notes(
        orientation=6, taken="2021:05:04 10:20:30", offset="+02:00", make="ACME\0\0", model=" Cam 1 ", gps=MUNICH
    )
    info = read_image(write_image(tmp_path / "a.jpg", "red", (64, 48), exif=exif).read_bytes(), limits).info
    assert (info.width_px, info.height_px) == (48, 64)
    assert info.captured_at == "2021-05-04T10:20:30+02:00"
    assert (info.camera_make, info.camera_model) == ("ACME", "Cam 1")
    assert (info.gps_lat, info.gps_lon) == pytest.approx((48.1373611, 11.57541667))


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tif", "a.avif"])
def test_other_formats_carry_the_same_notes(tmp_path, limits, name):
    exif = exif_notes(taken="2020:01:01 00:00:00", make="ACME")
    info = read_image(write_image(tmp_path / name, "red", exif=exif).read_bytes(), limits).info
    assert (info.captured_at, info.camera_make) == ("2020-01-01T00:00:00", "ACME")


def test_south_and_west_are_negative():
    notes = notes_with_gps(GPSLatitudeRef="S", GPSLongitudeRef="W")
    assert (notes.gps_lat, notes.gps_lon) == pytest.approx((-48.1373611, -11.57541667))


@pytest.mark.parametrize(
    "changes",
    [
        {"GPSLatitude": (91.0, 0.0, 0.0)},
        {"GPSLongitude": (180.0, 1.0, 0.0)},
        {"GPSLatitude": (float("nan"), 0.0, 0.0)},
        {"GPSLatitude": (-10.0, 0.0, 0.0)},
        {"GPSLatitudeRef": "X"},
        {"GPSLatitudeRef": ""},
        {"GPSLatitude": "north"},
        {"GPSLatitude": (1.0, 2.0, 3.0, 4.0)},
    ],
)
def test_impossible_places_are_left_out_whole(changes):
    notes = notes_with_gps(**changes)
    assert (notes.gps_lat, notes.gps_lon) == (None, None)


def test_a_zero_denominator_is_no_place():
    raw = exif_notes(gps=MUNICH).tobytes().replace(b"\x00\x00\x00\x30\x00\x00\x00\x01", b"\x00\x00\x00\x30" + bytes(4))
    assert raw != exif_notes(gps=MUNICH).tobytes()
    assert read_exif(image_with(raw)).gps_lat is None


@pytest.mark.parametrize(
    ("taken", "offset", "shown"),
    [
        ("2021:05:04 10:20:30", None, "2021-05-04T10:20:30"),
        ("2021:05:04 10:20:30", "Z", "2021-05-04T10:20:30"),
        ("2021:05:04 10:20:30", "+99:00", "2021-05-04T10:20:30"),
        ("2021:05:04 10:20:30\0", "-09:30", "2021-05-04T10:20:30-09:30"),
        ("0000:00:00 00:00:00", None, None),
        ("2021:02:30 10:20:30", None, None),
        ("yesterday", "+02:00", None),
        ("    :  :     :  :  ", None, None),
    ],
)
def test_times_are_iso_8601_or_left_out(taken, offset, shown):
    assert read_exif(image_with(exif_notes(taken=taken, offset=offset))).captured_at == shown


def test_the_time_of_the_last_change_stands_in():
    exif = exif_notes(taken="0000:00:00 00:00:00")
    exif[Base.DateTime] = "2019:12:31 23:59:59"
    assert read_exif(image_with(exif)).captured_at == "2019-12-31T23:59:59"


def test_strings_are_printable_and_bounded():
    notes = read_exif(image_with(exif_notes(make="A\x07B\x1b[31m\nC", model="m" * 100_000)))
    assert notes.camera_make == "AB[31mC"
    assert notes.camera_model == "m" * 200


@pytest.mark.parametrize("value", [0, 9, 77, -1])
def test_unknown_orientations_are_upright(value):
    exif = Image.Exif()
    exif[Base.Orientation] = value & 0xFFFF
    assert read_exif(image_with(exif)).orientation == 1


def test_wrong_types_are_left_out():
    exif = Image.Exif()
    exif[Base.Make], exif[Base.DateTime], exif[Base.Orientation] = 7, 8, "six"
    notes = read_exif(image_with(exif))
    assert (notes.camera_make, notes.captured_at, notes.orientation) == (None, None, 1)


def test_every_cut_and_flipped_byte_of_the_block_is_survived(tmp_path, limits):
    whole = exif_notes(orientation=1, taken="2021:05:04 10:20:30", make="ACME", gps=MUNICH).tobytes()
    variants = [whole[:length] for length in range(6, len(whole), 9)]
    variants += [whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :] for at in range(6, len(whole), 3)]
    for exif in variants:
        data = write_image(tmp_path / "a.jpg", "red", (4, 4), exif=exif).read_bytes()
        assert read_image(data, limits).pixels.shape == (4, 4, 3)
