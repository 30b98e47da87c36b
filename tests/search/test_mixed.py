"""One list of all kinds: the same whatever its depth, and nothing crowds out the rest."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from query_parts import text_parts

from mmsearch.search.arrange import by_file, within_quotas

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


@settings(max_examples=20, deadline=None)
@given(words, words, st.integers(1, 20))
def test_a_fused_page_is_a_slice_of_the_whole_list(crowd, wanted, unwanted, k):
    parts = (*text_parts([wanted, "2:cat"]), *text_parts([unwanted], sign=-1.0))
    everything = crowd.search(parts=parts, combine="fuse", k=5_000)
    assert order(crowd.search(parts=parts, combine="fuse", k=k)) == order(everything)[:k]
    assert all(0 <= hit.score <= 1 and hit.cosine is None for hit in everything)


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
