import string
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.errors import QueryError
from mmsearch.search.terms import MAX_TEXT_CHARS, Term, negated, read_term, read_terms, split_weight

not_blank = st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip)


@pytest.mark.parametrize(
    ("term", "weight", "rest"),
    [
        ("cat", 1, "cat"),
        ("2:cat", 2, "cat"),
        ("0.5:a red car", 0.5, "a red car"),
        ("007:bond", 7, "bond"),
        ("999999.999999:x", 999999.999999, "x"),
        ("0.000001:x", 0.000001, "x"),
        ("2:1:cat", 2, "1:cat"),
        ("1:12:30 train", 1, "12:30 train"),
        ("12:30 train", 12, "30 train"),  # as documented: a text that begins so needs a weight
        ("2:line\nbreak", 2, "line\nbreak"),
        ("2:", 1, "2:"),
        ("2: cat", 1, "2: cat"),
        (" 2:cat", 1, " 2:cat"),
        (":cat", 1, ":cat"),
        (".5:cat", 1, ".5:cat"),
        ("5.:cat", 1, "5.:cat"),
        ("-1:cat", -1, "cat"),
        ("-0.5:image:a.jpg", -0.5, "image:a.jpg"),
        ("--1:cat", 1, "--1:cat"),
        ("+1:cat", 1, "+1:cat"),
        ("1e3:cat", 1, "1e3:cat"),
        ("1_0:cat", 1, "1_0:cat"),
        ("nan:cat", 1, "nan:cat"),
        ("1234567:cat", 1, "1234567:cat"),
        ("1,5:cat", 1, "1,5:cat"),
        ("٢:cat", 1, "٢:cat"),
        ("C:\\photos\\a.jpg", 1, "C:\\photos\\a.jpg"),
        ("a 2:cat", 1, "a 2:cat"),
        ("trailing blank ", 1, "trailing blank "),  # part of the name, if it is a file's
    ],
)
def test_split_weight(term, weight, rest):
    assert split_weight(term) == (weight, rest)


@pytest.mark.parametrize("term", ["", " ", "\t\n", "\u3000"])
def test_an_empty_part_is_refused(term):
    with pytest.raises(QueryError, match="empty"):
        split_weight(term)


@pytest.mark.parametrize("term", ["0:cat", "0.0:cat", "000.000000:cat", "-0:cat"])
def test_a_weight_of_zero_is_refused(term):
    with pytest.raises(QueryError, match="Leave it out"):
        split_weight(term)


@given(
    st.integers(1, 999_999_999_999), st.sampled_from(("", "-")), not_blank.filter(lambda text: not text[0].isspace())
)
def test_any_text_can_be_given_any_weight(millionths, sign, text):
    whole, fraction = divmod(millionths, 1_000_000)
    number = f"{sign}{whole}.{fraction:06d}"
    assert split_weight(f"{number}:{text}") == (float(number), text)
    assert read_term(f"{number}:text:{text}") == Term("text", text, float(number))


@given(not_blank.filter(lambda text: text[0] not in string.digits + "-"))
def test_what_does_not_begin_with_a_digit_is_taken_whole(text):
    assert split_weight(text) == (1.0, text)


@pytest.mark.parametrize(
    ("written", "term"),
    [
        ("cat", Term("text", "cat")),
        ("image:a.jpg", Term("image", "a.jpg")),
        ("2:image:a.jpg", Term("image", "a.jpg", 2.0)),
        ("-0.5:audio:b c.wav", Term("audio", "b c.wav", -0.5)),
        ("item:17", Term("item", "17")),
        ("vector:v.npy", Term("vector", "v.npy")),
        ("text:image:a.jpg", Term("text", "image:a.jpg")),
        ("image: a picture of a dog", Term("text", "image: a picture of a dog")),  # a blank: words, not a file
        ("movie:a.mp4", Term("text", "movie:a.mp4")),
    ],
)
def test_a_term_may_say_its_kind(written, term):
    assert read_term(written) == term


def test_the_value_of_an_option_is_of_its_kind_whatever_it_looks_like():
    assert read_term("0.5:audio:x.jpg", "image") == Term("image", "audio:x.jpg", 0.5)
    assert read_term("7", "item") == Term("item", "7")


def test_data_is_taken_as_it_is_and_paths_have_no_weight():
    pixels = np.zeros((2, 2, 3), np.uint8)
    terms = read_terms(["2:a.jpg", Path("2:a.jpg"), b"...", pixels], "image")
    assert [term.weight for term in terms] == [2, 1, 1, 1]
    assert terms[1].value == Path("2:a.jpg")
    assert terms[3].value is pixels
    assert [term.name for term in terms] == [
        "image a.jpg",
        "image 2:a.jpg",
        "image given as data",
        "image given as data",
    ]


def test_negated_turns_weights_round():
    assert [term.weight for term in negated(read_terms(["2:cat", "-1:dog"], "text"))] == [-2, 1]


def test_a_text_may_not_be_endless():
    assert read_term("x" * MAX_TEXT_CHARS).weight == 1
    with pytest.raises(QueryError, match="100,000 characters"):
        read_term("x" * (MAX_TEXT_CHARS + 1))
