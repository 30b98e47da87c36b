from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from query_parts import LIMITS, SPEC, image_parts, text_parts

from mmsearch.config import Limits
from mmsearch.errors import ItemNotFound, MediaError, ModalityUnsupported, QueryError
from mmsearch.search.parts import media_parts, query_parts
from mmsearch.search.terms import MAX_TERMS, Term, read_terms
from mmsearch.testing.media import four_colours, write_image
from mmsearch.types import EmbeddingSpace, EncoderSpec

TEXT_ONLY = EncoderSpec(EmbeddingSpace("words", "1", "none", 8), frozenset({"text"}))


def test_text_parts_carry_weight_and_sign():
    wanted, unwanted = text_parts(["2:cat", "sofa"]), text_parts(["0.5:kitten"], sign=-1.0)
    assert [(part.modality, part.text, part.weight, part.name) for part in (*wanted, *unwanted)] == [
        ("text", "cat", 2.0, "cat"),
        ("text", "sofa", 1.0, "sofa"),
        ("text", "kitten", -0.5, "kitten"),
    ]


def test_pictures_come_as_paths_bytes_pil_images_and_arrays(tmp_path):
    pixels = four_colours()
    path = write_image(tmp_path / "a.png", pixels)
    picture = Image.fromarray(pixels)
    sources = [str(path), path, path.read_bytes(), picture, pixels, f"0.5:{path}"]
    parts = image_parts(sources)
    assert [part.weight for part in parts] == [1, 1, 1, 1, 1, 0.5]
    for part in parts:
        assert part.modality == "image"
        assert part.pixels.shape == (32, 32, 3)
        assert np.array_equal(part.pixels, parts[0].pixels)


def test_a_path_object_has_no_weight(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_image(tmp_path / "2:a.png", "red")
    assert image_parts([Path("2:a.png")])[0].weight == 1
    with pytest.raises(MediaError, match=r"a\.png"):
        image_parts(["2:a.png"])


def test_a_path_keeps_the_blanks_in_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_image(tmp_path / " a.png", "red")
    assert len(image_parts([" a.png"])) == 1


def test_pictures_that_cannot_be_read_are_refused(tmp_path):
    broken = tmp_path / "a.jpg"
    broken.write_bytes(b"not a picture")
    for source in (str(broken), str(tmp_path / "gone.jpg"), tmp_path, b"", b"GIF89a"):
        with pytest.raises(MediaError):
            image_parts([source])


def test_limits_hold_for_queries():
    data = BytesIO()
    Image.new("RGB", (100, 100)).save(data, "PNG")
    with pytest.raises(MediaError, match="100 x 100 pixels"):
        image_parts([data.getvalue()], SPEC, Limits(max_pixels=9_999).for_machine(workers=1))


def test_a_model_without_images_refuses_pictures(tmp_path):
    with pytest.raises(ModalityUnsupported, match="words takes no images"):
        image_parts([b""], TEXT_ONLY)
    assert image_parts([], TEXT_ONLY) == []


def test_a_text_must_be_a_text():
    with pytest.raises(QueryError, match="must be a str, not int"):
        media_parts([Term("text", 7)], SPEC, LIMITS)


def test_a_vector_is_a_part_without_a_modality():
    (part,) = media_parts([Term("vector", [1] * 64, -2.0)], SPEC, LIMITS)
    assert (part.modality, part.weight, part.vector.tolist()) == (None, -2.0, [1.0] * 64)


def test_items_become_vectors_and_are_left_out(library):
    (id_,) = library.put("/a.jpg", "image", "red")
    terms = [*read_terms("cat", "text"), Term("item", id_, 2.0), Term("item", "/a.jpg")]
    parts, excluded = query_parts(terms, SPEC, LIMITS, library.catalog, library.shelves.store)
    assert [(part.modality, part.weight) for part in parts] == [("text", 1), ("image", 2), ("image", 1)]
    assert excluded == {library.asset_id("/a.jpg")}
    with pytest.raises(ItemNotFound):
        query_parts([Term("item", 99)], SPEC, LIMITS, library.catalog, library.shelves.store)


def test_a_query_may_not_have_endless_parts(library):
    with pytest.raises(QueryError, match="100 parts"):
        query_parts([Term("text", "a")] * (MAX_TERMS + 1), SPEC, LIMITS, library.catalog, library.shelves.store)
