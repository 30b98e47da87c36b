"""Queries to tune an index with come from the log, the collection and the bank, and none of them starves."""

from dataclasses import replace

import numpy as np
import pytest

from mmsearch.catalog.query_log import QueryLog
from mmsearch.encoders.hashing import HashingEncoder
from mmsearch.ingest import tuning_queries as module
from mmsearch.ingest.tuning_queries import bank, captions, logged, tuning_queries
from mmsearch.testing.media import write_image, write_text


class Listening(HashingEncoder):
    """Remembers what it was asked to embed, and how."""

    def __init__(self):
        super().__init__(64)
        self.asked, self.roles, self.most = [], set(), 0

    def encode_texts(self, texts, role):
        self.asked += texts
        self.roles.add(role)
        self.most = max(self.most, len(texts))
        return super().encode_texts(texts, role)


@pytest.fixture
def catalog(collection, folder):
    for number in range(12):
        write_image(folder / f"{number}.png", size=(8, 8), color=(number * 20, 90, 30))
        write_text(folder / f"{number}.txt", f"caption {number} of a picture")
    write_text(folder / "story.txt", "Once upon a time " + "there was a fox " * 400)
    collection.index(folder)
    return collection._storage.reading().catalog


def note(catalog, *requests):
    log = QueryLog(catalog.path)
    for request in requests:
        log.note(request, hits=1)


def test_all_sources_take_turns(catalog):
    note(catalog, *(f'{{"text": "asked {number}"}}' for number in range(30)))
    encoder = Listening()
    vectors, source = tuning_queries(catalog, encoder, 30)
    assert source == "log, captions, bank"
    assert vectors.shape == (30, 64)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1)
    assert encoder.roles == {"query"}
    assert encoder.asked[0] == "asked 29"
    assert encoder.asked[1].startswith("caption")
    shares = [sum(text.startswith(name) for text in encoder.asked) for name in ("asked", "caption")]
    assert shares == [10, 10]


def test_where_one_source_has_few_the_others_fill_up(catalog):
    note(catalog, '{"text": "a red boat"}')
    encoder = Listening()
    vectors, source = tuning_queries(catalog, encoder, 300)
    assert len(vectors) == 300
    assert source == "log, captions, bank"
    assert encoder.asked[0] == "a red boat"
    assert len({text.casefold() for text in encoder.asked}) == 300
    assert encoder.most <= 32


def test_without_texts_there_is_the_bank(collection, folder):
    write_image(folder / "one.png")
    collection.index(folder)
    vectors, source = tuning_queries(collection._storage.reading().catalog, Listening(), 50)
    assert (len(vectors), source) == (50, "bank")


def test_captions_come_first_and_passages_are_shortened_to_queries(catalog):
    found = captions(catalog, 300)
    assert {*found[:12]} == {f"caption {number} of a picture" for number in range(12)}
    assert "Once upon a time there was a fox there was a fox there was a fox" in found[12:]
    assert max(len(text) for text in found) <= 120


def test_only_logged_queries_that_are_one_short_text_count(catalog):
    note(catalog, '{"text": "sea"}', '{"image": "/x.png"}', '{"text": "' + "x" * 500 + '"}', '{"text": ["a", "b"]}')
    assert logged(catalog) == ["sea"]


def test_nothing_is_taken_twice(catalog):
    note(catalog, '{"text": "Caption 3  of a PICTURE"}', '{"text": "caption 3 of a picture"}')
    encoder = Listening()
    tuning_queries(catalog, encoder, 300)
    plain = [" ".join(text.casefold().split()) for text in encoder.asked]
    assert plain.count("caption 3 of a picture") == 1


def test_an_encoder_that_takes_no_texts_gives_none(catalog):
    encoder = Listening()
    encoder.spec = replace(encoder.spec, modalities=frozenset({"image"}))
    vectors, source = tuning_queries(catalog, encoder)
    assert vectors.shape == (0, 64)
    assert source == ""
    assert encoder.asked == []


def test_texts_of_which_the_model_knows_no_word_are_left_out(catalog):
    class OneWord(Listening):
        def encode_texts(self, texts, role):
            rows = super().encode_texts(texts, role)
            rows[["caption" not in text for text in texts]] = 0
            return rows

    vectors, source = tuning_queries(catalog, OneWord(), 100)
    assert len(vectors) == 12
    assert source == "captions"


def test_the_bank_is_varied():
    texts = bank()
    assert len(texts) >= 300
    assert len({text.casefold().strip() for text in texts}) == len(texts)
    assert all(0 < len(text) <= 100 and text == text.strip() for text in texts)
    words = [len(text.split()) for text in texts]
    assert sum(count == 1 for count in words) > 50
    assert sum(count > 10 for count in words) >= 5
    assert sum(not text.isascii() for text in texts) >= 10
    assert texts == module.bank()
