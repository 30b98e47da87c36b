"""Files that cannot be read, are not ours, or must wait: each is remembered, none stops a run."""

import errno
import json
import os
from dataclasses import asdict, replace

import numpy as np
import pytest
from counting_encoder import deaf

import mmsearch
import mmsearch.media.sources
from mmsearch.catalog.catalog import Catalog
from mmsearch.errors import ModelError
from mmsearch.ingest.plan import Work, plan
from mmsearch.ingest.scan import Unreadable
from mmsearch.testing.media import write_corrupt, write_image, write_text, write_truncated, write_wav
from mmsearch.types import FileStat, WaitingFile


def counts(report):
    return {name: value for name, value in asdict(report).items() if value and name != "seconds"}


def failures(collection):
    return {os.path.basename(each.path): each.code for each in collection.failures()}


def later(path):
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))


@pytest.fixture
def unreadable(monkeypatch):
    """Paths that the system refuses to open; may be changed at any time."""
    paths = {}
    real = os.open

    def refuse(path, *args, **kwargs):
        if (name := os.fspath(path)) in paths:
            raise OSError(paths[name], os.strerror(paths[name]))
        return real(path, *args, **kwargs)

    monkeypatch.setattr(mmsearch.media.sources.os, "open", refuse)
    return paths


@pytest.fixture
def unlistable(monkeypatch):
    """Folders that the system refuses to list; may be changed at any time."""
    folders = set()
    real = os.scandir

    def scandir(path):
        if os.fspath(path) in folders:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    return folders


def test_a_broken_file_is_listed_and_not_tried_again_until_it_changes(collection, encoder, folder):
    broken = write_truncated(folder / "a.jpg")
    write_text(folder / "b.txt")
    assert counts(collection.index(folder)) == {"added": 1, "failed": 1, "encoded": 1, "segments": 1}
    (failure,) = collection.failures()
    assert (failure.path, failure.code) == (str(broken), "media_damaged")
    assert "cut short" in failure.reason
    assert counts(collection.index(folder)) == {"unchanged": 2}
    assert failures(collection) == {"a.jpg": "media_damaged"}
    write_image(broken, "red")
    assert counts(collection.index(folder)) == {"added": 1, "unchanged": 1, "encoded": 1, "segments": 1}
    assert collection.failures() == []


def test_a_file_that_breaks_is_no_longer_found(collection, folder):
    path = write_text(folder / "a.txt", "some words")
    collection.index(folder)
    path.write_bytes(bytes(100))
    assert counts(collection.index(folder)) == {"failed": 1}
    assert len(collection.search("some words")) == 0
    path.unlink()
    assert counts(collection.index(folder)) == {}  # what was not searchable is not counted as removed
    assert collection.failures() == []


def test_a_broken_file_may_move_or_be_replaced_by_a_copy_of_a_good_one(collection, encoder, folder):
    write_text(folder / "good.txt", "some words")
    write_corrupt(folder / "bad.jpg")
    collection.index(folder)
    (folder / "bad.jpg").rename(folder / "worse.jpg")
    assert counts(collection.index(folder)) == {"failed": 1, "unchanged": 1}
    assert list(failures(collection)) == ["worse.jpg"]
    (folder / "worse.jpg").unlink()
    (folder / "bad.txt").write_text("some words")
    encoder.texts.clear()
    assert counts(collection.index(folder)) == {"added": 1, "unchanged": 1}
    assert encoder.texts == []


def test_unsupported_pictures_fail_by_name_without_being_read(collection, folder, unreadable):
    for name in ("a.psd", "b.cr2", "c.nef", "d.svg"):
        unreadable[str(write_corrupt(folder / name))] = errno.EIO
    assert counts(collection.index(folder)) == {"failed": 4}
    assert set(failures(collection).values()) == {"media_unsupported"}
    reasons = {os.path.basename(each.path): each.reason for each in collection.failures()}
    assert reasons["b.cr2"] == "Camera raw files (CR2) are not supported. Export it as JPEG."


def test_a_file_of_unknown_kind_that_was_named_by_the_user(collection, folder):
    collection.index(write_corrupt(folder / "a.xyz"))
    (failure,) = collection.failures()
    assert (failure.code, failure.reason) == ("media_unsupported", "Files with .xyz are not supported.")


def test_a_file_that_cannot_be_opened_is_tried_again_in_every_run(collection, folder, unreadable):
    path = write_text(folder / "a.txt", "some words")
    unreadable[str(path)] = errno.EACCES
    for _ in range(2):
        assert counts(collection.index(folder)) == {"failed": 1}
        assert failures(collection) == {"a.txt": "file_unreadable"}
    unreadable.clear()  # as by chmod, which leaves size and time as they are
    assert counts(collection.index(folder)) == {"added": 1, "encoded": 1, "segments": 1}
    assert collection.failures() == []


def test_a_folder_that_cannot_be_read_is_listed_and_its_files_are_spared(collection, folder, unlistable):
    (folder / "locked" / "deep").mkdir(parents=True)
    write_text(folder / "locked" / "a.txt", "first words")
    write_text(folder / "locked" / "deep" / "b.txt", "second words")
    write_text(folder / "locked.txt", "third words")
    collection.index(folder)
    unlistable.add(f"{folder}/locked")
    (folder / "locked.txt").unlink()
    assert counts(collection.index(folder, dry_run=True)) == {"failed": 1, "removed": 1}
    assert counts(collection.index(folder)) == {"failed": 1, "removed": 1}
    assert failures(collection) == {"locked": "file_unreadable"}
    assert {os.path.basename(hit.path) for hit in collection.search("words")} == {"a.txt", "b.txt"}
    unlistable.clear()
    (folder / "locked" / "a.txt").unlink()
    assert counts(collection.index(folder)) == {"unchanged": 1, "removed": 1}
    assert collection.failures() == []


def test_a_root_that_cannot_be_read_loses_nothing(collection, folder, unlistable):
    write_text(folder / "a.txt", "some words")
    collection.index(folder)
    unlistable.add(str(folder))
    assert counts(collection.index(folder)) == {"failed": 1}
    assert len(collection.search("some words")) == 1


def test_a_searchable_file_that_cannot_be_looked_at_stays_searchable(collection, folder, monkeypatch):
    known = write_text(folder / "a.txt", "some words")
    collection.index(folder)
    out_of_reach = [Unreadable(FileStat(str(path), 0, 0), "I/O error") for path in (known, folder / "new.txt")]
    monkeypatch.setattr("mmsearch.ingest.flow.scan", lambda *_: iter(out_of_reach))
    assert counts(collection.index(folder)) == {"failed": 2}
    assert failures(collection) == {"new.txt": "file_unreadable"}
    assert len(collection.search("some words")) == 1


# ---- waiting ----


def test_sounds_and_videos_wait_without_being_read(collection, encoder, folder, unreadable):
    deaf(encoder)
    unreadable[str(write_wav(folder / "a.wav"))] = errno.EIO
    unreadable[str(write_corrupt(folder / "b.mp4"))] = errno.EIO
    write_text(folder / "c.txt")
    first = collection.index(folder)
    assert (first.waiting, first.added, first.failed) == (2, 1, 0)
    assert collection.status().waiting == {"audio": 1, "video": 1}
    second = collection.index(folder)
    assert (second.waiting, second.unchanged) == (2, 1)
    (folder / "a.wav").unlink()
    collection.index(folder)
    assert collection.status().waiting == {"video": 1}


def test_they_are_taken_up_when_a_model_can_embed_them(collection, encoder, folder):
    able = encoder.spec
    deaf(encoder)
    path = write_wav(folder / "a.wav")
    collection.index(folder)
    status = path.stat()
    stat = FileStat(str(path), status.st_size, status.st_mtime_ns)
    with Catalog.open(collection.folder / "catalog.db", write=False) as catalog:
        (before,) = plan([stat], catalog, {"text", "image"})
        (after,) = plan([stat], catalog, {"text", "image", "audio"})
        (touched,) = plan([replace(stat, mtime_ns=1)], catalog, {"text", "image"})
    assert before.status == "waiting"
    assert after == Work(stat, "audio")
    assert isinstance(touched, WaitingFile)
    encoder.spec = able
    assert counts(collection.index(folder)) == {"added": 1, "encoded": 1, "segments": 1}
    assert collection.status().waiting == {}


def test_pictures_wait_for_a_model_that_takes_them(home, folder, encoder):
    write_image(folder / "a.jpg", "red")
    write_text(folder / "b.txt", "some words")
    both, encoder.spec = encoder.spec, replace(encoder.spec, modalities=frozenset({"text"}), image_input=None)
    with mmsearch.open("words", home=home, model=encoder) as collection:
        assert counts(collection.index(folder)) == {"added": 1, "waiting": 1, "encoded": 1, "segments": 1}
        encoder.spec = both
        assert counts(collection.index(folder)) == {"added": 1, "unchanged": 1, "encoded": 1, "segments": 1}
    assert encoder.images == 1


# ---- captions, and what turns out to hold none ----


def test_files_that_hold_nothing_of_ours_are_remembered(collection, folder, unreadable):
    (folder / "package.json").write_text('{"name": "something", "version": 1}')
    (folder / "table.csv").write_text("a,b\n1,2\n")
    (folder / "empty.json").touch()
    assert counts(collection.index(folder)) == {"skipped": 3}
    for path in folder.iterdir():
        unreadable[str(path)] = errno.EIO
    assert counts(collection.index(folder)) == {"unchanged": 3}
    assert collection.failures() == []
    assert collection.status().assets == 0


def test_captions_know_what_they_are_about(collection, folder):
    for name in ("a", "b", "c"):
        write_image(folder / f"{name}.jpg", "red")
    write_text(folder / "a.txt", "harbour at dawn")
    (folder / "b.jpg.json").write_text(json.dumps({"description": "market in the rain"}))
    (folder / "captions.csv").write_text("image,caption\nc.jpg,seven geese\nnone.jpg,nobody\n")
    write_text(folder / "notes.txt", "about nothing in particular")
    assert counts(collection.index(folder))["added"] == 7
    about = {hit.text: hit.about and os.path.basename(hit.about) for hit in collection.search("x", modality="text")}
    assert about == {
        "harbour at dawn": "a.jpg",
        "market in the rain": "b.jpg",
        "seven geese": "c.jpg",
        "about nothing in particular": None,
    }


def test_equal_captions_of_different_pictures_are_not_taken_for_copies(collection, encoder, folder):
    write_image(folder / "a.jpg", "red")
    write_image(folder / "b.jpg", "blue")
    write_text(folder / "a.txt", "my holiday")
    collection.index(folder)
    write_text(folder / "b.txt", "my holiday")
    assert counts(collection.index(folder))["added"] == 1
    about = {
        os.path.basename(hit.path): os.path.basename(hit.about)
        for hit in collection.search("my holiday", k=2, group=False)
    }
    assert about == {"a.txt": "a.jpg", "b.txt": "b.jpg"}


def test_captions_that_move_with_their_picture(collection, folder):
    (folder / "old").mkdir()
    write_image(folder / "old" / "a.jpg", "red")
    write_text(folder / "old" / "a.txt", "my holiday")
    collection.index(folder)
    (folder / "old").rename(folder / "new")
    collection.index(folder)
    (hit,) = collection.search("my holiday", modality="text")
    assert (hit.path, hit.about) == (f"{folder}/new/a.txt", f"{folder}/new/a.jpg")


def test_a_note_that_comes_to_lie_beside_a_picture_becomes_its_caption(collection, folder):
    (folder / "photos").mkdir()
    write_text(folder / "a.txt", "my holiday")
    write_image(folder / "photos" / "a.jpg", "red")
    collection.index(folder)
    (folder / "a.txt").rename(folder / "photos" / "a.txt")
    collection.index(folder)
    (hit,) = collection.search("my holiday", modality="text")
    assert (hit.path, hit.about) == (f"{folder}/photos/a.txt", f"{folder}/photos/a.jpg")


def test_a_table_of_captions_may_turn_into_one_of_something_else(collection, folder):
    write_image(folder / "a.jpg", "red")
    table = folder / "captions.csv"
    table.write_text("file,caption\na.jpg,my holiday\n")
    collection.index(folder)
    table.write_text("x,y\n1,2\n3,4\n")
    assert counts(collection.index(folder)) == {"skipped": 1, "unchanged": 1}
    assert len(collection.search("my holiday", modality="text")) == 0


# ---- what the model makes of it ----


def test_a_file_of_which_the_model_makes_no_vector_fails_alone(collection, encoder, folder, monkeypatch):
    write_text(folder / "a.txt", "poison")
    write_text(folder / "b.txt", "some words")
    real = encoder.encode_texts

    def encode_texts(texts, role):
        vectors = real(texts, role)
        vectors[["poison" in text for text in texts]] = np.nan
        return vectors

    monkeypatch.setattr(encoder, "encode_texts", encode_texts)
    assert counts(collection.index(folder)) == {"added": 1, "failed": 1, "encoded": 1, "segments": 1}
    assert "no usable vector" in collection.failures()[0].reason
    assert collection.search("some words", k=1)[0].cosine > 0.99


def test_a_model_that_gives_too_few_vectors_ends_the_run(collection, encoder, folder, monkeypatch):
    write_text(folder / "a.txt", "some words")
    monkeypatch.setattr(encoder, "encode_texts", lambda texts, role: np.ones((0, 64), np.float32))
    with pytest.raises(ModelError, match="0 vectors for 1 inputs"):
        collection.index(folder)
    assert collection.verify() == []
    assert collection.status().assets == 0
