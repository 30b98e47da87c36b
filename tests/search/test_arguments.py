import numpy as np
import pytest

from mmsearch.errors import QueryError
from mmsearch.search.arguments import number, parse_modalities, parse_quotas, shown, whole


def test_parse_modalities():
    assert parse_modalities([]) == parse_modalities("") == parse_modalities([""]) == frozenset()
    assert parse_modalities("image,text") == parse_modalities(["text", " image "]) == {"image", "text"}
    for names in (["picture"], ["image,movie"], "Image"):
        with pytest.raises(QueryError, match="known: text, image, audio, video"):
            parse_modalities(names)


def test_parse_quotas():
    assert parse_quotas(()) == parse_quotas("") == {}
    assert parse_quotas("image=5, audio=3") == parse_quotas(["image=5", "audio=3"]) == {"image": 5, "audio": 3}
    assert parse_quotas({"text": 0}) == {"text": 0}
    for given in ("image", "image=", "image=x", "image=-1", "image=1.5", "image=\u0665", {"image": -1}):
        with pytest.raises(QueryError, match="image=5"):
            parse_quotas(given)


def test_numbers_may_be_those_of_numpy():
    found = whole(np.int64(5), "k")
    assert (found, type(found)) == (5, int)
    found = number(np.float32(0.5), "min_score")
    assert (found, type(found)) == (0.5, float)


def test_whatever_was_given_can_be_shown_shortly():
    nested = []
    for _ in range(100_000):
        nested = [nested]
    for value in ("x" * 10**6, b"x" * 10**6, 10**5_000, [10**5_000], np.zeros(10**6), nested):
        assert 0 < len(shown(value)) <= 80
    assert shown("a") == "'a'"
