"""Encode, candidates and present, each alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_heads import make_head
from query_parts import text_parts

from mmsearch.encoders.hashing import HashingEncoder
from mmsearch.errors import QueryError
from mmsearch.normalise import unit_rows
from mmsearch.queries import Hit, QueryPart
from mmsearch.search.candidates import cosines_of, nearest, scores_at
from mmsearch.search.compose import portions
from mmsearch.search.encode import combine, embed, part_vectors, weights_of
from mmsearch.search.pool import make_pool
from mmsearch.search.present import listed, present
from mmsearch.testing.sounds import tone
from mmsearch.types import Candidates
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
    return combine(parts, part_vectors(parts, embed(parts, encoder), {}, 64))


def test_parts_add_up_as_unit_vectors_by_weight():
    stored = np.linspace(-3, 5, 64, dtype=np.float32)
    parts = [
        QueryPart("image", 0.5, pixels=RED),
        *text_parts(["2:cat", "a black sofa by the window"]),
        QueryPart("text", 3.0, vector=stored),
        QueryPart("image", 1.5, pixels=BLUE),
    ]
    expected = (
        0.5 * image_vector(RED)
        + 2 * text_vector("cat")
        + text_vector("a black sofa by the window")
        + 3 * unit(stored)
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


def test_an_unwanted_part_takes_its_direction_out():
    for weight, left in ((0.5, 0.5), (1, 0)):
        encoded = encode(text_parts(["red cat"]) + text_parts([f"{weight}:cat"], sign=-1.0), ENCODER)[0]
        wanted, unwanted = text_vector("red cat"), text_vector("cat")
        expected = wanted - (1 - left) * (wanted @ unwanted) * unwanted
        np.testing.assert_allclose(encoded, unit(expected), atol=1e-6)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0.01, 100), st.booleans()), min_size=1, max_size=5))
def test_any_sum_is_a_unit_vector(terms):
    wanted = text_parts([f"{weight:.6f}:{word}" for word, weight, positive in terms if positive])
    unwanted = text_parts([f"{weight:.6f}:{word}" for word, weight, positive in terms if not positive], sign=-1.0)
    rows = np.stack([text_vector(part.text) for part in (*wanted, *unwanted)]) if wanted else np.zeros((1, 64))
    total = portions(rows, weights_of([*wanted, *unwanted])) @ rows if wanted else rows[0]
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


def find_paths(shelf, words, depth=10, allowed=None, dropped=()):
    vector = text_vector(words).astype(np.float32)[None]
    allowed = None if allowed is None else np.array(sorted(allowed), dtype=np.int64)
    dropped = np.array(sorted(dropped), dtype=np.int64)
    index = shelf.shelves.indexes.current()
    near = nearest(vector, index, allowed, dropped, depth)
    ids = near.ids
    assert ids.tolist() == sorted(set(ids.tolist()))
    records = shelf.catalog.hits(ids)
    cosines = cosines_of(vector, index, ids)[0]
    assert np.array_equal(cosines_of(vector, index, ids, near.by_one)[0], cosines)
    ranked = ids[np.argsort(-cosines, kind="stable")]
    names = [records[id_].path + (f"#{records[id_].text}" if records[id_].text else "") for id_ in ranked.tolist()]
    return names, near.complete


def test_nearest_finds_the_best_and_says_whether_that_is_all(shelf):
    paths, complete = find_paths(shelf, "green")
    assert (paths[:2], len(paths), complete) == (["/green.jpg", "/t.txt#green"], 6, True)
    assert find_paths(shelf, "green", depth=1) == (["/green.jpg"], False)
    assert find_paths(shelf, "green", depth=0) == ([], False)


def test_nearest_keeps_to_what_is_allowed(shelf):
    passages = shelf.ids("/t.txt")
    assert find_paths(shelf, "green", allowed=passages)[0][0] == "/t.txt#green"
    assert len(find_paths(shelf, "green", allowed=passages)[0]) == 3
    assert find_paths(shelf, "green", allowed=[]) == ([], True)
    assert find_paths(shelf, "green", allowed=[10**9]) == ([], True)


def test_nearest_leaves_out_what_is_dropped_and_fills_up(shelf):
    passages = shelf.ids("/t.txt")
    paths, complete = find_paths(shelf, "green", depth=2, dropped=passages)
    assert (paths[0], len(paths)) == ("/green.jpg", 2)
    assert complete is False
    assert find_paths(shelf, "green", allowed=passages, dropped=passages) == ([], True)


def test_nearest_by_several_vectors_joins_what_each_finds(shelf):
    vectors = np.stack([text_vector("red"), text_vector("blue")]).astype(np.float32)
    index = shelf.shelves.indexes.current()
    near = nearest(vectors, index, None, np.empty(0, np.int64), 1)
    assert near.ids.tolist() == sorted([*shelf.ids("/red.jpg"), *shelf.ids("/blue.jpg")])
    assert (near.complete, near.by_one) == (False, None)
    np.testing.assert_allclose(near.least, [1, 1], atol=1e-6)
    assert nearest(vectors, index, None, np.empty(0, np.int64), 7).complete


def test_cosines_are_exact_and_in_the_order_of_the_ids(shelf):
    vectors = np.stack([text_vector("red"), text_vector("green")]).astype(np.float32)
    ids = np.array([*shelf.ids("/blue.jpg"), *shelf.ids("/red.jpg"), *shelf.ids("/green.jpg")], dtype=np.int64)
    ids = np.sort(ids)
    places = {shelf.ids(f"/{name}.jpg")[0]: text_vector(name) for name in ("red", "green", "blue")}
    expected = vectors @ np.stack([places[id_] for id_ in ids.tolist()]).T
    index = shelf.shelves.indexes.current()
    np.testing.assert_allclose(cosines_of(vectors, index, ids), expected, atol=1e-6)
    (one,) = index.search(vectors[:1], 1)
    np.testing.assert_allclose(
        cosines_of(vectors[:1], index, np.union1d(ids, one.ids), one)[0, :3], expected[0], atol=1e-6
    )
    assert cosines_of(vectors, shelf.shelves.indexes.current(), ids[:0]).shape == (2, 0)


def test_scores_at_is_zero_where_nothing_was_found():
    found = Candidates(np.array([7, 3]), np.float32([0.5, 0.25]))
    assert scores_at(np.array([1, 3, 7, 9]), found).tolist() == [0, 0.25, 0.5, 0]
    assert scores_at(np.array([1]), Candidates(np.empty(0, np.int64), np.empty(0, np.float32))).tolist() == [0]


def test_flat_index_of_copies_serves_nearest(library):
    """An index that knows more than the catalog's answer to `allowed` still keeps to it."""
    (id_,) = library.put("/a.jpg", "image", "red")
    index = FlatIndex(64)
    index.add(np.array([id_, id_ + 1]), np.stack([text_vector("red"), text_vector("red")]).astype(np.float32))
    vector = text_vector("red").astype(np.float32)[None]
    near = nearest(vector, index, np.array([id_]), np.empty(0, np.int64), 10)
    assert (near.ids.tolist(), near.complete) == ([id_], True)


# ---- pool ----


def pool_of(ids, scores):
    scores = np.float32(scores)
    return make_pool(np.array(ids, dtype=np.int64), scores / 2, scores, np.zeros_like(scores), scores, bound=0.1)


def test_a_pool_is_in_order_of_score_and_then_of_id():
    pool = pool_of([5, 3, 9, 1], [0.5, 0.75, 0.75, 0.25])
    assert pool.ids.tolist() == [3, 9, 5, 1]
    assert pool.cosines.tolist() == [0.375, 0.375, 0.25, 0.125]


def test_the_bound_rises_to_what_is_cut_off():
    pool = pool_of([5, 3, 9, 1], [0.5, 0.75, 0.75, 0.25])
    assert (pool.best(2).ids.tolist(), pool.best(2).bound) == ([3, 9], 0.5)
    assert pool.best(4) is pool


# ---- present ----


def presented(pool, catalog):
    return present({"image": pool}, catalog)["image"]


def test_present_tells_what_the_catalog_knows(shelf):
    (passage,) = [id_ for id_ in shelf.ids("/t.txt") if shelf.catalog.hits(np.array([id_]))[id_].text == "cat"]
    (picture,) = shelf.ids("/red.jpg")
    first, second = presented(pool_of([passage, picture], [0.75, 0.5]), shelf.catalog)
    known = {"media_type": "text/plain", "size_bytes": 100}
    assert first == Hit(1, passage, 0.75, "/t.txt", "text", cosine=0.375, text="cat", **known)
    assert (second.id, second.score, second.path, second.media_type) == (picture, 0.5, "/red.jpg", "image/jpeg")
    assert [type(value) for value in (first.id, first.score, first.cosine)] == [int, float, float]


def test_a_hit_of_words_alone_has_no_cosine(shelf):
    (picture,) = shelf.ids("/red.jpg")
    none, half = np.float32([np.nan]), np.float32([0.5])
    (hit,) = presented(make_pool(np.array([picture]), none, half * 0, half, half, bound=-1), shelf.catalog)
    assert (hit.score, hit.cosine) == (0.5, None)


def test_present_leaves_out_what_the_catalog_does_not_know(shelf):
    (picture,) = shelf.ids("/red.jpg")
    assert [hit.id for hit in presented(pool_of([777, picture], [0.9, 0.5]), shelf.catalog)] == [picture]
    assert [hit.id for hit in listed(np.array([777, picture]), shelf.catalog)] == [picture]


def test_present_nothing(shelf):
    assert presented(pool_of([], []), shelf.catalog) == ()
    both = {"image": pool_of([], []), "text": pool_of([], [])}
    assert present(both, shelf.catalog) == {"image": (), "text": ()}


def test_what_is_listed_meets_what_was_asked(shelf):
    ids = np.array([*shelf.ids("/red.jpg"), *shelf.ids("/blue.jpg")])
    hits = listed(ids, shelf.catalog)
    assert [(hit.rank, hit.id, hit.score, hit.cosine) for hit in hits] == [(1, ids[0], 1, None), (2, ids[1], 1, None)]


def test_present_more_hits_than_a_statement_takes(library):
    ids = library.put("/long.txt", "text", *(f"passage {i}" for i in range(1500)))
    hits = presented(pool_of(ids, np.arange(1500)), library.catalog)
    assert [hit.id for hit in hits] == ids[::-1]
