import os
from dataclasses import asdict

import pytest
from counting_encoder import CountingEncoder, deaf

import mmsearch
from mmsearch.testing.media import write_corrupt, write_image, write_text, write_wav


def counts(report):
    return {name: value for name, value in asdict(report).items() if value and name != "seconds"}


@pytest.fixture
def encoder():
    """One for which sounds must wait."""
    return deaf(CountingEncoder())


@pytest.fixture
def mixed(folder):
    """Files of every kind; answers with their folder."""
    for number in range(3):
        write_text(folder / f"{number}.txt", f"word {number}")
    write_image(folder / "a.jpg", "red")
    write_corrupt(folder / "bad.jpg")
    write_corrupt(folder / "raw.nef")
    write_wav(folder / "a.wav")
    (folder / "package.json").write_text("{}")
    (folder / "program.exe").touch()
    return folder


def stored(home):
    """Every byte of a folder, but for what SQLite makes to read."""
    return {
        path: path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


def change(folder):
    write_text(folder / "0.txt", "a new word")
    (folder / "1.txt").unlink()
    (folder / "2.txt").rename(folder / "moved.txt")
    write_image(folder / "new.jpg", "blue")


def test_a_dry_run_before_the_first_leaves_no_trace(collection, encoder, mixed, home):
    report = collection.index(mixed, dry_run=True)
    assert counts(report) == {"added": 6, "failed": 1, "waiting": 1, "skipped": 1}
    assert not home.exists()
    assert not collection.exists
    assert (encoder.texts, encoder.images) == ([], 0)


def test_a_dry_run_over_a_collection_changes_no_byte(collection, encoder, mixed, home):
    collection.index(mixed)
    collection.close()
    before = stored(home)
    change(mixed)
    encoder.texts.clear()
    report = collection.index(mixed, dry_run=True)
    assert counts(report) == {"added": 2, "updated": 1, "unchanged": 4, "waiting": 1, "skipped": 1, "removed": 2}
    collection.close()
    assert stored(home) == before
    assert encoder.texts == []


def test_the_run_after_it_does_what_was_foretold(collection, mixed):
    collection.index(mixed)
    change(mixed)
    foretold, done = collection.index(mixed, dry_run=True), collection.index(mixed)
    for name in ("added", "updated", "unchanged", "removed"):
        assert getattr(done, name) == getattr(foretold, name), name
    assert (done.renamed, foretold.renamed) == (1, 0)  # only reading shows that a file was renamed


@pytest.mark.parametrize("dry_run", [True, False])
def test_progress_grows_and_ends_at_the_total(home, encoder, mixed, monkeypatch, dry_run):
    monkeypatch.setattr("mmsearch.ingest.flow.PAGE_FILES", 2)
    monkeypatch.setenv("MMSEARCH_INGEST_BATCH_FILES", "1")
    seen = []
    with mmsearch.open("photos", home=home, model=encoder) as collection:
        collection.index(mixed, dry_run=dry_run, on_progress=seen.append)
    done = [each.done for each in seen]
    assert {each.total for each in seen} == {8}
    assert done == sorted(done)
    assert done[-1] == 8
    assert len(set(done)) > 2
    assert (seen[-1].failed, seen[-1].encoded) == ((1, 0) if dry_run else (2, 4))


def test_progress_of_an_empty_folder(collection, folder):
    seen = []
    collection.index(folder, on_progress=seen.append)
    assert [(each.done, each.total) for each in seen] == [(0, 0)]


def test_an_interrupted_run_keeps_what_it_committed_and_goes_on(home, mixed, encoder, monkeypatch):
    monkeypatch.setenv("MMSEARCH_INGEST_BATCH_FILES", "1")

    def interrupt(progress):
        if progress.encoded == 2:
            raise KeyboardInterrupt

    with mmsearch.open("photos", home=home, model=encoder) as collection:
        with pytest.raises(KeyboardInterrupt):
            collection.index(mixed, on_progress=interrupt)
        assert collection.status().assets == 2
        assert collection.verify() == []
        found = {os.path.basename(hit.path) for hit in collection.search("word red")}
        assert len(found) == 2
        assert collection.index(mixed).encoded == 2
        assert len(encoder.texts) + encoder.images == 4
        assert collection.verify() == []
