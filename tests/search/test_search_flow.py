"""The whole read path over small collections, held against the plain truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from query_parts import text_parts

from mmsearch.normalise import unit_rows
from mmsearch.queries import Hits
from mmsearch.search.compose import portions
from mmsearch.search.items import like_part
from mmsearch.testing.brute_force import assert_exact
from mmsearch.types import Candidates

WORDS = ("red", "green", "blue", "cat", "dog", "red cat", "green dog on blue", "!")  # few, so that many are equal
words = st.sampled_from(WORDS)
contents = st.lists(
    st.tuples(st.sampled_from(("image", "text")), st.lists(words, min_size=1, max_size=4).map(tuple)), max_size=12
)
modalities = st.sets(st.sampled_from(("image", "text", "audio")))


class Truth:
    """Every segment that is put into a library, with its vector."""

    def __init__(self, library, files):
        self.paths, ids, texts, self.kinds = [], [], [], []
        for number, (modality, its_texts) in enumerate(files):
            its_texts = its_texts[:1] if modality == "image" else its_texts
            ids += library.put(f"/{number:02d}", modality, *its_texts)
            texts += its_texts
            self.paths += [f"/{number:02d}"] * len(its_texts)
            self.kinds += [modality] * len(its_texts)
        self.ids = np.array(ids, dtype=np.int64)
        self.vectors = unit_rows(library.encoder.encode_texts(texts, "document"))

    def allowed(self, modalities=(), excluded=()):
        fits = [
            (not modalities or kind in modalities) and path not in excluded
            for kind, path in zip(self.kinds, self.paths, strict=True)
        ]
        return self.ids[np.array(fits, dtype=bool)]

    def check(self, hits, query, k, allowed):
        """Compare ids and scores with brute force over all that is allowed."""
        found = Candidates(
            np.array([hit.id for hit in hits], dtype=np.int64), np.array([hit.cosine for hit in hits], dtype=np.float32)
        )
        assert_exact(found, query, k, ids=self.ids, vectors=self.vectors, allowed=allowed)
        assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))


@settings(max_examples=30, deadline=None)
@given(contents, words.filter(str.isalpha), modalities, st.integers(1, 40), st.booleans())
def test_any_search_of_any_collection_equals_brute_force(make_library, files, asked, kinds, k, published):
    library = make_library()
    truth = Truth(library, files)
    if published:
        library.publish()
    reader = library.reader()
    query = library.encoder.encode_texts([asked], "query")[0]
    truth.check(reader.search(asked, modalities=kinds, k=k), query, k, truth.allowed(kinds))
    reader.close()
    library.close()


@pytest.fixture(scope="module", params=["flat", "faiss-flat"])
def crowd(request, make_library):
    """A library of some hundred segments with many ties, what is in it, and a reader."""
    library = make_library()
    random = np.random.default_rng(0)
    files = []
    for _ in range(80):
        texts = [" ".join(random.choice(WORDS[:5], 2)) for _ in range(random.integers(1, 6))]
        files.append((("image", "text")[random.integers(2)], texts))
    truth = Truth(library, files)
    library.publish_as(request.param)
    reader = library.reader()
    assert reader.shelves.indexes.current().kind == request.param
    yield library, truth, reader
    reader.close()
    library.close()


def test_ties_come_in_order_of_id(crowd):
    _, truth, reader = crowd
    hits = reader.search("red", k=len(truth.ids))
    assert len({hit.score for hit in hits}) < len(hits) / 4  # there are many
    assert [(hit.score, hit.id) for hit in hits] == sorted(
        ((hit.score, hit.id) for hit in hits), key=lambda pair: (-pair[0], pair[1])
    )


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(WORDS[:7]), modalities, st.sets(st.integers(0, 79), max_size=40), st.integers(1, 300))
def test_filters_are_exact(crowd, asked, kinds, excluded, k):
    library, truth, reader = crowd
    paths = {f"/{number:02d}" for number in excluded}
    assets = {library.asset_id(path) for path in paths}
    query = library.encoder.encode_texts([asked], "query")[0]
    hits = reader.search(asked, modalities=kinds, exclude=assets, k=k)
    truth.check(hits, query, k, truth.allowed(kinds, paths))
    assert paths.isdisjoint(hit.path for hit in hits)


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(WORDS[:7]), modalities, st.integers(7, 90))
def test_pages_put_together_are_the_whole_ranking(crowd, asked, kinds, k):
    _, truth, reader = crowd
    whole = reader.search(asked, modalities=kinds, k=1000)
    assert len(whole) == len(truth.allowed(kinds))
    pages = [reader.search(asked, modalities=kinds, k=k, offset=start) for start in range(0, len(whole) + k, k)]
    assert tuple(hit for page in pages for hit in page) == whole.hits
    assert {page.good_match for page in pages[:-1]} <= {whole.good_match}


@pytest.mark.parametrize("depth", [10**4, 2**31, 2**40])
def test_k_may_be_larger_than_everything(crowd, depth):
    _, truth, reader = crowd
    assert len(reader.search("red", k=depth)) == len(truth.ids)
    assert len(reader.search("red", k=depth, modalities={"text"})) == len(truth.allowed({"text"}))
    assert reader.search("red", k=1, offset=depth).hits == ()


def test_several_items_with_text_and_negative(crowd):
    """'like' parts, texts and negatives add up, and the files of all items are left out."""
    library, truth, reader = crowd
    items = [("/00", 1.0), (library.ids("/01")[-1], 2.0)]
    stored = dict(zip(truth.ids.tolist(), truth.vectors, strict=True))
    first = np.mean([stored[id_] for id_ in library.ids("/00")], axis=0)
    second = stored[library.ids("/01")[-1]]
    word, unwanted = unit_rows(library.encoder.encode_texts(["dog", "blue"], "query"))
    rows = np.stack([first / np.linalg.norm(first), second, word, unwanted]).astype(np.float32)
    query = portions(rows, np.array([1.0, 2.0, 0.5, -1.5])) @ rows
    liked = [like_part(*item, reader.catalog, reader.shelves.store) for item in items]
    parts = [part for part, _ in liked] + text_parts(["1.5:blue"], sign=-1.0)
    excluded = frozenset().union(*(assets for _, assets in liked))
    for kind in ("text", "image"):  # together they come by calibrated score, not by cosine
        hits = reader.search("0.5:dog", parts=parts, exclude=excluded, modalities={kind}, k=500)
        truth.check(hits, query, 500, truth.allowed({kind}, {"/00", "/01"}))


def test_an_empty_collection_has_no_hits_and_no_verdict(library, reader):
    assert reader.search("red") == Hits((), None)
    library.publish()
    assert reader.search("red") == Hits((), None)
    assert reader.search("red", modalities={"image"}, offset=3) == Hits((), None)


def test_a_later_page_has_the_verdict_of_the_first(library, reader):
    library.put("/red.jpg", "image", "red")
    library.put("/cat.jpg", "image", "cat")
    assert reader.search("red", k=1).good_match is True
    assert reader.search("red", k=1, offset=1).good_match is True
    assert reader.search("red", k=1, offset=9).good_match is True
    assert reader.search("zebra", k=1).good_match is False
    assert reader.search("zebra", k=1, offset=1).good_match is False


def test_copies_of_a_file_come_as_two_hits(library, reader):
    library.put("/a.jpg", "image", "red")
    library.put("/b.jpg", "image", "red")
    first, second = reader.search("red")
    assert (first.path, second.path) == ("/a.jpg", "/b.jpg")
    assert first.score == second.score
    assert first.cosine == second.cosine == pytest.approx(1, abs=1e-6)


def test_what_is_in_quotes_must_be_there(library, reader):
    library.put("/a.txt", "text", "the red cat sleeps", "a red dog and a cat")
    library.put("/b.txt", "text", "red cats")
    library.put("/c.jpg", "image", "red cat")
    texts = [hit.text for hit in reader.search('"red cat"', mode="hybrid")]
    assert texts == ["the red cat sleeps"]
    assert [hit.text for hit in reader.search('"red cat"', mode="text")] == texts
    assert len(reader.search('"red cat"', mode="vector")) == 4  # by meaning alone quotes are only signs
    assert [hit.text for hit in reader.search('"red cat"', "dog", mode="hybrid")] == texts
    assert [hit.text for hit in reader.search('"red cat"', mode="hybrid", modalities={"image"})] == []
