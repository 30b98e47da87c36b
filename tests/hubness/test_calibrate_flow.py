"""`Collection.calibrate` from the sources to other results; the model sees made vectors, with hubs among them."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from counting_encoder import CountingEncoder

import mmsearch
from mmsearch.errors import CollectionDamaged, MediaError, UsageError
from mmsearch.hubness.bank import Bank, to_bytes
from mmsearch.hubness.flow import Sources, calibrate
from mmsearch.hubness.stored import BankCache, banks_in_use
from mmsearch.normalise import unit_rows
from mmsearch.testing.media import write_image, write_text

FILES, HUBS, EACH = 30, 4, 3
DIM = 64


def _directions():
    """A direction for each file; the hubs lie where all texts lean to."""
    random = np.random.default_rng(0)
    vectors = unit_rows(random.standard_normal((FILES + HUBS, DIM)))
    shared = np.eye(DIM)[0]
    vectors[FILES:] = unit_rows(shared + 0.08 * random.standard_normal((HUBS, DIM)))
    return vectors, shared


class HubEncoder(CountingEncoder):
    """Reads the number of a picture off its colour, and that of a text off its first word."""

    vectors, shared = _directions()

    def encode_texts(self, texts, role):
        rows = super().encode_texts(texts, role)
        for row, text in zip(rows, texts, strict=True):
            number = text.split()[0]
            if number.isdecimal():
                noise = 0.3 * row / max(np.linalg.norm(row), 1e-9)
                row[:] = 0.5 * self.vectors[int(number)] + noise + 0.8 * self.shared
        return rows

    def encode_images(self, images, role):
        super().encode_images(images, role)
        return self.vectors[images[:, 0, 0, 0] // 4].copy()


def words(number, variant):
    return f"{number} {'abcdefgh'[variant]} {'ijklmnop'[number % 8]}"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A collection with hubs, and the captions of its other files."""
    folder = tmp_path_factory.mktemp("hubs")
    for number in range(FILES + HUBS):
        write_image(folder / f"{number}.png", (4 * number, 0, 0))
    rows = [{"file": f"{n}.png", "captions": [words(n, each) for each in range(EACH)]} for n in range(FILES)]
    pairs = folder / "pairs.jsonl"
    pairs.write_text("".join(json.dumps(row) + "\n" for row in rows))
    home = tmp_path_factory.mktemp("home")
    with mmsearch.open("hubs", home=home, model=HubEncoder()) as collection:
        collection.index(folder, include="*.png")
        yield collection, pairs


@pytest.fixture
def own(made):
    """The same, as it was at first."""
    collection, _ = made
    collection.clear_log()
    while collection.undo_calibrate():
        pass
    return collection


def names(collection, text, k=3):
    return [hit.path.rsplit("/", 1)[1].removesuffix(".png") for hit in collection.search(text, mode="vector", k=k)]


def found_first(collection):
    return sum(names(collection, words(number, 7), k=1) == [str(number)] for number in range(FILES))


def test_hubs_are_cured_and_it_can_be_undone(own, made):
    before = {number: names(own, words(number, 7), k=34) for number in range(FILES)}
    assert found_first(own) < FILES / 3
    (report,) = own.calibrate(made[1])
    assert (report.modality, report.items, report.asked, report.queries, report.others) == ("image", 30, 90, 90, 4)
    assert report.helps
    assert report.difference["mAP"].low > 0.1
    assert found_first(own) > FILES * 0.9
    assert own.verify() == []
    assert own.undo_calibrate()
    assert {number: names(own, words(number, 7), k=34) for number in range(FILES)} == before
    assert not own.undo_calibrate()


def test_files_that_come_later_are_corrected_too(own, made, tmp_path):
    """A hub that the bank was not checked with comes up for everything no more either."""
    write_image(tmp_path / "late.png", (4 * FILES, 1, 0))
    own.index(tmp_path)

    def before_the_right_one():
        found = [names(own, words(number, 7), k=40) for number in range(FILES)]
        return sum(each.index("late") < each.index(str(number)) for number, each in enumerate(found))

    try:
        assert before_the_right_one() > FILES * 0.7
        own.calibrate(made[1])
        assert before_the_right_one() < FILES * 0.1
    finally:
        own.remove(tmp_path / "late.png")


def test_other_readers_see_it_at_once(own, made):
    with mmsearch.open(own.folder, model=HubEncoder()) as reader:
        before = names(reader, words(3, 7), k=34)
        own.calibrate(made[1])
        after = names(reader, words(3, 7), k=34)
        assert after == names(own, words(3, 7), k=34) != before
        own.undo_calibrate()
        assert names(reader, words(3, 7), k=34) == before


def test_a_dry_run_only_measures(own, made):
    assert own.calibrate(made[1], dry_run=True)[0].helps
    assert own._storage.reading().catalog.bank_number() is None


def test_a_dry_run_needs_no_writer(made):
    shelves = made[0]._storage.reading()
    limits = made[0]._limits()
    (report,) = calibrate(Sources(made[1]), shelves.catalog, shelves.store, HubEncoder(), limits, dry_run=True)
    assert report.helps


def test_what_does_not_help_is_not_installed(own, made, tmp_path):
    """Queries about nothing: by them no file is a hub."""
    asked = write_text(tmp_path / "asked.txt", "\n".join(f"word{number} thing{number}" for number in range(60)))
    (report,) = own.calibrate(made[1], queries=asked)
    assert (report.helps, report.queries) == (False, 60)
    assert own._storage.reading().catalog.bank_number() is None


def test_queries_from_a_file(own, made, tmp_path):
    lines = [words(number, 5) for number in range(FILES)]
    asked = write_text(tmp_path / "asked.txt", "\n".join([*lines, "", "  ", lines[0].upper(), "x" * 5_000]))
    (report,) = own.calibrate(made[1], queries=asked)
    assert (report.helps, report.queries, report.asked) == (True, FILES, 90)
    assert found_first(own) > FILES * 0.9


def test_queries_and_answers_from_the_log(own, made):
    folder = made[1].parent
    for number in range(FILES):
        parts = [{"text": words(number, 6), "weight": 1.0}]
        query = own.note_query({"parts": parts, "k": 5}, ())
        own.feedback(query, folder / f"{number}.png")
    own.note_query({"parts": [{"text": "a", "weight": 1.0}, {"text": "b", "weight": 1.0}]}, ())
    own.note_query({"parts": [{"text": "steer away", "weight": -1.0}]}, ())
    own.note_query({"image": "/a.jpg"}, ())
    own.note_query({"text": ["2 only"], "where": "width > 3"}, ())
    (report,) = own.calibrate(from_log=True)
    assert (report.items, report.asked, report.queries, report.helps) == (FILES, FILES, FILES + 1, True)
    (other,) = own.calibrate(made[1], from_log=True, dry_run=True)
    assert (other.asked, other.queries) == (90, FILES + 1)


def test_queries_without_answers_are_refused(own, tmp_path):
    asked = write_text(tmp_path / "asked.txt", "\n".join(words(number, 5) for number in range(FILES)))
    for sources in ({"queries": asked}, {"from_log": True}):
        with pytest.raises(UsageError, match="Queries alone do not tell whether a bank of them helps") as raised:
            own.calibrate(**sources)
        assert "mmsearch feedback" in raised.value.remedy
    with pytest.raises(UsageError, match="nothing to learn from"):
        own.calibrate()


def test_sources_that_cannot_be_used(own, made, tmp_path):
    with pytest.raises(MediaError, match="nowhere"):
        own.calibrate(made[1], queries=tmp_path / "nowhere.txt")
    with pytest.raises(UsageError, match="has no queries"):
        own.calibrate(made[1], queries=write_text(tmp_path / "long.txt", "x" * 3_000))
    with pytest.raises(UsageError, match=r"for audio needs at least 10 .* there are 0"):
        own.calibrate(made[1], modality="audio")
    strangers = write_text(tmp_path / "pairs.jsonl", '{"file": "stranger.png", "caption": "a"}\n')
    with pytest.raises(UsageError, match=r"None of the 1 files .* is in the collection"):
        own.calibrate(strangers)


def test_files_that_are_not_in_the_collection_are_counted(own, made):
    more = made[1].with_name("more.jsonl")
    more.write_text(made[1].read_text() + '{"file": "stranger.png", "caption": "a"}\n')
    assert own.calibrate(more, dry_run=True)[0].unknown == 1


# ---- what is stored ----


def put(collection, *banks):
    with collection._storage.writing() as shelves, shelves.catalog.write() as writer:
        writer.put_banks(to_bytes({bank.modality: bank for bank in banks}), {})


def small(modality, dim=DIM):
    queries = unit_rows(np.random.default_rng(1).standard_normal((3, dim)))
    return Bank(modality, queries.astype(np.float16).astype(np.float32), 2, 0.5, 0.0)


def test_banks_of_other_modalities_stay(own, made):
    put(own, small("audio"), small("image"))
    own.calibrate(made[1])
    banks = banks_in_use(own._storage.reading().catalog)
    assert {modality: len(bank.queries) for modality, bank in banks.items()} == {"audio": 3, "image": 90}
    own.undo_calibrate()
    assert {kind: len(bank.queries) for kind, bank in banks_in_use(own._storage.reading().catalog).items()} == {
        "audio": 3,
        "image": 3,
    }


def test_the_cache_reads_a_bank_once(own, made, monkeypatch):
    catalog = own._storage.reading().catalog
    cache = BankCache(catalog)
    assert cache.current() == {}
    put(own, small("image"))
    reads = []
    real = type(catalog).banks
    monkeypatch.setattr(type(catalog), "banks", lambda self: reads.append(1) or real(self))
    assert [set(cache.current()) for _ in range(3)] == [{"image"}] * 3
    assert len(reads) == 1
    own.undo_calibrate()
    assert cache.current() == {}


def harm(collection, change="vectors = zeroblob(length(vectors))"):
    collection.close()
    with closing(sqlite3.connect(collection.folder / "catalog.db")) as direct, direct:
        direct.execute(f"UPDATE query_banks SET {change} WHERE undone_at IS NULL")


def test_a_damaged_bank_is_noticed_and_a_repair_drops_it(own, made):
    before = names(own, words(3, 7), k=34)
    own.calibrate(made[1])
    harm(own)
    with pytest.raises(CollectionDamaged, match="bank of queries number"):
        own.search(words(3, 7))
    (problem,) = own.verify()
    assert problem.what == "a bank of `calibrate` is damaged"
    (mended,) = own.verify(repair=True)
    assert mended.repaired
    assert own.verify() == []
    assert names(own, words(3, 7), k=34) == before


def test_a_bank_of_other_lengths_is_noticed_too(own):
    """Its checksum is right, but it was made for another model."""
    put(own, replace(small("image"), weight=0.25))
    put(own, small("image", dim=8))
    (problem,) = own.verify()
    assert problem.what == "a bank of `calibrate` cannot be read"
    with pytest.raises(CollectionDamaged, match="bank of queries cannot be read"):
        own.search("red")
    assert all(each.repaired for each in own.verify(repair=True))
    assert banks_in_use(own._storage.reading().catalog)["image"].weight == 0.25
