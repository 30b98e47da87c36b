import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.config import Limits
from mmsearch.errors import MediaTooLarge
from mmsearch.media.passages import passages

MANY = Limits(max_passages=100_000)
WORDS = st.text(alphabet="ab é漢🎉\u0301\u200d", min_size=1, max_size=12)
BREAKS = st.sampled_from([" ", "\n", "\n\n", ". ", "\r\n", "\n# ", "\n- ", "\n```\n", "\t", "\n\n    "])
TEXTS = st.lists(st.tuples(WORDS, BREAKS), max_size=300).map(lambda parts: "".join(map("".join, parts)) * 3)


@given(text=TEXTS, markdown=st.booleans())
@settings(max_examples=60, deadline=None)
def test_spans_are_exact_in_order_and_cover_everything(text, markdown):
    end = 0
    for segment in passages(text, markdown=markdown, limits=MANY):
        assert segment.modality == "text"
        assert segment.char_start >= end
        assert not text[end : segment.char_start].strip()
        end = segment.char_end
        assert segment.text == text[segment.char_start : end]
        assert segment.text.strip()
    assert not text[end:].strip()


@pytest.mark.parametrize("markdown", [False, True])
def test_spans_stay_exact_where_long_texts_are_cut_in_blocks(monkeypatch, markdown):
    monkeypatch.setattr("mmsearch.media.passages._BLOCK_CHARS", 64)
    text = "Ünïcode 漢字 words. \n\n  # Next\r\n" * 50 + "x" * 500
    segments = passages(text, markdown=markdown, limits=MANY)
    assert all(segment.text == text[segment.char_start : segment.char_end] for segment in segments)
    assert "".join("".join(segment.text for segment in segments).split()) == "".join(text.split())
    assert all(len(segment.text) <= 64 for segment in segments)


def test_a_short_text_is_one_passage():
    (segment,) = passages("  A dog.\n", markdown=False, limits=MANY)
    assert (segment.text, segment.char_start, segment.char_end) == ("A dog.", 2, 8)
    assert segment.about is None


def test_passages_end_where_sentences_do_and_fit_an_encoder():
    text = "The quick brown fox jumps over the lazy dog. " * 400
    segments = passages(text, markdown=False, limits=MANY, about="/a/fox.jpg")
    assert all(segment.text.endswith("dog.") for segment in segments)
    lengths = sorted(len(segment.text) for segment in segments)
    assert lengths[-1] <= 900
    assert lengths[2] >= 400  # all but what is left at the end of a block
    assert {segment.about for segment in segments} == {"/a/fox.jpg"}


def test_markdown_is_split_at_its_headings():
    section = "{}\n\n" + "Some words about it. " * 22 + "\n\n"
    text = "".join(section.format(f"# Part {number}") for number in range(6))
    segments = passages(text, markdown=True, limits=MANY)
    assert [segment.text.splitlines()[0] for segment in segments] == [f"# Part {number}" for number in range(6)]


def test_the_number_of_passages_is_limited():
    text = "word " * 10_000
    count = len(passages(text, markdown=False, limits=MANY))
    assert len(passages(text, markdown=False, limits=Limits(max_passages=count))) == count
    with pytest.raises(MediaTooLarge, match=f"more than {count - 1} passages"):
        passages(text, markdown=False, limits=Limits(max_passages=count - 1))


@pytest.mark.parametrize("text", ["a" * 200_000, "a" + "\u0301" * 200_000, "a\n" * 100_000, "```\n" * 50_000])
@pytest.mark.parametrize("markdown", [False, True])
def test_texts_without_structure_do_not_take_the_square_of_their_length(text, markdown):
    started = time.process_time()
    segments = passages(text, markdown=markdown, limits=MANY)
    assert time.process_time() - started < 5  # the splitter alone: minutes
    assert sum(len(segment.text) for segment in segments) > len(text) / 3
