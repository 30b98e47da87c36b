"""One list of all kinds: the same whatever its depth, and nothing crowds out the rest."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_files import indexed_file
from query_parts import text_parts

from mmsearch.catalog.catalog import Catalog
from mmsearch.search import rank
from mmsearch.search.arrange import by_file, within_quotas
from mmsearch.types import Segment

WORDS = ("red", "green", "blue", "cat", "dog", "red cat", "green dog on blue")
words = st.sampled_from(WORDS)
quotas = st.dictionaries(st.sampled_from(("image", "text", "audio")), st.integers(0, 4), max_size=2)


@pytest.fixture(scope="module")
def crowd(make_library):
    """Pictures, sounds of many windows, and long texts, with many ties."""
    library = make_library()
    random = np.random.default_rng(1)
    for number in range(60):
        modality = ("image", "text", "audio")[number % 3]
        texts = [" ".join(random.choice(WORDS[:5], 2)) for _ in range(1 if modality == "image" else 7)]
        library.put(f"/{number:02d}", modality, *texts)
    library.publish()
    reader = library.reader()
    yield reader
    reader.close()
    library.close()


@pytest.fixture(scope="module")
def small_steps(make_library):
    """Pictures whose likeness to each word differs a little from one to the next."""
    library = make_library()
    random = np.random.default_rng(2)
    for number in range(150):
        texts = [" ".join(random.choice(WORDS, random.integers(2, 9))) for _ in range(random.integers(1, 4))]
        library.put(f"/{number:03d}", "text", *texts)
    reader = library.reader()
    yield reader
    reader.close()
    library.close()


@pytest.fixture(autouse=True)
def few_at_first(monkeypatch):
    """Let the first round look at so few that later ones are needed, as in large collections."""
    monkeypatch.setattr(rank, "_SEVERAL_DEPTH", 20)
    monkeypatch.setattr(rank, "_WORDS_DEPTH", 20)


def caption(path, text, about):
    """A caption file that describes a picture."""
    segment = Segment("text", text=text, char_start=0, char_end=len(text), about=about)
    return replace(indexed_file(path, "text", [text]), segments=(segment,))


def order(hits):
    return [(hit.id, hit.score) for hit in hits]


@settings(max_examples=60, deadline=None)
@given(
    words,
    st.sets(st.sampled_from(("image", "text", "audio"))),
    st.booleans(),
    quotas,
    st.sampled_from((0.0, 0.3, 0.6)),
    st.integers(1, 30),
    st.integers(0, 30),
    st.sampled_from(("vector", "hybrid")),
)
def test_a_page_is_a_slice_of_the_whole_list(crowd, asked, kinds, group, quota, least, k, offset, mode):
    everything = crowd.search(asked, modalities=kinds, k=5_000, mode=mode)
    expected = [hit for hit in everything if hit.score >= least]
    expected = within_quotas(by_file(expected) if group else expected, quota)
    options = {"group": group, "quotas": quota, "min_score": least, "mode": mode}
    page = crowd.search(asked, modalities=kinds, k=k, offset=offset, **options)
    assert order(page) == order(expected)[offset : offset + k]
    assert [hit.rank for hit in page] == list(range(offset + 1, offset + 1 + len(page)))


@settings(max_examples=40, deadline=None)
@given(st.lists(words, min_size=1, max_size=2), words, st.booleans(), st.integers(1, 20), st.integers(0, 20))
def test_a_fused_page_is_a_slice_of_the_whole_list(small_steps, wanted, unwanted, group, k, offset):
    """Also where what an unwanted part lets up is not among the nearest to the wanted ones."""
    parts = (*text_parts(wanted), *text_parts([unwanted], sign=-1.0))
    everything = small_steps.search(parts=parts, combine="fuse", k=5_000)
    expected = by_file(everything) if group else everything
    page = small_steps.search(parts=parts, combine="fuse", k=k, offset=offset, group=group)
    assert order(page) == order(expected)[offset : offset + k]
    assert all(0 <= hit.score <= 1 and hit.cosine is None for hit in everything)
    assert page.good_match is None


def test_what_an_unwanted_part_lets_up_is_found(library, reader):
    for number in range(60):
        library.put(f"/bad{number:02d}.txt", "text", "cat dog")
    for number in range(30):
        library.put(f"/good{number:02d}.txt", "text", "cat bird fish")
    hits = reader.search("cat", parts=text_parts(["dog"], sign=-1.0), combine="fuse", k=10)
    assert {hit.path[:5] for hit in hits} == {"/good"}


def test_few_files_of_many_passages_are_listed_without_reading_them_all(library, reader, monkeypatch):
    """Fewer files than are wanted: the list ends when each has come, not when each passage was looked at."""
    for number in range(4):
        library.put(f"/{number}.txt", "text", *["red cat", "blue dog"] * 2_000)
    shown = []
    hits_of = Catalog.hits
    monkeypatch.setattr(Catalog, "hits", lambda self, ids: shown.append(len(ids)) or hits_of(self, ids))
    hits = reader.search("red", k=10, group=True)
    assert sorted(hit.path for hit in hits) == [f"/{number}.txt" for number in range(4)]
    assert sum(shown) < 500


def test_an_item_is_left_out_with_its_captions(library, reader):
    library.put("/a.jpg", "image", "red")
    library.put("/b.jpg", "image", "red")
    library.commit(caption("/a.txt", "red", about="/a.jpg"), caption("/b.txt", "red", about="/b.jpg"))
    hits = reader.search("red", exclude={library.asset_id("/a.jpg")}, group=True)
    assert {hit.subject for hit in hits} == {"/b.jpg"}


def test_a_caption_whose_picture_has_gone_stands_for_itself(library, reader):
    library.put("/a.jpg", "image", "red")
    library.commit(caption("/a.txt", "blue", about="/a.jpg"))
    assert reader.search("blue")[0].subject == "/a.jpg"
    library.remove("/a.jpg")
    (hit,) = reader.search("blue", group=True)
    assert (hit.path, hit.about, hit.subject) == ("/a.txt", None, "/a.txt")


def test_a_kind_with_higher_cosines_does_not_crowd_out_the_rest(library, reader):
    """Texts lie nearer to texts than pictures do, in most models: scores are calibrated by kind, cosines are not."""
    for number in range(30):
        library.put(f"/{number}.txt", "text", "red green blue cat")
        library.put(f"/{number}.jpg", "image", "red green blue cat")
    kinds = [hit.modality for hit in reader.search("red", k=20)]
    assert {kinds.count("text"), kinds.count("image")} != {0, 20}


def test_files_that_were_passed_over_make_room_for_others(library, reader):
    library.put("/long.txt", "text", *["red"] * 50)
    for number in range(5):
        library.put(f"/{number}.txt", "text", "red green")
    assert reader.search("red", k=6, group=True)[0].path == "/long.txt"
    assert len({hit.path for hit in reader.search("red", k=6, group=True)}) == 6
    assert len({hit.path for hit in reader.search("red", k=6)}) == 1


def test_in_a_list_of_files_a_caption_shows_its_picture(library, reader):
    (picture,) = library.put("/a.jpg", "image", "green")
    library.commit(caption("/a.txt", "red cat", about="/a.jpg"))
    (words,) = library.ids("/a.txt")
    (hit,) = reader.search("red cat", group=True)
    assert (hit.id, hit.path, hit.modality, hit.media_type) == (picture, "/a.jpg", "image", "image/jpeg")
    assert (hit.text, hit.about, hit.cosine) == ("red cat", None, pytest.approx(1, abs=1e-6))
    assert [moment.id for moment in hit.more] == [words]
    assert hit.rank == 1
    (text,) = reader.search("red cat", group=True, modalities={"text"})
    assert (text.id, text.path, text.about) == (words, "/a.txt", "/a.jpg")
    assert [each.id for each in reader.search("red cat")] == [words, picture]
