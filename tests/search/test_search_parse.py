import os
import string
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mmsearch.config import Limits
from mmsearch.encoders.hashing import HashingEncoder
from mmsearch.errors import ItemNotFound, MediaError, ModalityUnsupported, QueryError
from mmsearch.search.parse import image_parts, like_part, named_assets, parse_modalities, split_weight, text_parts
from mmsearch.testing.media import four_colours, write_image
from mmsearch.types import EmbeddingSpace, EncoderSpec

SPEC = HashingEncoder(64).spec
TEXT_ONLY = EncoderSpec(EmbeddingSpace("words", "1", "none", 8), frozenset({"text"}))
LIMITS = Limits().for_machine(workers=1)

not_blank = st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip)


@pytest.mark.parametrize(
    ("term", "weight", "rest"),
    [
        ("cat", 1, "cat"),
        ("2:cat", 2, "cat"),
        ("0.5:a red car", 0.5, "a red car"),
        ("007:bond", 7, "bond"),
        ("999999.999999:x", 999999.999999, "x"),
        ("0.000001:x", 0.000001, "x"),
        ("2:1:cat", 2, "1:cat"),
        ("1:12:30 train", 1, "12:30 train"),
        ("12:30 train", 12, "30 train"),  # as documented: a text that begins so needs a weight
        ("2:line\nbreak", 2, "line\nbreak"),
        ("2:", 1, "2:"),
        ("2: cat", 1, "2: cat"),
        (" 2:cat", 1, " 2:cat"),
        (":cat", 1, ":cat"),
        (".5:cat", 1, ".5:cat"),
        ("5.:cat", 1, "5.:cat"),
        ("-1:cat", 1, "-1:cat"),
        ("+1:cat", 1, "+1:cat"),
        ("1e3:cat", 1, "1e3:cat"),
        ("1_0:cat", 1, "1_0:cat"),
        ("nan:cat", 1, "nan:cat"),
        ("1234567:cat", 1, "1234567:cat"),
        ("1,5:cat", 1, "1,5:cat"),
        ("٢:cat", 1, "٢:cat"),
        ("C:\\photos\\a.jpg", 1, "C:\\photos\\a.jpg"),
        ("a 2:cat", 1, "a 2:cat"),
        ("trailing blank ", 1, "trailing blank "),  # part of the name, if it is a file's
    ],
)
def test_split_weight(term, weight, rest):
    assert split_weight(term) == (weight, rest)


@pytest.mark.parametrize("term", ["", " ", "\t\n", "\u3000"])
def test_an_empty_part_is_refused(term):
    with pytest.raises(QueryError, match="empty"):
        split_weight(term)


@pytest.mark.parametrize("term", ["0:cat", "0.0:cat", "000.000000:cat"])
def test_a_weight_of_zero_is_refused(term):
    with pytest.raises(QueryError, match="Leave it out"):
        split_weight(term)


@given(st.integers(1, 999_999_999_999), not_blank.filter(lambda text: not text[0].isspace()))
def test_any_text_can_be_given_any_weight(millionths, text):
    whole, fraction = divmod(millionths, 1_000_000)
    assert split_weight(f"{whole}.{fraction:06d}:{text}") == (float(f"{whole}.{fraction:06d}"), text)


@given(not_blank.filter(lambda text: text[0] not in string.digits))
def test_what_does_not_begin_with_a_digit_is_taken_whole(text):
    assert split_weight(text) == (1.0, text)


def test_text_parts_carry_weight_and_sign():
    wanted, unwanted = text_parts(["2:cat", "sofa"]), text_parts(["0.5:kitten"], sign=-1.0)
    assert [(part.modality, part.text, part.weight) for part in (*wanted, *unwanted)] == [
        ("text", "cat", 2.0),
        ("text", "sofa", 1.0),
        ("text", "kitten", -0.5),
    ]


def test_pictures_come_as_paths_bytes_pil_images_and_arrays(tmp_path):
    pixels = four_colours()
    path = write_image(tmp_path / "a.png", pixels)
    picture = Image.fromarray(pixels)
    sources = [str(path), path, path.read_bytes(), picture, pixels, f"0.5:{path}"]
    parts = image_parts(sources, SPEC, LIMITS)
    assert [part.weight for part in parts] == [1, 1, 1, 1, 1, 0.5]
    for part in parts:
        assert part.modality == "image"
        assert part.pixels.shape == (32, 32, 3)
        assert np.array_equal(part.pixels, parts[0].pixels)


def test_a_path_object_has_no_weight(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_image(tmp_path / "2:a.png", "red")
    assert image_parts([Path("2:a.png")], SPEC, LIMITS)[0].weight == 1
    with pytest.raises(MediaError, match=r"a\.png"):
        image_parts(["2:a.png"], SPEC, LIMITS)


def test_a_path_keeps_the_blanks_in_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_image(tmp_path / " a.png", "red")
    assert len(image_parts([" a.png"], SPEC, LIMITS)) == 1


def test_pictures_that_cannot_be_read_are_refused(tmp_path):
    broken = tmp_path / "a.jpg"
    broken.write_bytes(b"not a picture")
    for source in (str(broken), str(tmp_path / "gone.jpg"), tmp_path, b"", b"GIF89a"):
        with pytest.raises(MediaError):
            image_parts([source], SPEC, LIMITS)


def test_limits_hold_for_queries():
    data = BytesIO()
    Image.new("RGB", (100, 100)).save(data, "PNG")
    with pytest.raises(MediaError, match="100 x 100 pixels"):
        image_parts([data.getvalue()], SPEC, Limits(max_pixels=9_999).for_machine(workers=1))


def test_a_model_without_images_refuses_pictures(tmp_path):
    with pytest.raises(ModalityUnsupported, match="words takes no images"):
        image_parts([b""], TEXT_ONLY, LIMITS)
    assert image_parts([], TEXT_ONLY, LIMITS) == []


def test_like_an_id_is_that_segment(library):
    ids = library.put("/a.txt", "text", "red cat", "blue dog")
    part, assets = like_part(ids[1], library.catalog, library.shelves.store)
    expected = library.encoder.encode_texts(["blue dog"], "query")[0]
    np.testing.assert_allclose(part.vector, expected / np.linalg.norm(expected), atol=1e-6)
    assert (part.modality, part.weight, assets) == ("text", 1.0, {library.asset_id("/a.txt")})


def test_like_a_path_is_the_mean_of_its_segments(library):
    ids = library.put("/a.txt", "text", "red cat", "blue dog")
    whole, assets = like_part("/a.txt", library.catalog, library.shelves.store)
    each = [like_part(id_, library.catalog, library.shelves.store)[0].vector for id_ in ids]
    np.testing.assert_allclose(whole.vector, np.mean(each, axis=0), atol=1e-6)
    assert assets == {library.asset_id("/a.txt")}


def test_like_takes_a_weight_with_an_id_or_a_path(library):
    (id_,) = library.put("/a.jpg", "image", "red")
    for item in (f"2.5:{id_}", "2.5:/a.jpg"):
        part, _ = like_part(item, library.catalog, library.shelves.store)
        assert (part.weight, part.modality) == (2.5, "image")


def test_like_a_folder_is_all_below_it(library):
    for name in ("a", "b"):
        library.put(f"/photos/{name}.jpg", "image", name)
    library.put("/photos.jpg", "image", "other")
    _, assets = like_part("/photos", library.catalog, library.shelves.store)
    assert assets == {library.asset_id("/photos/a.jpg"), library.asset_id("/photos/b.jpg")}


def test_like_something_without_vectors(library):
    library.put_failed("/broken.jpg")
    with pytest.raises(ItemNotFound, match="mmsearch errors"):
        like_part("/broken.jpg", library.catalog, library.shelves.store)


@pytest.mark.parametrize("item", [99, "99", "/gone.jpg", Path("/gone.jpg"), -1, "²", str(2**63), 2**70, "\udcff"])
def test_items_that_are_not_there(library, item):
    library.put("/a.txt", "text", "red cat")
    with pytest.raises(ItemNotFound):
        named_assets(item, library.catalog)


def test_items_are_named_by_relative_paths_too(library, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    library.put(str(tmp_path / "pics" / "a.jpg"), "image", "red")
    for name in ("pics/a.jpg", "./pics/../pics/a.jpg", "~/pics/a.jpg", "pics", "pics/", Path("pics/a.jpg"), "."):
        assert [asset.path for asset in named_assets(name, library.catalog)] == [str(tmp_path / "pics" / "a.jpg")]
        assert like_part(name, library.catalog, library.shelves.store)[0].modality == "image"


def test_digits_are_an_id_unless_they_are_a_path(library, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (id_,) = library.put("/a.jpg", "image", "red")
    path = str(tmp_path / str(id_) / "b.jpg")
    library.put(path, "image", "blue")
    assert [asset.path for asset in named_assets(str(id_), library.catalog)] == ["/a.jpg"]
    for name in (f"./{id_}", Path(str(id_))):
        assert [asset.path for asset in named_assets(name, library.catalog)] == [path]


@pytest.mark.parametrize("item", ["", os.fsdecode(b"")])
def test_an_empty_name_is_not_the_whole_collection(library, item):
    library.put("/a.txt", "text", "red cat")
    with pytest.raises(ItemNotFound, match="empty"):
        named_assets(item, library.catalog)


def test_parse_modalities():
    assert parse_modalities([]) == frozenset()
    assert parse_modalities([""]) == frozenset()
    assert parse_modalities(["image,text"]) == parse_modalities(["text", " image "]) == {"image", "text"}
    for names in (["picture"], ["image,movie"], ["Image"]):
        with pytest.raises(QueryError, match="known: text, image, audio, video"):
            parse_modalities(names)
