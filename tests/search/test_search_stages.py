"""Encode, find, present and judge, each alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_heads import make_head

from mmsearch.encoders.hashing import HashingEncoder
from mmsearch.errors import QueryError
from mmsearch.normalise import unit_rows
from mmsearch.search.candidates import find
from mmsearch.search.encode import combine, embed, part_vectors
from mmsearch.search.judge import judge
from mmsearch.search.parse import text_parts
from mmsearch.search.present import present
from mmsearch.testing.sounds import tone
from mmsearch.types import Candidates, EmbeddingSpace, EncoderSpec, Filter, Hit, QueryPart
from mmsearch.vectors.flat import FlatIndex

ENCODER = HashingEncoder(64)
RED = np.full((32, 32, 3), (255, 0, 0), np.uint8)
BLUE = np.full((32, 32, 3), (0, 0, 255), np.uint8)


def unit(vector):
    return np.asarray(vector, np.float64) / np.linalg.norm(vector)


def text_vector(text):
    return unit(ENCODER.encode_texts([text], "query")[0])


def image_vector(pixels):
    return unit(ENCODER.encode_images(pixels[None], "query")[0])


# ---- encode ----


def encode(parts, encoder):
    return combine(parts, embed(parts, encoder), {})


def test_parts_add_up_as_unit_vectors_by_weight():
    stored = np.linspace(-3, 5, 64, dtype=np.float32)
    parts = [
        QueryPart("image", 0.5, pixels=RED),
        *text_parts(["2:cat", "a black sofa by the window"]),
        QueryPart("text", 3.0, vector=stored),
        *text_parts(["0.25:dog"], sign=-1.0),
        QueryPart("image", 1.5, pixels=BLUE),
    ]
    expected = (
        0.5 * image_vector(RED)
        + 2 * text_vector("cat")
        + text_vector("a black sofa by the window")
        + 3 * unit(stored)
        - 0.25 * text_vector("dog")
        + 1.5 * image_vector(BLUE)
    )
    encoded = encode(parts, ENCODER)
    assert encoded.dtype == np.float32
    np.testing.assert_allclose(encoded, unit(expected)[None], atol=1e-6)


def test_each_part_is_embedded_in_its_place():
    parts = [QueryPart("text", text="cat"), QueryPart("image", pixels=RED), QueryPart("text", text="dog")]
    expected = [text_vector("cat"), image_vector(RED), text_vector("dog")]
    np.testing.assert_allclose(part_vectors(parts, embed(parts, ENCODER), {}, 64), expected, atol=1e-6)
    assert part_vectors([], [], {}, 64).shape == (0, 64)


def test_texts_and_images_go_through_the_model_together():
    calls = []

    class Watched(HashingEncoder):
        def encode_texts(self, texts, role):
            calls.append((tuple(texts), role))
            return super().encode_texts(texts, role)

        def embed_images(self, images):
            calls.append(images.shape)
            return super().embed_images(images)

    parts = [QueryPart("image", pixels=RED), *text_parts(["a", "b"]), QueryPart("image", pixels=BLUE)]
    embed(parts, Watched(64))
    assert calls == [(("a", "b"), "query"), (2, 32, 32, 3)]


def test_a_sound_is_the_mean_direction_of_its_windows():
    windows = tuple(tone(seconds, pitch_hz, 8_000) for seconds, pitch_hz in ((4, 150), (4, 2_500), (1, 700)))
    each = unit_rows(ENCODER.encode_audio(windows, "query"))
    parts = [*text_parts(["3:cat"]), QueryPart("audio", 0.5, waves=windows)]
    expected = 3 * text_vector("cat") + 0.5 * unit(each.mean(axis=0))
    np.testing.assert_allclose(encode(parts, ENCODER), unit(expected)[None], atol=1e-6)


def test_heads_adapt_the_parts_of_their_modality_only():
    head = make_head("image")
    parts = [
        QueryPart("image", pixels=RED),
        QueryPart("text", text="cat"),
        QueryPart("audio", waves=(tone(1, 150, 8_000),)),
        QueryPart("image", vector=text_vector("a picture that is stored").astype(np.float32)),
        QueryPart("image", pixels=BLUE),
    ]
    embedded = embed(parts, ENCODER)
    plain, adapted = (part_vectors(parts, embedded, heads, 64) for heads in ({}, {"image": head}))
    assert np.array_equal(adapted[[1, 2, 3]], plain[[1, 2, 3]])  # what is stored was adapted as it was read
    features = ENCODER.embed_images(np.stack([RED, BLUE])).features
    np.testing.assert_allclose(adapted[[0, 4]], head.apply(plain[[0, 4]], features), atol=1e-6)
    assert np.abs(adapted - plain)[[0, 4]].max() > 0.1


@pytest.mark.parametrize("parts", [[], text_parts(["cat"], sign=-1.0)])
def test_without_anything_wanted_there_is_no_query(parts):
    with pytest.raises(QueryError, match="nothing to search for"):
        encode(parts, ENCODER)


@pytest.mark.parametrize("weight", ["1", "999999", "0.000001"])
def test_parts_that_cancel_out_are_no_query(weight):
    with pytest.raises(QueryError, match="cancel each other out"):
        encode(text_parts([f"{weight}:cat"]) + text_parts([f"{weight}:cat"], sign=-1.0), ENCODER)


def test_a_text_that_means_nothing_to_the_model_is_no_query():
    with pytest.raises(QueryError, match="mean nothing"):
        encode(text_parts(["!!!"]), ENCODER)


def test_the_weight_of_a_single_part_does_not_matter():
    for weight in ("0.000001", "999999"):
        np.testing.assert_allclose(encode(text_parts([f"{weight}:cat"]), ENCODER), [text_vector("cat")], atol=1e-6)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0.01, 100), st.booleans()), min_size=1, max_size=5))
def test_any_sum_is_a_unit_vector(terms):
    wanted = text_parts([f"{weight:.6f}:{word}" for word, weight, positive in terms if positive])
    unwanted = text_parts([f"{weight:.6f}:{word}" for word, weight, positive in terms if not positive], sign=-1.0)
    total = sum(part.weight * text_vector(part.text) for part in (*wanted, *unwanted))
    if not wanted or np.linalg.norm(total) < 0.01:
        return
    np.testing.assert_allclose(encode([*wanted, *unwanted], ENCODER)[0], unit(total), atol=1e-4)


# ---- find ----


@pytest.fixture
def shelf(library):
    """Three pictures and a text of three passages, and the index over them."""
    for name in ("red", "green", "blue"):
        library.put(f"/{name}.jpg", "image", name)
    library.put("/t.txt", "text", "red red green", "green", "cat")
    library.publish()
    return library


def find_paths(shelf, words, depth=10, **wanted):
    index = shelf.shelves.indexes.current()
    found = find(text_vector(words).astype(np.float32)[None], index, shelf.catalog, Filter(**wanted), depth)
    records = shelf.catalog.hits(found.ids)
    return [records[id_].path + (f"#{records[id_].text}" if records[id_].text else "") for id_ in found.ids.tolist()]


def test_find_ranks_everything(shelf):
    assert find_paths(shelf, "green")[:2] == ["/green.jpg", "/t.txt#green"]  # equal scores: in order of id
    assert len(find_paths(shelf, "green")) == 6
    assert find_paths(shelf, "green", depth=1) == ["/green.jpg"]
    assert find_paths(shelf, "green", depth=0) == []


def test_find_keeps_to_modalities(shelf):
    assert find_paths(shelf, "green", modalities=frozenset({"text"}))[0] == "/t.txt#green"
    assert len(find_paths(shelf, "green", modalities=frozenset({"text"}))) == 3
    assert len(find_paths(shelf, "green", modalities=frozenset({"text", "image"}))) == 6
    assert find_paths(shelf, "green", modalities=frozenset({"audio"})) == []


def test_find_leaves_out_all_segments_of_a_file_and_fills_up(shelf):
    text = frozenset({shelf.asset_id("/t.txt")})
    assert find_paths(shelf, "green", depth=3, exclude_assets=text)[0] == "/green.jpg"
    assert len(find_paths(shelf, "green", depth=3, exclude_assets=text)) == 3
    assert find_paths(shelf, "green", exclude_assets=text, modalities=frozenset({"text"})) == []
    two = text | {shelf.asset_id("/green.jpg")}
    assert sorted(find_paths(shelf, "green", exclude_assets=two)) == ["/blue.jpg", "/red.jpg"]
    assert len(find_paths(shelf, "green", exclude_assets=frozenset({12345}))) == 6


# ---- present ----


def test_present_tells_what_the_catalog_knows(shelf):
    (passage,) = [id_ for id_ in shelf.ids("/t.txt") if shelf.catalog.hits(np.array([id_]))[id_].text == "cat"]
    (picture,) = shelf.ids("/red.jpg")
    first, second = present(Candidates(np.array([passage, picture]), np.float32([0.75, 0.5])), shelf.catalog)
    assert first == Hit(1, passage, 0.75, "/t.txt", "text", text="cat", media_type="text/plain")
    assert second == Hit(2, picture, 0.5, "/red.jpg", "image", media_type="image/jpeg")
    assert [type(value) for value in (first.id, first.score)] == [int, float]


def test_present_leaves_out_what_the_catalog_does_not_know(shelf):
    (picture,) = shelf.ids("/red.jpg")
    hits = present(Candidates(np.array([777, picture]), np.float32([0.9, 0.5])), shelf.catalog)
    assert [(hit.rank, hit.id) for hit in hits] == [(1, picture)]


def test_present_nothing(shelf):
    assert present(Candidates(np.empty(0, np.int64), np.empty(0, np.float32)), shelf.catalog) == ()


def test_present_more_hits_than_a_statement_takes(library):
    ids = library.put("/long.txt", "text", *(f"passage {i}" for i in range(1500)))
    hits = present(Candidates(np.array(ids[::-1]), np.zeros(1500, np.float32)), library.catalog)
    assert [hit.id for hit in hits] == ids[::-1]
    assert hits[-1].rank == 1500


# ---- judge ----

SPEC = EncoderSpec(
    EmbeddingSpace("m", "1", "p", 8),
    frozenset({"text", "image"}),
    no_match_below={("text", "image"): 0.3, ("text", "text"): 0.5},
)


def hits(*scored):
    return [Hit(rank, rank, score, f"/{rank}", modality) for rank, (modality, score) in enumerate(scored, start=1)]


@pytest.mark.parametrize(
    ("parts", "found", "verdict"),
    [
        (["cat"], [("image", 0.3)], True),
        (["cat"], [("image", 0.29)], False),
        (["cat"], [("text", 0.49), ("image", 0.31)], True),  # each kind of match has its own range of scores
        (["cat"], [("text", 0.49), ("image", 0.29)], False),
        (["cat"], [("audio", 0.9)], None),
        (["cat"], [("audio", 0.9), ("image", 0.2)], None),  # nobody knows whether that sound is good
        (["cat"], [("audio", 0.9), ("image", 0.4)], True),
        (["cat"], [], None),
        (["cat", "dog"], [("image", 0.9)], None),
        (["3:cat"], [("image", 0.3)], True),
    ],
)
def test_judge(parts, found, verdict):
    assert judge(text_parts(parts), hits(*found), SPEC) is verdict


def test_a_query_with_something_unwanted_is_composed():
    parts = [*text_parts(["cat"]), *text_parts(["dog"], sign=-1.0)]
    assert judge(parts, hits(("image", 0.9)), SPEC) is None


def test_judge_an_item_by_its_own_kind():
    like_text = [QueryPart("text", vector=np.ones(8, np.float32))]
    like_image = [QueryPart("image", vector=np.ones(8, np.float32))]
    assert judge(like_text, hits(("image", 0.2)), SPEC) is False
    assert judge(like_image, hits(("image", 0.2)), SPEC) is None


def test_flat_index_of_copies_serves_find(library):
    """An index that knows more than the catalog's answer to `allowed` still keeps to it."""
    (id_,) = library.put("/a.jpg", "image", "red")
    index = FlatIndex(64)
    index.add(np.array([id_, id_ + 1]), np.stack([text_vector("red"), text_vector("red")]).astype(np.float32))
    vector = text_vector("red").astype(np.float32)[None]
    found = find(vector, index, library.catalog, Filter(frozenset({"image"})), 10)
    assert found.ids.tolist() == [id_]
