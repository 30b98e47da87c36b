"""Queries and clicks through the Python API, beside writers and where nothing can be written."""

import io
import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest

import mmsearch
from mmsearch.catalog import engine, query_log
from mmsearch.errors import CollectionNotFound, ItemNotFound, StorageError, UsageError
from mmsearch.search.request import from_json
from mmsearch.testing.media import write_image, write_text

DOG = {"parts": [{"text": "red", "weight": 1.0}], "where": "width > 3"}


@pytest.fixture
def filled(collection, folder):
    for colour in ("red", "green"):
        write_image(folder / f"{colour}.png", colour)
    write_image(folder / "sun.png", "yellow")
    write_text(folder / "sun.txt", "A yellow sun.")
    collection.index(folder)
    return collection


def test_a_query_is_kept_as_it_was_asked(filled):
    hits = filled.search("red")
    assert filled.note_query(DOG, hits) == 1
    (query,) = filled.logged_queries()
    assert (query.id, query.request, query.hits, query.good) == (1, DOG, len(hits), ())
    assert from_json(query.request).where == "width > 3"


def test_data_are_named_and_not_kept(filled):
    request = {
        "text": ["red", "2:wall"],
        "image": [b"\x89PNG secret", Path("/photos/a.jpg"), np.zeros((2, 2, 3))],
        "audio": (np.zeros(8), 8_000),
        "vector": [0.25, 0.5],
        "like": [17, "/photos/b.jpg"],
        "min_score": float("nan"),
        "modality": frozenset({"image", "audio"}),
        "k": None,
        "quotas": {"image": 2},
        "dedupe": True,
    }
    filled.note_query(request, ())
    assert filled.logged_queries()[0].request == {
        "text": ["red", "2:wall"],
        "image": ["<bytes>", "/photos/a.jpg", "<ndarray>"],
        "audio": ["<ndarray>", 8_000],
        "vector": "<list>",
        "like": [17, "/photos/b.jpg"],
        "min_score": "<float>",
        "modality": ["audio", "image"],
        "k": None,
        "quotas": {"image": 2},
        "dedupe": True,
    }


def nested(depth):
    request = {}
    for _ in range(depth):
        request = {"a": request}
    return request


@pytest.mark.parametrize("request_", [{"text": "x" * 10_001}, nested(100_000)], ids=["long", "deep"])
def test_what_cannot_be_kept_is_no_error(filled, request_):
    assert filled.note_query(request_, ()) is None
    assert filled.logged_queries() == []


def test_a_search_goes_on_beside_a_run_and_beside_a_write(filled, folder, monkeypatch):
    monkeypatch.setattr(query_log, "NOTE_WAIT_S", 0.05)
    with filled._storage.writing() as shelves:  # the lock of the collection is held
        assert filled.note_query(DOG, ()) == 1
        with shelves.catalog.write() as writer:  # and now a transaction is open
            writer.add_root("/more")
            assert filled.note_query(DOG, ()) is None
            assert len(filled.search("red")) > 0
    assert filled.note_query(DOG, ()) == 2
    assert "/more" in filled._storage.reading().catalog.roots()


def test_queries_are_kept_while_files_are_indexed(filled, folder):
    for number in range(40):
        write_image(folder / f"{number}.png", (number, 0, 0))
    done, ids = threading.Event(), []

    def ask():
        with mmsearch.open(filled.folder, model=type(filled._storage.encoder())()) as reader:
            while not done.is_set():
                ids.append(reader.note_query(DOG, reader.search("red")))

    asking = threading.Thread(target=ask)
    asking.start()
    report = filled.index(folder)
    done.set()
    asking.join()
    assert (report.added, report.failed) == (40, 0)
    kept = [id_ for id_ in ids if id_ is not None]
    assert kept
    assert kept == list(range(1, len(kept) + 1))
    assert len(filled.logged_queries()) == len(kept)
    assert filled.verify() == []
    assert filled.status().index.fresh


def test_where_nothing_can_be_written_nothing_is_kept(filled, monkeypatch):
    filled.close()
    monkeypatch.setattr(engine, "_uri", lambda path, _access: f"{path.absolute().as_uri()}?mode=ro")
    assert filled.note_query(DOG, ()) is None
    with pytest.raises(StorageError):
        filled.clear_log()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_write_permission(filled):
    filled.close()
    filled.folder.chmod(0o555)
    try:
        assert len(filled.search("red")) > 0
        assert filled.note_query(DOG, ()) is None
    finally:
        filled.folder.chmod(0o755)


def test_hits_are_said_to_be_right_by_id_or_path(filled, folder):
    query = filled.note_query(DOG, ())
    (hit,) = filled.search("green", modality="image", k=1)
    filled.feedback(query, hit.id, folder / "red.png")
    filled.feedback(query, str(folder / "sun.png"), good=False)
    (said,) = filled.logged_queries()
    assert (said.good, said.bad) == ((str(folder / "green.png"), str(folder / "red.png")), (str(folder / "sun.png"),))


def test_a_caption_stands_for_what_it_describes(filled, folder):
    query = filled.note_query(DOG, ())
    (caption,) = filled.search("a yellow sun", modality="text", k=1)
    assert caption.about == str(folder / "sun.png")
    filled.feedback(query, str(caption.id))
    assert filled.logged_queries()[0].good == (str(folder / "sun.png"),)


def test_clicks_outlive_their_file(filled, folder):
    query = filled.note_query(DOG, ())
    filled.feedback(query, folder / "red.png")
    filled.remove(folder / "red.png")
    assert filled.logged_queries()[0].good == (str(folder / "red.png"),)


@pytest.mark.parametrize("item", [999, "999", 0, 1 << 70, "nowhere.png", ""])
def test_items_that_are_not_there(filled, item):
    query = filled.note_query(DOG, ())
    with pytest.raises(ItemNotFound):
        filled.feedback(query, item)


def test_feedback_that_cannot_be_kept(filled, folder):
    with pytest.raises(ItemNotFound, match="No query 7 is kept"):
        filled.feedback(7, folder / "red.png")
    filled.note_query(DOG, ())
    for items in ((), (1,) * 1_001):
        with pytest.raises(UsageError, match="1 to 1,000 hits"):
            filled.feedback(1, *items)


def test_an_export_has_what_can_be_asked_again(filled, folder, tmp_path):
    for request in (DOG, {"text": "green"}, {"parts": [{"image": "<bytes>", "weight": 1.0}]}, {"image": ["<PIL>"]}):
        filled.feedback(filled.note_query(request, ()), folder / "red.png")
    filled.note_query({"text": "never clicked"}, ())
    filled.feedback(filled.note_query({"text": "only wrong"}, ()), folder / "red.png", good=False)
    assert filled.export_log(tmp_path / "judged.jsonl") == 2
    records = [json.loads(line) for line in (tmp_path / "judged.jsonl").read_text().splitlines()]
    right = [str(folder / "red.png")]
    assert records == [{"id": 1, **DOG, "relevant": right}, {"id": 2, "text": "green", "relevant": right}]


def test_an_export_into_an_open_file_and_into_no_folder(filled, folder, tmp_path):
    filled.feedback(filled.note_query({"text": "green"}, ()), folder / "red.png")
    out = io.StringIO()
    assert filled.export_log(out) == 1
    assert json.loads(out.getvalue())["text"] == "green"
    with pytest.raises(StorageError, match=f"there is no folder {tmp_path / 'gone'}"):
        filled.export_log(tmp_path / "gone" / "judged.jsonl")
    assert not (tmp_path / "gone").exists()


def test_the_log_is_forgotten(filled):
    filled.note_query(DOG, ())
    assert (filled.clear_log(), filled.clear_log(), filled.logged_queries()) == (1, 0, [])


def test_a_collection_that_is_not_there(collection, home, tmp_path):
    assert collection.note_query(DOG, ()) is None
    for call in (
        lambda: collection.feedback(1, 1),
        lambda: collection.logged_queries(),
        lambda: collection.clear_log(),
        lambda: collection.export_log(tmp_path / "x.jsonl"),
        lambda: collection.calibrate(from_log=True),
        lambda: collection.undo_calibrate(),
    ):
        with pytest.raises(CollectionNotFound):
            call()
    assert not home.exists()
