"""Which changes on disk are read, which are encoded, and what the collection holds afterwards."""

import os
import shutil
from dataclasses import asdict

import pytest

import mmsearch.ingest.decode
from mmsearch.catalog.catalog import Catalog
from mmsearch.errors import UsageError
from mmsearch.testing.media import write_image, write_text


@pytest.fixture
def reads(monkeypatch):
    """The names of the files whose content was read."""
    names = []
    real = mmsearch.ingest.decode.read_bytes

    def read_bytes(path, max_bytes):
        names.append(os.path.basename(path))
        return real(path, max_bytes)

    monkeypatch.setattr(mmsearch.ingest.decode, "read_bytes", read_bytes)
    return names


def counts(report):
    return {name: value for name, value in asdict(report).items() if value and name != "seconds"}


def later(path, content=None):
    """Give a file a new time, and new content if there is some."""
    if content is not None:
        path.write_text(content)
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))
    return path


def best(collection, text):
    """The name of the best hit, if it is what was asked for word by word."""
    hits = collection.search(text, k=1)
    return os.path.basename(hits[0].path) if hits and hits[0].cosine > 0.99 else None


def ids(collection, text, k=10):
    return {os.path.basename(hit.path): hit.id for hit in collection.search(text, k=k) if hit.cosine > 0.99}


def rows(collection):
    """Where the vectors of all segments lie."""
    with Catalog.open(collection.folder / "catalog.db", write=False) as catalog:
        places = catalog.locations()
    return sorted(zip(places.files.tolist(), places.rows.tolist(), strict=True))


def test_the_first_run_encodes_every_file_once(collection, encoder, folder, reads):
    write_text(folder / "a.txt", "a dog runs")
    write_image(folder / "b.jpg", "red")
    report = collection.index(folder)
    assert counts(report) == {"added": 2, "encoded": 2, "segments": 2}
    assert (encoder.texts, encoder.images, sorted(reads)) == (["a dog runs"], 1, ["a.txt", "b.jpg"])
    assert best(collection, "a dog runs") == "a.txt"
    assert os.path.basename(collection.search("red", k=1)[0].path) == "b.jpg"


def test_what_has_the_same_size_and_time_is_not_even_read(collection, encoder, folder, reads):
    write_text(folder / "a.txt")
    collection.index(folder)
    encoder.texts.clear()
    reads.clear()
    assert counts(collection.index(folder)) == {"unchanged": 1}
    assert (encoder.texts, reads) == ([], [])


def test_a_touched_file_is_read_but_not_encoded(collection, encoder, folder, reads):
    path = write_text(folder / "a.txt", "same words")
    collection.index(folder)
    before = ids(collection, "same words")
    later(path)
    encoder.texts.clear()
    reads.clear()
    assert counts(collection.index(folder)) == {"unchanged": 1}
    assert (encoder.texts, reads) == ([], ["a.txt"])
    assert ids(collection, "same words") == before
    assert counts(collection.index(folder)) == {"unchanged": 1}
    assert reads == ["a.txt"]  # its new time is remembered


def test_changed_content_gets_new_vectors_and_the_old_ids_are_gone(collection, encoder, folder):
    path = write_text(folder / "a.txt", "old words")
    collection.index(folder)
    (old,) = ids(collection, "old words").values()
    encoder.texts.clear()
    later(path, "new words")
    assert counts(collection.index(folder)) == {"updated": 1, "encoded": 1, "segments": 1}
    assert encoder.texts == ["new words"]
    assert best(collection, "old words") is None
    (new,) = ids(collection, "new words").values()
    assert new != old
    assert collection.status().segments == {"text": 1}
    assert collection.verify() == []


def test_a_renamed_file_keeps_its_ids_and_its_vectors(collection, encoder, folder):
    path = write_text(folder / "a.txt", "some words")
    collection.index(folder)
    before = ids(collection, "some words"), rows(collection)
    encoder.texts.clear()
    path.rename(folder / "b.txt")
    assert counts(collection.index(folder)) == {"added": 1, "removed": 1, "renamed": 1}
    assert encoder.texts == []
    assert (ids(collection, "some words"), rows(collection)) == ({"b.txt": before[0]["a.txt"]}, before[1])


def test_a_renamed_folder_keeps_everything(collection, encoder, folder):
    (folder / "old").mkdir()
    for number in range(5):
        write_text(folder / "old" / f"{number}.txt", f"words number {number} alone")
    collection.index(folder)
    before = collection.search("words", k=9)
    encoder.texts.clear()
    (folder / "old").rename(folder / "new")
    assert counts(collection.index(folder)) == {"added": 5, "removed": 5, "renamed": 5}
    after = collection.search("words", k=9)
    assert encoder.texts == []
    assert [hit.id for hit in after] == [hit.id for hit in before]
    assert {os.path.dirname(hit.path) for hit in after} == {str(folder / "new")}


def test_a_copy_shares_the_vector_under_a_new_id(collection, encoder, folder):
    path = write_text(folder / "a.txt", "some words")
    collection.index(folder)
    encoder.texts.clear()
    shutil.copy(path, folder / "b.txt")
    assert counts(collection.index(folder)) == {"added": 1, "unchanged": 1}
    assert encoder.texts == []
    assert len(set(ids(collection, "some words").values())) == 2
    assert rows(collection) == [(1, 0), (1, 0)]


def test_a_copy_over_another_file_replaces_what_was_there(collection, encoder, folder):
    write_text(folder / "a.txt", "first words")
    write_text(folder / "b.txt", "other words here")
    collection.index(folder)
    encoder.texts.clear()
    shutil.copy(folder / "a.txt", folder / "b.txt")
    assert counts(collection.index(folder)) == {"updated": 1, "unchanged": 1}
    assert encoder.texts == []
    assert best(collection, "other words here") is None
    assert set(ids(collection, "first words")) == {"a.txt", "b.txt"}
    assert collection.verify() == []


def test_two_files_that_change_places(collection, encoder, folder):
    a, b = write_text(folder / "a.txt", "one word"), write_text(folder / "b.txt", "two word")
    collection.index(folder)
    a.rename(folder / "c")
    later(b).rename(a)
    later(folder / "c").rename(b)
    report = collection.index(folder)
    assert (report.updated + report.unchanged + report.added, report.failed) == (2, 0)
    assert (best(collection, "two word"), best(collection, "one word")) == ("a.txt", "b.txt")
    assert collection.verify() == []


def test_names_that_move_on_by_one(collection, folder):
    for number in range(4):
        write_text(folder / f"{number}.txt", f"word {number} here")
    collection.index(folder)
    for number in reversed(range(4)):
        later(folder / f"{number}.txt").rename(folder / f"{number + 1}.txt")
    collection.index(folder)
    assert [best(collection, f"word {number} here") for number in range(4)] == ["1.txt", "2.txt", "3.txt", "4.txt"]
    assert collection.status().assets == 4
    assert collection.verify() == []


def test_moving_between_roots_keeps_the_vector(collection, encoder, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    path = write_text(one / "a.txt", "some words")
    collection.index(one, two)
    before = ids(collection, "some words")
    encoder.texts.clear()
    path.rename(two / "a.txt")
    assert counts(collection.index()) == {"added": 1, "removed": 1, "renamed": 1}
    assert encoder.texts == []
    assert ids(collection, "some words") == before
    assert collection.search("some words", k=1)[0].path == str(two / "a.txt")


def test_deleted_files_are_forgotten_but_only_below_the_roots_of_the_run(collection, tmp_path):
    roots = [tmp_path / "one", tmp_path / "one more", tmp_path / "two"]
    for root in roots:
        root.mkdir()
        write_text(root / "a.txt", f"words in {root.name}")
    collection.index(*roots)
    for root in roots:
        (root / "a.txt").unlink()
    assert counts(collection.index(roots[0])) == {"removed": 1}
    assert sorted(hit.path for hit in collection.search("words")) == [str(root / "a.txt") for root in roots[1:]]
    assert counts(collection.index()) == {"removed": 2}
    assert len(collection.search("words")) == 0


def test_a_folder_in_place_of_a_file(collection, folder):
    path = write_text(folder / "a.txt", "once a file")
    collection.index(folder)
    path.unlink()
    path.mkdir()
    write_text(path / "b.txt", "now in a folder")
    assert counts(collection.index(folder)) == {"added": 1, "removed": 1, "encoded": 1, "segments": 1}
    assert best(collection, "now in a folder") == "b.txt"


def test_a_missing_root_is_an_error_and_nothing_is_forgotten(collection, folder, tmp_path):
    write_text(folder / "a.txt", "some words")
    collection.index(folder)
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="does not exist"):
        collection.index(folder)
    with pytest.raises(UsageError, match="nothing to index"):
        collection.index()
    assert best(collection, "some words") == "a.txt"


def test_a_root_that_is_a_file(collection, folder):
    write_text(folder / "a.txt", "some words")
    write_text(folder / "b.txt", "other things")
    assert counts(collection.index(folder / "a.txt")) == {"added": 1, "encoded": 1, "segments": 1}
    assert counts(collection.index(folder / "a.txt")) == {"unchanged": 1}
    assert best(collection, "other things") is None


def test_a_root_inside_another_is_scanned_once(collection, encoder, folder):
    (folder / "in").mkdir()
    write_text(folder / "in" / "a.txt", "inner words")
    write_text(folder / "b.txt", "outer words")
    assert counts(collection.index(folder / "in", folder, folder / "in" / "a.txt"))["added"] == 2
    assert sorted(encoder.texts) == ["inner words", "outer words"]
    (folder / "in" / "a.txt").unlink()
    assert counts(collection.index(folder / "in")) == {"removed": 1}
    assert best(collection, "outer words") == "b.txt"


def test_the_collection_does_not_index_itself(home, collection, folder):
    home.mkdir()
    write_text(home / "a.txt", "beside the collection")
    collection.index(home)
    write_text(collection.folder / "b.txt", "inside the collection")
    assert counts(collection.index(home)) == {"unchanged": 1}


def test_copies_that_are_new_together_are_all_found(collection, folder):
    for name in "abc":
        write_text(folder / f"{name}.txt", "the same words")
    assert counts(collection.index(folder))["added"] == 3
    assert sorted(ids(collection, "the same words")) == ["a.txt", "b.txt", "c.txt"]


def test_what_is_left_out_by_a_pattern_is_forgotten(collection, folder):
    write_text(folder / "a.txt", "some words")
    write_image(folder / "b.jpg", "red")
    collection.index(folder)
    assert counts(collection.index(folder, exclude="*.txt")) == {"unchanged": 1, "removed": 1}
    assert best(collection, "some words") is None


def test_a_long_text_is_replaced_as_a_whole(collection, folder):
    path = write_text(folder / "a.md", "\n\n".join(f"# Part {n}\n" + f"word{n} " * 120 for n in range(8)))
    first = collection.index(folder)
    assert first.segments >= 8
    assert collection.search("word3", k=1)[0].text.startswith("# Part 3")
    later(path, "# Short\nnothing else")
    assert counts(collection.index(folder)) == {"updated": 1, "encoded": 1, "segments": 1}
    assert collection.status().segments == {"text": 1}


def test_small_batches_and_large_ones_give_the_same(home, folder, encoder, monkeypatch):
    for number in range(9):
        write_text(folder / f"{number}.txt", f"word {number}")
        write_image(folder / f"{number}.png", (number * 20, 0, 0))
    results = []
    for size in (1, 4, 1000):
        monkeypatch.setenv("MMSEARCH_INGEST_BATCH_FILES", str(size))
        with mmsearch.open(f"by {size}", home=home, model=encoder) as collection:
            assert collection.index(folder).added == 18
            results.append([(hit.path, round(hit.cosine, 5)) for hit in collection.search("word 3 red", k=18)])
    assert results[0] == results[1] == results[2]
