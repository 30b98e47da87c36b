"""What an explanation says must add up to the score that it explains."""

import numpy as np
import pytest
from query_parts import text_parts

from mmsearch.queries import QueryPart
from mmsearch.search.hybrid import hybrid

STAGES = ["score", "mode", "combine", "vector", "parts", "words", "filter", "rerank"]


@pytest.fixture
def filled(library, reader):
    for number in range(40):
        library.put(f"/{number}.jpg", "image", ("red cat", "green dog", "blue")[number % 3])
    library.put("/notes.txt", "text", "a red cat on the sofa", "nothing of the kind")
    return reader


def test_contributions_of_parts_sum_to_the_cosine(filled):
    parts = (*text_parts(["2:red", "cat"]), *text_parts(["sofa"], sign=-1.0))
    hits = filled.search(parts=parts, explain=True)
    for hit in hits:
        assert list(hit.explain) == STAGES
        given = hit.explain["parts"]
        assert [(part["part"], part["kind"], part["weight"]) for part in given] == [
            ("red", "text", 2.0),
            ("cat", "text", 1.0),
            ("sofa", "text", -1.0),
        ]
        assert sum(part["contribution"] for part in given) == pytest.approx(hit.cosine, abs=1e-4)
        assert hit.explain["vector"]["cosine"] == hit.cosine


def test_a_single_part_gives_the_whole_cosine(filled):
    (hit,) = filled.search("red cat", k=1, explain=True)
    (part,) = hit.explain["parts"]
    assert part["contribution"] == pytest.approx(hit.cosine, abs=1e-6)
    assert part["cosine"] == pytest.approx(hit.cosine, abs=1e-6)
    assert hit.explain["vector"]["rank"] == 1


def test_the_score_is_what_vector_and_words_come_to(filled):
    for hit in filled.search("red cat sofa", mode="hybrid", explain=True):
        vector, words = hit.explain["vector"]["score"], hit.explain["words"]["score"]
        assert hybrid(np.float32([vector]), np.float32([words]))[0] == pytest.approx(hit.score, abs=1e-6)
        assert (hit.explain["words"]["rank"] is None) == (words == 0)


def test_words_alone_have_no_vector(filled):
    hit = filled.search("sofa", mode="text", explain=True)[0]
    assert (hit.text, hit.cosine) == ("a red cat on the sofa", None)
    assert (hit.explain["vector"], hit.explain["parts"]) == (None, [])
    assert hit.explain["words"]["rank"] == 1


def test_vectors_alone_have_no_words(filled):
    assert filled.search("sofa", explain=True)[0].explain["words"] is None


def test_the_background_is_the_collection_at_large(filled):
    (hit,) = filled.search("red cat", modalities={"image"}, k=1, explain=True)
    background = hit.explain["vector"]["background"]
    assert background["size"] == 40
    expected = (hit.cosine - background["mean"]) / background["sd"]
    assert background["deviations"] == pytest.approx(expected)


def test_fused_parts_have_the_score_that_each_gives_alone(filled):
    (hit,) = filled.search("red", "dog", combine="fuse", modalities={"image"}, k=1, explain=True)
    assert hit.cosine is None
    alone = {part["part"]: part for part in hit.explain["parts"]}
    assert set(alone) == {"red", "dog"}
    for word, part in alone.items():
        found = next(each for each in filled.search(word, modalities={"image"}, k=99) if each.id == hit.id)
        assert part["score"] == pytest.approx(found.score, abs=1e-6)
        assert part["cosine"] == pytest.approx(found.cosine, abs=1e-6)


def test_what_is_filtered_is_said(filled):
    (hit,) = filled.search("red", modalities={"image"}, exclude={10**6}, k=1, explain=True)
    assert hit.explain["filter"] == {"modalities": ["image"], "where": None, "segments": 40, "left_out_files": 1}


def test_a_raw_vector_is_a_part_of_no_known_kind(filled):
    vector = np.ones(64, dtype=np.float32)
    (hit,) = filled.search(parts=(QueryPart(None, vector=vector, name="vector given as data"),), k=1, explain=True)
    assert hit.explain["parts"][0]["kind"] is None
