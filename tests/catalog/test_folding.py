# ruff: noqa: RUF001 - letters that look alike are the point
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.catalog.folding import MAX_WORD_CHARS, fold, indexed, indexed_name, pieces, tokens, words

ANY_TEXT = st.text(st.characters(), max_size=60)  # lone surrogates too


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("Straße", "strasse"),
        ("Crème brûlée", "creme brulee"),
        ("ＦＵＬＬ ﬁle", "full file"),
        ("İstanbul", "istanbul"),
        ("Người Việt", "nguoi viet"),
        ("كِتَابٌ", "كتاب"),
        ("שָׁלוֹם", "שלום"),
        ("ガラス", "ｶﾞﾗｽ"),
        ("don't", "don’t"),
        ("naïve\u0308", "nai\u0308ve"),
        ("𝐁𝐨𝐥𝐝", "bold"),
        ("🏖️", "🏖"),
    ],
)
def test_what_readers_take_for_the_same_is_folded_to_the_same(written, found):
    assert words(written) == words(found) != []


def test_marks_that_spell_a_word_stay():
    assert words("हिन्दी में") == ["हिन्दी", "में"]
    assert words("กิน") != words("กัน")


def test_all_else_parts_words():
    assert words('a_b-c.d/e\\f:g"h*i^j(k)l+m\0n\udce9o\u200bp') == list("abcdefghijklmnop")


def test_scripts_without_spaces_are_indexed_by_character():
    assert indexed("東京 tower2で") == "東 京 tower2 で"
    assert indexed("ไทย") == "ไ ท ย"
    assert indexed("🏖🏖") == "🏖 🏖"
    assert indexed("한국어") == "한국어"


def test_a_long_run_is_looked_for_by_overlapping_pieces():
    assert pieces("海辺の犬") == [("海", "辺"), ("辺", "の"), ("の", "犬")]
    assert pieces("犬") == [("犬",)]
    assert pieces("ทะเลสวย")[0] == ("ท", "ะ", "เ", "ล")
    assert pieces("beach") == [("beach",)]


def test_endless_words_are_cut():
    assert tokens("x" * 100) == ("x" * MAX_WORD_CHARS,)
    assert len(tokens("海" * 100)) == 100


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("IMG_2034_beachSunset.jpg", "img 2034 beach sunset jpg beachsunset"),
        ("DSC00042.JPG", "dsc 00042 jpg dsc00042"),
        ("2019-08-15 Sommerfest", "2019 08 15 sommerfest"),
        ("iPhone12Pro", "i phone 12 pro iphone12pro"),
        ("", ""),
        ("...", ""),
    ],
)
def test_names_are_taken_apart(name, expected):
    assert indexed_name(name) == expected


@given(ANY_TEXT)
def test_folding_again_changes_nothing(text):
    assert indexed(" ".join(words(text))) == indexed(text)


@given(ANY_TEXT)
def test_a_token_is_nothing_that_a_query_language_knows(text):
    for token in indexed(text).split(" "):
        assert all(char.isalnum() for char in token if char.isascii())
        token.encode()  # can be stored


@given(ANY_TEXT, ANY_TEXT)
def test_case_does_not_matter(before, after):
    assert fold("Beach" + before) == fold("bEACH" + before)
    assert "beach" in words(f"{before} Beach {after}")
