"""A collection that was made before there were sounds, features and heads goes on working."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from counting_encoder import CountingEncoder, deaf

import mmsearch
from mmsearch.catalog import migrate
from mmsearch.errors import CollectionError, UsageError
from mmsearch.testing.media import write_image, write_text, write_wav


def take_back(path):
    """Bring a catalog to the schema of before, 0002, with the same records."""
    new = path.rename(path.with_name("new.db"))
    path.touch()
    migrate.upgrade(path, "0002")
    with closing(sqlite3.connect(path)) as old, old:
        old.execute("ATTACH ? AS new", [str(new)])
        tables = [name for (name,) in old.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'")]
        for table in tables:
            columns = ", ".join(column for _, column, *_ in old.execute(f"PRAGMA main.table_info({table})"))
            if table in ("alembic_version", "generations"):  # an index is a cache, which a migration drops
                continue
            old.execute(f"DELETE FROM main.{table}")
            old.execute(f"INSERT INTO main.{table} SELECT {columns} FROM new.{table}")
    new.unlink()


def old_encoder():
    """An encoder of that time: without sounds and features."""
    encoder = deaf(CountingEncoder())
    encoder.spec = replace(encoder.spec, feature_dim=0)
    return encoder


@pytest.fixture
def older(home, folder):
    """The folder of such a collection: two pictures, a note, and a sound that waits."""
    write_image(folder / "red.png", "red")
    write_image(folder / "green.png", "green")
    write_text(folder / "note.txt", "a red meadow")
    write_wav(folder / "whistle.wav", seconds=6, pitch_hz=2_500)
    with mmsearch.open("older", home=home, model=old_encoder()) as collection:
        collection.index(folder)
        expected = [(hit.id, hit.cosine) for hit in collection.search("red")]
    (vectors,) = collection.folder.rglob("*.f32")
    assert vectors.stat().st_size == 64 + 3 * 64 * 4
    take_back(collection.folder / "catalog.db")
    return collection.folder, expected


def test_it_is_migrated_searched_and_indexed(older, folder):
    path, expected = older
    with mmsearch.open(path, model=CountingEncoder()) as collection:
        with pytest.raises(CollectionError, match=r"older version.*mmsearch verify"):
            collection.search("red")
        assert collection.verify() == []
        assert [(hit.id, hit.cosine) for hit in collection.search("red")] == expected
        assert collection.status().waiting == {"audio": 1}
        write_image(folder / "blue.png", "blue")
        report = collection.index(folder)
        assert (report.added, report.unchanged, report.segments) == (2, 3, 3)
        assert collection.search("high tone", k=1)[0].path == str(folder / "whistle.wav")
        assert collection.search(audio=folder / "whistle.wav", k=1)[0].cosine == pytest.approx(1, abs=1e-5)
        assert collection.search(image=folder / "blue.png", k=1)[0].cosine == pytest.approx(1, abs=1e-5)
        before = [(hit.id, hit.cosine) for hit in collection.search("red")]
        assert collection.rebuild().vectors == 6
        assert [(hit.id, hit.cosine) for hit in collection.search("red")] == before
        assert collection.verify() == []


def test_index_alone_migrates_it(older, folder):
    with mmsearch.open(older[0], model=CountingEncoder()) as collection:
        assert collection.index(folder).added == 1
        assert migrate.stored_revision(older[0] / "catalog.db") == migrate.HEAD


def test_its_sidecars_are_read_again_for_their_fields_and_found_meanwhile(home, folder):
    write_image(folder / "red.png", "red")
    write_text(folder / "red.png.json", '{"description": "a ripe tomato", "rating": 5}')
    write_text(folder / "red.json", '{"iso": 100}')
    write_text(folder / "all.csv", "file,caption,album\nred.png,a fruit,Italy\n")
    with mmsearch.open("older", home=home, model=old_encoder()) as collection:
        collection.index(folder)
        path = collection.folder
    take_back(path / "catalog.db")
    with mmsearch.open(path, model=CountingEncoder()) as collection:
        assert collection.verify() == []
        assert {hit.text for hit in collection.search("tomato", group=False)} == {"a ripe tomato", "a fruit", None}
        assert collection.fields() == []
        report = collection.index(folder)
        assert (report.updated, report.skipped, report.unchanged, report.encoded) == (2, 1, 1, 2)
        fields = {said.name: said.value for said in collection.fields_of(folder / "red.png")}
        assert fields == {"album": "Italy", "iso": 100, "rating": 5}
        assert {hit.text for hit in collection.search("tomato", group=False)} == {"a ripe tomato", "a fruit", None}
        assert collection.index(folder).unchanged == 4
        assert collection.verify() == []


def test_it_cannot_be_adapted_and_says_why(older, folder):
    random = np.random.default_rng(0)
    rows = ["file,label"]
    for number in range(12):
        write_image(folder / f"{number}.png", random.integers(0, 255, (32, 32, 3)).astype(np.uint8))
        rows.append(f"{number}.png,word {number % 3}")
    (folder / "pairs.csv").write_text("\n".join(rows))
    with mmsearch.open(older[0], model=CountingEncoder()) as collection:
        collection.index(folder, include="*.png")
        with pytest.raises(UsageError, match=r"kept no features.*into a new collection"):
            collection.adapt(folder / "pairs.csv")
        assert collection.undo_adapt() == ()
