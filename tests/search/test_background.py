"""A sample of the collection, and what a query's cosines look like against it."""

import numpy as np
import pytest
from made_heads import install, make_head

from mmsearch.adapt.stored import stored_vectors
from mmsearch.normalise import unit_rows
from mmsearch.search.background import Background, sample
from mmsearch.testing.media import write_image


def sampled(library, modality, size=512):
    return sample(library.catalog, library.shelves.store, modality, size)


def ids_of(library, modality, size):
    return library.catalog.spread_ids(modality, size).tolist()


def test_a_small_collection_is_sampled_whole(library):
    library.put("/red.jpg", "image", "red")
    passages = library.put("/t.txt", "text", "one", "two", "three")
    library.put("/blue.jpg", "image", "blue")
    _, expected = stored_vectors(library.catalog, library.shelves.store, np.array(passages))
    np.testing.assert_array_equal(sampled(library, "text"), expected)
    assert sampled(library, "image").shape == (2, 64)
    assert sampled(library, "audio").shape == (0, 64)


def test_a_large_one_is_sampled_from_end_to_end(library):
    ids = library.put("/long.txt", "text", *(f"passage {i}" for i in range(1000)))
    found = ids_of(library, "text", 100)
    assert (found[0], found[-1], len(found)) == (ids[0], ids[-1], 100)
    assert np.diff(found).max() <= 11
    np.testing.assert_array_equal(sampled(library, "text", 100), sampled(library, "text", 100))


def test_a_rare_kind_that_is_crowded_together_is_sampled_all_the_same(library):
    library.put("/first.jpg", "image", "red")
    library.put("/long.txt", "text", *(f"passage {i}" for i in range(2000)))
    library.put("/last.jpg", "image", *(f"shade {i}" for i in range(150)))
    found = ids_of(library, "image", 100)
    assert 50 < len(found) <= 100
    assert set(found) < set(library.ids("/first.jpg") + library.ids("/last.jpg"))


def test_a_sample_is_adapted_by_the_heads_in_use(collection, folder):
    for colour in ("red", "green", "blue"):
        write_image(folder / f"{colour}.png", colour)
    collection.index(folder)
    before = sample(*_shelves(collection), "image")
    install(collection, make_head("image"))
    after = sample(*_shelves(collection), "image")
    np.testing.assert_array_equal(after, stored_vectors(*_shelves(collection))[1])
    assert np.abs(after - before).max(axis=1).min() > 0.1


def _shelves(collection):
    shelves = collection._storage.reading()
    return shelves.catalog, shelves.store


def test_background_is_mean_and_deviation_of_the_cosines():
    rows = unit_rows(np.random.default_rng(0).standard_normal((200, 16)))
    query = unit_rows(np.random.default_rng(1).standard_normal((1, 16)))
    cosines = rows.astype(np.float64) @ query[0].astype(np.float64)
    for each in (query, query[0]):
        background = Background.of(rows, each)
        assert background.size == 200
        assert background.mean == pytest.approx(cosines.mean(), abs=1e-7)
        assert background.sd == pytest.approx(cosines.std(), abs=1e-7)


def test_few_vectors_are_no_background():
    rows = np.tile(unit_rows([[1.0, 2.0]]), (31, 1))
    assert Background.of(rows, rows[:1]) is None
    assert Background.of(rows[:0], rows[:1]) is None


def test_equal_vectors_have_a_background_without_deviation():
    rows = np.tile(unit_rows([[1.0, 2.0]]), (32, 1))
    background = Background.of(rows, rows[:1])
    assert (background.mean, background.sd, background.size) == (pytest.approx(1), pytest.approx(0, abs=1e-6), 32)
