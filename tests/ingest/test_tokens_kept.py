"""Indexing keeps what the parts of each segment mean, if the collection wants it and the model says it."""

from dataclasses import replace

import numpy as np
import pytest
from counting_encoder import CountingEncoder
from stored_tokens import coded_tokens, segment_ids, shelves_of, token_bytes, token_places

import mmsearch
from mmsearch.errors import ModelError
from mmsearch.testing.media import write_image, write_text, write_wav
from mmsearch.vectors.tokens import quantise


@pytest.fixture
def media(folder):
    """A picture with a caption, a long text, a sound."""
    write_image(folder / "red.png", "red")
    write_text(folder / "red.txt", "a red square")
    write_text(folder / "long.md", "\n\n".join(f"# Part {number}\n" + "many words. " * 60 for number in range(3)))
    write_wav(folder / "tone.wav", seconds=9)
    return folder


def encoded(encoder):
    return len(encoder.texts) + encoder.images + encoder.sounds


def of_texts(*texts):
    return [quantise(each).tobytes() for each in CountingEncoder().embed_texts(texts, tokens=True).tokens]


def test_every_segment_has_the_tokens_that_the_model_gives(collection, media):
    collection.index(media)
    stored = token_bytes(collection)
    assert stored.keys() == segment_ids(collection).keys()
    assert [stored["red.txt", 0]] == of_texts("a red square")
    red = np.zeros((1, 32, 32, 3), np.uint8)
    red[..., 0] = 255
    (cells,) = CountingEncoder().embed_images(red, tokens=True).tokens
    assert stored["red.png", 0] == quantise(cells).tobytes()
    counts = {name: [] for name, _ in stored}
    for (name, _), coded in sorted(coded_tokens(collection).items()):
        counts[name].append(len(coded))
    assert counts["tone.wav"] == [4, 4, 4]
    assert set(counts["long.md"]) <= set(range(1, 65))
    assert len(counts["long.md"]) >= 3
    passages = collection.search("many words", modality="text", k=20, group=False)
    assert of_texts(*(hit.text for hit in passages if hit.path.endswith(".md")))[0] in stored.values()
    assert collection.verify() == []


def test_the_worker_processes_give_the_same_tokens(home, collection, media):
    collection.index(media)
    with mmsearch.open("by name", home=home, model="hashing:64") as other:
        other.index(media, workers=1)
        assert token_bytes(other) == token_bytes(collection)


def test_status_counts_them(collection, media):
    collection.index(media)
    kept = collection.status().tokens
    assert kept.segments == kept.of == len(segment_ids(collection))
    assert kept.size_bytes == sum(path.stat().st_size for path in collection.folder.rglob("*.i8"))
    assert kept.bytes_per_segment == round(kept.size_bytes / kept.segments)
    assert sum(len(coded) for coded in coded_tokens(collection).values()) * 68 + 64 == kept.size_bytes


def test_unchanged_files_are_not_encoded_again(collection, encoder, media):
    collection.index(media)
    before, done = token_places(collection), encoded(encoder)
    for tokens in (None, True):
        report = collection.index(media, tokens=tokens)
        assert (report.encoded, report.tokens_made, report.unchanged) == (0, 0, 4)
    assert encoded(encoder) == done
    assert token_places(collection) == before


def test_a_changed_file_has_new_tokens_and_the_others_keep_theirs(collection, media):
    collection.index(media)
    before = token_places(collection)
    write_text(media / "red.txt", "a green square")
    collection.index(media)
    assert [token_bytes(collection)["red.txt", 0]] == of_texts("a green square")
    after = token_places(collection)
    assert {key: place for key, place in before.items() if after[key] != place}.keys() == {("red.txt", 0)}


def test_copies_share_rows_and_renamed_files_keep_theirs(collection, encoder, media):
    collection.index(media)
    before, done = token_places(collection), encoded(encoder)
    (media / "copy.png").write_bytes((media / "red.png").read_bytes())
    (media / "tone.wav").rename(media / "moved.wav")
    collection.index(media)
    after = token_places(collection)
    assert encoded(encoder) == done
    assert after["copy.png", 0] == after["red.png", 0] == before["red.png", 0]
    assert [after["moved.wav", number] for number in range(3)] == [before["tone.wav", number] for number in range(3)]


@pytest.mark.parametrize("by", ["argument", "setting", "model"])
def test_a_collection_without_tokens_stays_without(home, media, monkeypatch, by):
    encoder = CountingEncoder()
    if by == "setting":
        monkeypatch.setenv("MMSEARCH_INGEST_TOKENS", "false")
    if by == "model":
        encoder.spec = replace(encoder.spec, tokens="")
    with mmsearch.open("photos", home=home, model=encoder) as made:
        made.index(media, tokens=False if by == "argument" else None)
        assert made.status().tokens is None
    monkeypatch.delenv("MMSEARCH_INGEST_TOKENS", raising=False)
    with mmsearch.open("photos", home=home, model=CountingEncoder()) as later:
        write_text(media / "new.txt", "something new")
        assert later.index(media).added == 1
        assert later.status().tokens is None
        assert list(later.folder.rglob("*.i8")) == []
        assert later.verify() == []


@pytest.mark.parametrize("kept", [True, False])
def test_a_collection_that_is_made_at_once_follows_the_setting(home, encoder, monkeypatch, kept):
    monkeypatch.setenv("MMSEARCH_INGEST_TOKENS", str(kept).lower())
    with mmsearch.create("made", home=home, model=encoder) as made:
        assert (made.status().tokens is not None) is kept


def test_another_revision_of_tokens_adds_none_to_those_that_are_there(home, collection, encoder, media):
    collection.index(media)
    before = token_bytes(collection)
    encoder.spec = replace(encoder.spec, tokens="another")
    write_text(media / "new.txt", "something new")
    with mmsearch.open("photos", home=home, model=encoder) as later:
        assert later.index(media).added == 1
        assert later.rebuild().vectors == len(before) + 1
        assert token_bytes(later) == before
        assert later.verify() == []


def test_tokens_can_be_forgotten(collection, encoder, media):
    collection.index(media)
    ids, done = segment_ids(collection), encoded(encoder)
    report = collection.index(media, tokens=False)
    assert (report.encoded, encoded(encoder)) == (0, done)
    assert list(collection.folder.rglob("*.i8")) == []
    assert collection.status().tokens is None
    assert segment_ids(collection) == ids
    assert collection.verify() == []


def test_a_dry_run_forgets_and_makes_nothing(collection, encoder, media):
    collection.index(media)
    before = token_bytes(collection)
    collection.index(media, tokens=False, dry_run=True)
    assert token_bytes(collection) == before


def test_files_that_are_removed_take_their_tokens_along(collection, media):
    collection.index(media)
    collection.remove(media / "long.md")
    assert {name for name, _ in token_bytes(collection)} == {"red.png", "red.txt", "tone.wav"}
    assert collection.status().tokens.segments == collection.status().tokens.of == 5
    assert collection.verify() == []


def test_a_rebuild_gives_back_their_room_and_keeps_copies_on_one_row(collection, encoder, media):
    collection.index(media)
    (media / "copy.png").write_bytes((media / "red.png").read_bytes())
    collection.index(media)
    collection.remove(media / "long.md")
    before, done = token_bytes(collection), encoded(encoder)
    collection.rebuild()
    assert encoded(encoder) == done
    assert token_bytes(collection) == before
    places = token_places(collection)
    assert places["copy.png", 0] == places["red.png", 0]
    rows = sum(count for _, _, count in set(places.values()))
    (file,) = collection.folder.rglob("*.i8")
    assert file.stat().st_size == 64 + rows * 68
    assert collection.verify() == []


SPOILED = {
    "none": lambda tokens: None,
    "one too few": lambda tokens: tokens[:-1],
    "no rows": lambda tokens: tuple(each[:0] for each in tokens),
    "too short": lambda tokens: tuple(each[:, :-1] for each in tokens),
    "too many": lambda tokens: tuple(np.repeat(each[:1], 1025, axis=0) for each in tokens),
    "flat": lambda tokens: tuple(each[0] for each in tokens),
}


@pytest.fixture(params=["embed_texts", "embed_images", "embed_audio"])
def spoil(request, encoder, folder, monkeypatch):
    """Spoil the tokens of one file, beside one of another kind that is as it should be."""
    write_text(folder / "a.txt", "some words")
    write_image(folder / "b.png", "red")
    if request.param == "embed_audio":
        write_wav(folder / "c.wav")
    embed = getattr(encoder, request.param)

    def spoil(change):
        def spoiled(inputs, **asked):
            embedded = embed(inputs, **asked)
            return replace(embedded, tokens=change(embedded.tokens))

        monkeypatch.setattr(encoder, request.param, spoiled)

    return spoil


@pytest.mark.parametrize("change", SPOILED.values(), ids=SPOILED.keys())
def test_tokens_of_another_shape_are_the_models_fault(collection, folder, spoil, change):
    spoil(change)
    with pytest.raises(ModelError, match="should give tokens"):
        collection.index(folder)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e35])
def test_a_token_that_is_no_number_costs_its_file_the_tokens_only(collection, folder, spoil, value):
    spoil(lambda tokens: tuple(np.full_like(each, value) for each in tokens))
    report = collection.index(folder)
    assert (report.added, report.failed) == (len(list(folder.iterdir())), 0)
    assert len(segment_ids(collection)) == report.added
    assert collection.status().tokens.segments == report.added - 1
    assert collection.verify() == []
    assert collection.index(folder, tokens=True).tokens_made == 0  # asked again, it says the same


def with_a_bad_token(encoder, kind, monkeypatch, number):
    """Let the encoder give one NaN, in the tokens of one input of each call."""
    embed = getattr(encoder, kind)

    def spoiled(inputs, **asked):
        embedded = embed(inputs, **asked)
        tokens = [each.copy() for each in embedded.tokens]
        tokens[number][-1, 3] = np.nan
        return replace(embedded, tokens=tuple(tokens))

    monkeypatch.setattr(encoder, kind, spoiled)


def test_one_bad_token_costs_no_other_picture_its_own(collection, encoder, folder, monkeypatch):
    for colour in ("blue", "green", "red"):
        write_image(folder / f"{colour}.png", colour)
    with_a_bad_token(encoder, "embed_images", monkeypatch, number=1)
    report = collection.index(folder)
    assert (report.added, report.failed, encoder.images) == (3, 0, 3)  # together, and only once
    assert {name for name, _ in token_bytes(collection)} == {"blue.png", "red.png"}
    assert collection.search("green", k=1)[0].path == str(folder / "green.png")
    monkeypatch.undo()
    assert collection.index(tokens=True).tokens_made == 1


def test_a_sound_with_one_bad_token_is_kept_without(collection, encoder, folder, monkeypatch):
    write_wav(folder / "tone.wav", seconds=9)
    with_a_bad_token(encoder, "embed_audio", monkeypatch, number=-1)
    assert collection.index(folder).added == 1
    assert (len(segment_ids(collection)), token_places(collection)) == (3, {})


def test_a_text_with_one_bad_token_is_kept_without(collection, encoder, media, monkeypatch):
    (media / "red.txt").unlink()
    with_a_bad_token(encoder, "embed_texts", monkeypatch, number=1)
    collection.index(media)
    assert len([name for name, _ in segment_ids(collection) if name == "long.md"]) >= 3
    assert {name for name, _ in token_bytes(collection)} == {"red.png", "tone.wav"}


def test_a_rebuild_keeps_all_rows_of_segments_that_share_some(collection, media):
    """As in a catalog that was tampered with: two segments begin at one row, and one of them ends before the other."""
    collection.index(media)
    (media / "copy.png").write_bytes((media / "red.png").read_bytes())
    collection.index(media)
    before, copy = token_bytes(collection), segment_ids(collection)["copy.png", 0]
    with collection._storage.writing() as shelves, shelves.catalog.write() as writer:
        writer._connection.exec_driver_sql(f"UPDATE tokens SET count = 2 WHERE segment_id = {copy}")
    before["copy.png", 0] = before["red.png", 0][: 2 * 68]
    collection.rebuild()
    assert token_bytes(collection) == before
    assert collection.verify() == []


def test_what_a_crash_left_is_removed(collection, media):
    collection.index(media)
    folder = next(collection.folder.rglob("*.i8")).parent
    for name in ("00000077.i8", ".00000001.i8.12-34.tmp"):
        (folder / name).write_bytes(b"left")
    collection.index(media)
    assert len(list(folder.iterdir())) == 1
    assert shelves_of(collection).catalog.referenced_files().tokens == {1}
