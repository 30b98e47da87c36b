"""What was indexed without tokens is given some: files are read again, and hits keep their ids and vectors."""

from dataclasses import replace

import pytest
from counting_encoder import CountingEncoder, deaf
from stored_tokens import segment_ids, token_bytes, token_places, vector_bytes

import mmsearch
from mmsearch.catalog.tables import tokens
from mmsearch.errors import ModelError
from mmsearch.testing.media import write_image, write_text, write_wav
from mmsearch.types import Utterance


class Listener(CountingEncoder):
    """Writes down the same whatever it hears, and counts how often."""

    def __init__(self):
        super().__init__()
        self.spec = replace(self.spec, transcribes=True)
        self.transcribed = 0

    def transcribe(self, wave):
        self.transcribed += 1
        return [Utterance("wild geese over the marsh", 0.25, 1.75, "en")]


@pytest.fixture
def encoder():
    return Listener()


@pytest.fixture
def media(folder):
    """Pictures, a caption, a note of several passages, a sound of several windows."""
    for colour in ("red", "green", "blue"):
        write_image(folder / f"{colour}.png", colour)
    write_text(folder / "red.txt", "a red square")
    write_text(folder / "note.md", "\n\n".join(f"# Part {part}\n" + f"word{part} and more. " * 60 for part in "abc"))
    write_wav(folder / "tone.wav", seconds=9)
    return folder


@pytest.fixture
def without(collection, encoder, media):
    """A collection of them without tokens."""
    collection.index(media, tokens=False)
    encoder.texts.clear()
    encoder.images = encoder.sounds = encoder.transcribed = 0
    return collection


@pytest.fixture
def expected(home, media):
    """The tokens that a collection has which is made with them."""
    with mmsearch.open("expected", home=home, model=Listener()) as made:
        made.index(media, tokens=True)
        return token_bytes(made)


def encoded(encoder):
    return len(encoder.texts), encoder.images, encoder.sounds


def by_rebuild(collection):
    collection.rebuild(tokens=True)


def by_index(collection):
    collection.index(tokens=True)


@pytest.mark.parametrize("make", [by_rebuild, by_index])
def test_all_files_are_given_tokens_and_nothing_else_changes(without, encoder, expected, make):
    ids, vectors = segment_ids(without), vector_bytes(without)
    hits = [(hit.id, hit.score) for hit in without.search("red word", k=50)]
    make(without)
    assert token_bytes(without) == expected
    assert (segment_ids(without), vector_bytes(without)) == (ids, vectors)
    assert [(hit.id, hit.score) for hit in without.search("red word", k=50)] == hits
    assert (encoder.images, encoder.sounds, encoder.transcribed) == (3, 3, 0)
    assert without.verify() == []
    before = encoded(encoder)
    make(without)
    assert encoded(encoder) == before


def test_the_worker_processes_make_the_same(home, without, encoder, media, expected):
    with mmsearch.open("by name", home=home, model="hashing:64") as other:
        other.index(media, tokens=False)
        ids = segment_ids(other)
        other.rebuild(tokens=True, workers=1)
        said = {key for key in expected if key[0] == "tone.wav"}  # that encoder does not write down
        assert token_bytes(other).items() >= {key: expected[key] for key in expected.keys() - said}.items()
        assert segment_ids(other) == ids
        assert token_bytes(other).keys() == ids.keys()


def test_it_tells_how_far_it_is_and_how_many_there_were(without, media):
    seen = []
    report = without.index(tokens=True, on_progress=seen.append)
    assert (report.unchanged, report.encoded) == (6, 0)
    assert report.tokens_made == without.status().tokens.segments
    assert (seen[-1].done, seen[-1].total) == (6, 6)
    seen.clear()
    without.index(tokens=False)
    without.rebuild(tokens=True, on_progress=seen.append)
    assert (seen[-1].done, seen[-1].total) == (6, 6)


def test_changed_and_new_files_come_first_and_are_read_once(without, encoder, media):
    write_text(media / "red.txt", "a changed caption")
    write_image(media / "new.png", "yellow")
    report = without.index(media, tokens=True)
    assert (report.updated, report.added) == (1, 1)
    assert report.tokens_made == without.status().tokens.segments - 2
    assert encoder.texts.count("a changed caption") == 1
    assert encoder.images == 4
    assert without.status().tokens.segments == without.status().tokens.of


def test_a_very_long_text_is_kept_without_tokens_until_they_are_made_in_pieces(
    collection, encoder, media, expected, monkeypatch
):
    monkeypatch.setattr("mmsearch.ingest.encode.MOST_WITH_TOKENS", 2)
    monkeypatch.setattr("mmsearch.ingest.make_tokens.PAGE_SEGMENTS", 2)
    collection.index(media)
    kept = {key: each for key, each in expected.items() if key[0] != "note.md"}
    assert len(expected) - len(kept) > 2
    assert token_bytes(collection) == kept
    assert collection.index(media).encoded == 0
    before = encoded(encoder)
    report = collection.index(media, tokens=True)
    assert token_bytes(collection) == expected
    assert report.tokens_made == len(expected) - len(kept) == len(encoder.texts) - before[0]


def test_an_interrupted_run_keeps_what_it_made(home, without, encoder, expected, monkeypatch):
    monkeypatch.setenv("MMSEARCH_INGEST_BATCH_FILES", "1")
    calls = []

    def stop(progress):
        calls.append(progress.done)
        if progress.done == 2:
            raise KeyboardInterrupt

    with mmsearch.open("photos", home=home, model=encoder) as opened:
        with pytest.raises(KeyboardInterrupt):
            opened.rebuild(tokens=True, on_progress=stop)
        kept = token_bytes(opened)
        assert kept.items() <= expected.items()
        assert 0 < len(kept) < len(expected)
        assert opened.verify() == []
        opened.rebuild(tokens=True)
        assert token_bytes(opened) == expected
    assert (encoder.images, encoder.sounds) == (3, 3)


def test_what_is_gone_or_has_changed_is_left_alone(without, encoder, media, expected):
    ids = segment_ids(without)
    (media / "red.png").unlink()
    (media / "note.md").unlink()
    write_image(media / "green.png", "white")
    (media / "blue.png").write_bytes(b"no picture any more")
    without.rebuild(tokens=True)
    assert segment_ids(without) == ids
    pictures = {(f"{colour}.png", 0) for colour in ("red", "green", "blue")}
    assert token_bytes(without) == {key: each for key, each in expected.items() if key not in pictures}
    assert without.failures() == []
    assert without.verify() == []
    assert without.status().tokens.segments == without.status().tokens.of - 3


def test_copies_are_read_once_and_share_rows(without, encoder, media):
    (media / "copy.png").write_bytes((media / "red.png").read_bytes())
    without.index(media)
    assert without.status().tokens is None
    without.index(tokens=True)
    places = token_places(without)
    assert encoder.images == 3
    assert places["copy.png", 0] == places["red.png", 0]
    (media / "later.png").write_bytes((media / "red.png").read_bytes())
    without.index(media)
    assert token_places(without)["later.png", 0] == places["red.png", 0]
    assert encoder.images == 3


def test_a_copy_that_lacks_tokens_takes_those_that_are_there(without, encoder, media):
    (media / "copy.png").write_bytes((media / "red.png").read_bytes())
    without.index(media, tokens=True)
    before = token_places(without)
    own = tokens.c.segment_id == segment_ids(without)["red.png", 0]
    with without._storage.writing() as shelves, shelves.catalog.write() as writer:
        writer._connection.execute(tokens.delete().where(own))
    assert token_places(without).keys() == before.keys() - {("red.png", 0)}
    (media / "red.png").unlink()
    without.rebuild(tokens=True)
    assert encoder.images == 3
    places = token_places(without)
    assert places["red.png", 0] == places["copy.png", 0]
    assert places.keys() == before.keys()


def test_another_revision_replaces_what_was_kept(without, encoder, expected):
    without.index(tokens=True)
    first = token_places(without)
    encoder.spec = replace(encoder.spec, tokens="another")
    encoder.images = 0
    without.index()
    assert (encoder.images, token_places(without)) == (0, first)
    without.index(tokens=True)
    assert encoder.images == 3
    assert token_bytes(without) == expected
    assert without._storage.reading().catalog.token_revision() == "another"
    assert {file for file, _, _ in token_places(without).values()}.isdisjoint(file for file, _, _ in first.values())
    assert len(list(without.folder.rglob("*.i8"))) == 1
    assert without.verify() == []


def test_kinds_that_the_model_no_longer_takes_are_left_alone(home, without, expected):
    with mmsearch.open("photos", home=home, model=deaf(Listener())) as opened:
        opened.rebuild(tokens=True)
        assert token_bytes(opened) == {key: each for key, each in expected.items() if key[0] != "tone.wav"}


@pytest.mark.parametrize("make", [by_rebuild, by_index])
def test_a_model_that_gives_none_is_refused(without, encoder, make):
    encoder.spec = replace(encoder.spec, tokens="")
    with pytest.raises(ModelError, match="gives no tokens"):
        make(without)
    assert without.status().tokens is None


def test_a_new_collection_is_not_made_for_a_model_that_gives_none(collection, encoder, media):
    encoder.spec = replace(encoder.spec, tokens="")
    with pytest.raises(ModelError, match="gives no tokens"):
        collection.index(media, tokens=True)
    assert not collection.exists
