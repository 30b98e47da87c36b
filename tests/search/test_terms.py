import string
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.errors import ItemNotFound, QueryError
from mmsearch.search.terms import (
    MAX_TEXT_CHARS,
    Term,
    check_term,
    negated,
    read_shorthand,
    read_term,
    read_terms,
    sound_terms,
    split_weight,
    vector_terms,
)

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
    assert read_term(f"{number}:{text}") == Term("text", text, float(number))
    assert read_shorthand(f"{number}:text:{text}") == Term("text", text, float(number))


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
def test_at_a_shell_a_part_may_say_its_kind(written, term):
    assert read_shorthand(written) == term


@pytest.mark.parametrize("text", ["image:/etc/passwd", "vector:/etc/shadow", "audio:a", "item:17", "text:cat"])
def test_elsewhere_a_text_is_a_text(text):
    assert read_term(text) == Term("text", text)
    assert read_terms(["2:" + text], "text") == [Term("text", text, 2.0)]


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
    assert [term.weight for term in negated(read_terms(["2:cat", "dog"], "text"))] == [-2, -1]
    with pytest.raises(QueryError, match="above 0"):
        negated(read_terms(["2:cat", "-1:dog"], "text"))


@pytest.mark.parametrize(
    "term",
    [
        Term("text", "x" * (MAX_TEXT_CHARS + 1)),
        Term("text", 7),
        Term("text", " "),
        Term("image", ""),
        Term("text", "a", 0.0),
        Term("text", "a", 1e7),
        Term("text", "a", float("nan")),
        Term("item", True),
        Term("item", 1.5),
        Term("item", ["a.jpg"]),
    ],
    ids=lambda term: str(term.value)[:10],
)
def test_terms_that_cannot_be_searched_for(term):
    with pytest.raises(QueryError):
        check_term(term)


def test_no_item_has_an_endless_id():
    for id_ in (2**63, -(10**5_000), "9" * 5_000):
        with pytest.raises(ItemNotFound):
            check_term(Term("item", id_))
    check_term(Term("item", 2**63 - 1))
    check_term(Term("text", "x" * MAX_TEXT_CHARS))


def test_samples_and_their_rate_are_one_sound():
    samples = np.zeros(8)
    assert [term.value for term in sound_terms((samples, 8_000))] == [(samples, 8_000)]
    assert [term.value for term in sound_terms(["a.wav", "b.wav"])] == ["a.wav", "b.wav"]
    assert [term.value for term in sound_terms(("a.wav", "b.wav"))] == ["a.wav", "b.wav"]


def test_one_vector_or_several():
    assert vector_terms([]) == []
    assert vector_terms([1, 2]) == [Term("vector", [1, 2])]
    assert vector_terms([[1, 2], [3]]) == [Term("vector", [1, 2]), Term("vector", [3])]
    assert vector_terms("0.5:v.npy") == [Term("vector", "v.npy", 0.5)]
    assert vector_terms([Path("v.npy"), "2:w.npy"]) == [Term("vector", Path("v.npy")), Term("vector", "w.npy", 2.0)]
    assert [len(term.value) for term in vector_terms(np.ones((3, 4)))] == [4, 4, 4]
    assert [len(term.value) for term in vector_terms(np.ones(4))] == [4]
