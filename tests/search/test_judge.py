"""When a search says "good match", "no good match", or nothing."""

import pytest

from mmsearch.queries import Hit
from mmsearch.search.judge import judge
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


def hits(*scored):
    return [Hit(rank, rank, score, f"/{rank}", kind, 0.25) for rank, (kind, score) in enumerate(scored, start=1)]


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
    assert judge(asked, hits(*found), SPEC) is verdict


@pytest.mark.parametrize(
    ("asked", "score", "verdict"), [("text", 0.8, True), (None, 0.8, True), ("text", 0.3, None), (None, 0.3, None)]
)
def test_what_was_found_by_words_alone_can_only_be_good(asked, score, verdict):
    assert judge(asked, [Hit(1, 1, score, "/holiday.jpg", "image")], SPEC) is verdict


def test_words_lift_a_hit_over_the_level():
    by_vectors, by_words = Hit(1, 1, 0.3, "/a", "image", 0.2), Hit(1, 1, 0.9, "/a", "image", 0.2)
    assert judge("text", [by_vectors], SPEC) is False
    assert judge("text", [by_words], SPEC) is True
