"""Hits without copies: by content, by looks, for captions, and what the better hit is told."""

import os
import shutil
from dataclasses import replace

import pytest

from mmsearch.queries import Hit
from mmsearch.search.dedupe import dedupe
from mmsearch.testing.drawings import SAMPLES, draw_samples
from mmsearch.testing.media import write_text


@pytest.fixture
def drawn(folder):
    """The folder, with drawings of a clock and a daisy, and variants of the clock."""
    from PIL import Image

    for path in draw_samples(folder):
        if path.stem not in ("clock", "daisy"):
            path.unlink()
    with Image.open(folder / "clock.jpg") as clock:
        clock.save(folder / "clock-30.jpg", quality=30)
    shutil.copy(folder / "clock.jpg", folder / "clock-copy.jpg")
    return folder


@pytest.fixture
def deduped(collection, folder):
    """Index the folder and leave out copies among hits: names, or (name, name of a caption's picture)."""

    def run(*names):
        collection.index(folder, workers=1)
        shelves = collection._storage.reading()
        hits = [hit(rank, name, folder, shelves.catalog) for rank, name in enumerate(names, start=1)]
        return dedupe(hits, shelves.catalog, shelves.store)

    return run


def hit(rank, name, folder, catalog):
    name, about = name if isinstance(name, tuple) else (name, None)
    path = str(folder / name)
    asset = catalog.lookup([path])[path]
    segment = catalog.asset_segments(asset.id)[0]
    return Hit(rank, int(segment), 1 / rank, path, asset.modality, about=about and str(folder / about))


def told(hits):
    return [(os.path.basename(hit.path), [os.path.basename(path) for path in hit.duplicates]) for hit in hits]


def test_the_better_hit_stays_and_names_its_copies(drawn, deduped):
    hits = deduped("clock-30.jpg", "daisy.jpg", "clock.jpg", "clock-copy.jpg")
    assert told(hits) == [("clock-30.jpg", ["clock.jpg", "clock-copy.jpg"]), ("daisy.jpg", [])]
    assert [(hit.rank, hit.score) for hit in hits] == [(1, 1), (2, 0.5)]


def test_of_equal_scores_the_one_stays_that_dupes_keeps(drawn, deduped, collection):
    deduped("clock.jpg")
    shelves = collection._storage.reading()
    names = ("daisy.jpg", "clock-copy.jpg", "clock.jpg")
    hits = [replace(hit(rank, name, drawn, shelves.catalog), score=0.75) for rank, name in enumerate(names, start=1)]
    hits[1] = replace(hits[1], score=0.75 + 1e-7)  # one vector, stored in two places
    assert told(dedupe(hits, shelves.catalog, shelves.store)) == [("daisy.jpg", []), ("clock.jpg", ["clock-copy.jpg"])]
    assert [group.kept.path for group in collection.dupes(near=False).groups] == [str(drawn / "clock.jpg")]
    hits[1] = replace(hits[1], score=0.76)
    assert told(dedupe(hits, shelves.catalog, shelves.store))[1] == ("clock-copy.jpg", ["clock.jpg"])


def test_without_copies_hits_stay_as_they_are(drawn, deduped):
    assert told(deduped("daisy.jpg", "clock.jpg")) == [("daisy.jpg", []), ("clock.jpg", [])]
    assert deduped() == ()


def test_a_caption_stands_for_its_picture(drawn, deduped):
    write_text(drawn / "daisy.txt", SAMPLES["daisy"][0])
    write_text(drawn / "clock.txt", SAMPLES["clock"][0])
    hits = deduped(("clock.txt", "clock.jpg"), "clock-30.jpg", ("daisy.txt", "daisy.jpg"), "daisy.jpg")
    assert told(hits) == [("clock.txt", ["clock-30.jpg"]), ("daisy.txt", []), ("daisy.jpg", [])]


def test_equal_captions_of_different_pictures_both_stay(drawn, deduped):
    write_text(drawn / "daisy.txt", "Seen in spring.\n")
    write_text(drawn / "clock.txt", "Seen in spring.\n")
    hits = deduped(("clock.txt", "clock.jpg"), ("daisy.txt", "daisy.jpg"))
    assert told(hits) == [("clock.txt", []), ("daisy.txt", [])]


def test_copies_of_texts_are_left_out_and_passages_of_one_text_stay(folder, deduped):
    write_text(folder / "a.md", "Bread needs flour, water, salt and time.\n")
    shutil.copy(folder / "a.md", folder / "b.md")
    assert told(deduped("a.md", "b.md", "a.md")) == [("a.md", ["b.md"]), ("a.md", [])]


def test_a_file_that_is_gone_from_the_catalog_stays(drawn, deduped, collection):
    shelves = collection._storage
    deduped("clock.jpg")
    catalog, store = shelves.reading().catalog, shelves.reading().store
    gone = Hit(1, 99, 1.0, str(drawn / "gone.jpg"), "image")
    assert told(dedupe([gone, hit(2, "clock.jpg", drawn, catalog)], catalog, store)) == [
        ("gone.jpg", []),
        ("clock.jpg", []),
    ]
