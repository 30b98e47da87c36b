"""When a search says "good match", "no good match", or nothing."""

import pytest

from mmsearch.search.judge import Evidence, judge
from mmsearch.types import EmbeddingSpace, EncoderSpec, Levels

SPEC = EncoderSpec(
    EmbeddingSpace("m", "1", "p", 8),
    frozenset({"text", "image"}),
    levels={
        ("text", "image"): Levels(0.3, 0.5),
        ("text", "text"): Levels(0.5, 0.7),
        ("image", "image"): Levels(0.7, 0.9, verdict=False),
    },
)


def found_by_vector(*scored):
    return [Evidence(kind, score, 0.0) for kind, score in scored]


@pytest.mark.parametrize(
    ("asked", "found", "verdict"),
    [
        ("text", [("image", 0.5)], True),
        ("text", [("image", 0.49)], False),
        ("text", [("text", 0.49), ("image", 0.31)], False),
        ("text", [("text", 0.3), ("image", 0.51)], True),
        ("text", [("audio", 0.9)], None),
        ("text", [("audio", 0.9), ("image", 0.2)], None),  # nobody knows whether that sound is good
        ("text", [("audio", 0.9), ("image", 0.6)], True),
        ("text", [], None),
        ("image", [("image", 0.9)], None),  # comparable scores, but nothing is ever far enough to be wrong
        ("image", [("text", 0.1)], None),
        (None, [("image", 0.9)], None),
        (None, [("image", 0.1)], None),
    ],
)
def test_judge(asked, found, verdict):
    assert judge(asked, found_by_vector(*found), SPEC) is verdict


@pytest.mark.parametrize("asked", ["text", None])
def test_half_of_the_words_are_a_good_match_whatever_the_vector_says(asked):
    assert judge(asked, [Evidence("image", 0.1, 0.5)], SPEC) is True
    assert judge(asked, [Evidence("audio", 0.0, 0.9)], SPEC) is True


def test_a_word_that_is_little_of_the_query_is_no_reason_to_believe():
    assert judge("text", [Evidence("image", 0.44, 0.2)], SPEC) is False
    assert judge(None, [Evidence("image", 0.44, 0.2)], SPEC) is None
