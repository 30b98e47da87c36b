import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.catalog.folding import indexed
from mmsearch.catalog.records import WordTerm
from mmsearch.search.words import MAX_TERMS, parse_words

SYNTAX = st.text(st.sampled_from("ab *\"“”:^(){}[]+-~,./\\\0\n'") | st.characters(), max_size=80)


def term(*tokens, **kinds):
    return WordTerm((tokens,), **kinds)


def test_bare_words_are_looked_for_one_by_one_without_those_that_tell_nothing():
    assert parse_words("A dog on the Beach, a DOG") == (term("dog"), term("beach"))


def test_a_query_of_nothing_else_keeps_them():
    assert parse_words("The Who") == (term("the"), term("who"))
    assert parse_words('"the who" is it') == (term("the", "who", required=True), term("is"), term("it"))


@pytest.mark.parametrize("text", ['"red  Car"', "“red car”", '"red-car"', '"red car'])
def test_quoted_words_must_be_there_in_that_order(text):
    closed = text[-1] in '"”'
    assert parse_words(text) == ((term("red", "car", required=True),) if closed else (term("red"), term("car")))


def test_a_star_stands_for_all_that_begin_so():
    assert parse_words("Donau* haus") == (term("donau", prefix=True), term("haus"))
    assert parse_words("img-20*") == (term("img"), term("20", prefix=True))
    assert parse_words("x* * **") == (term("x"),)


def test_letters_with_digits_are_looked_for_apart_too():
    assert parse_words("IMG2034") == (WordTerm((("img2034",), ("img", "2034"))),)
    assert parse_words("IMG_2034.jpg") == (term("img"), term("2034"), term("jpg"))


def test_a_run_without_spaces_is_looked_for_in_pieces_but_quoted_as_a_whole():
    assert parse_words("海辺の犬 dog") == (term("海", "辺"), term("辺", "の"), term("の", "犬"), term("dog"))
    assert parse_words('"海辺の犬"') == (term("海", "辺", "の", "犬", required=True),)
    assert parse_words("東京*") == (term("東", "京"),)


@pytest.mark.parametrize("text", ["", "  ", '"', '""', "* : ^", "“”", "\0", '" - "'])
def test_there_may_be_no_word_at_all(text):
    assert parse_words(text) == ()


def test_operators_are_words():
    tokens = [each.spellings[0] for each in parse_words('AND OR NEAR( NOT name:dog ^cat {x} "')]
    assert tokens == [("near",), ("not",), ("name",), ("dog",), ("cat",), ("x",)]


def test_an_endless_query_is_cut():
    assert len(parse_words(" ".join(f"w{number}" for number in range(5_000)))) == MAX_TERMS


@given(SYNTAX)
def test_no_query_fails_and_all_that_is_looked_for_is_tokens(text):
    for each in parse_words(text):
        for spelling in each.spellings:
            assert spelling
            assert all(indexed(token) == token for token in spelling)


@given(SYNTAX)
def test_no_query_is_syntax_to_the_index(library_of_one, text):
    found = library_of_one.catalog.find_words(parse_words(text))
    assert set(found.ids.tolist()) <= {1}


@pytest.fixture(scope="module")
def library_of_one(make_library):
    made = make_library()
    made.put("/a b.txt", "text", "a b near and or not")
    yield made
    made.close()
