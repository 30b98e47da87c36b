"""What failed is tried again when something changed that may help; what looks lost may only be out of reach."""

import os
import signal
import threading
import time

from processes import own_workers

import mmsearch
import mmsearch.ingest.roots
from mmsearch.ingest.batches import BATCH_BYTES, COSTS, in_batches
from mmsearch.ingest.plan import Work
from mmsearch.testing.media import write_image, write_text
from mmsearch.types import FileStat


def test_a_raised_limit_lets_failed_files_be_tried_again(folder, home, encoder, monkeypatch):
    write_image(folder / "a.png", "red", size=(40, 30))
    monkeypatch.setenv("MMSEARCH_LIMITS_MAX_PIXELS", "100")
    for failed, unchanged in ((1, 0), (0, 1)):  # the second run of the same reader leaves it alone
        with mmsearch.open("photos", home=home, model=encoder) as collection:
            report = collection.index(folder)
        assert (report.failed, report.unchanged) == (failed, unchanged)
    monkeypatch.setenv("MMSEARCH_LIMITS_MAX_PIXELS", "10000")
    with mmsearch.open("photos", home=home, model=encoder) as collection:
        assert collection.index(folder).added == 1
        assert collection.failures() == []


def test_a_new_reader_reads_no_searchable_file_again(folder, home, encoder, monkeypatch):
    write_image(folder / "a.png", "red")
    for limit in ("100000", "200000"):
        monkeypatch.setenv("MMSEARCH_LIMITS_MAX_PIXELS", limit)
        with mmsearch.open("photos", home=home, model=encoder) as collection:
            collection.index(folder)
    assert encoder.images == 1


def test_a_machine_that_sleeps_condemns_no_file(trouble, draw, folder):
    for number in range(40):
        draw(f"{number}.png")
    collection = trouble(limits_decode_timeout_s=2, ingest_batch_files=8)
    stopped = threading.Event()

    def sleep_once(progress):
        if progress.encoded and not stopped.is_set():
            stopped.set()
            for worker in own_workers():
                os.kill(worker, signal.SIGSTOP)
            time.sleep(2.5)  # beyond the limit, as a clock that goes on sees it
            for worker in own_workers():
                os.kill(worker, signal.SIGCONT)

    report = collection.index(folder, workers=1, on_progress=sleep_once)
    assert stopped.is_set()
    assert (report.added, report.failed) == (40, 0)


def test_an_empty_folder_on_another_disk_is_taken_for_unmounted(folder, collection, encoder, monkeypatch):
    photo = write_image(folder / "a.png", "red")
    collection.index(folder)
    photo.rename(folder.parent / "a.png")
    monkeypatch.setattr(mmsearch.ingest.roots, "device_of", lambda root: "another")
    for report in (collection.index(folder, dry_run=True), collection.index(folder), collection.index(folder)):
        assert (report.removed, report.failed + report.unchanged) == (0, 1)
    assert [hit.path for hit in collection.search("red")] == [str(photo)]
    assert "disk" in collection.failures()[0].reason
    monkeypatch.undo()
    (folder.parent / "a.png").rename(photo)
    report = collection.index(folder)
    assert (report.unchanged, report.removed, encoder.images) == (1, 0, 1)
    assert collection.failures() == []


def test_a_folder_that_was_emptied_is_empty(folder, collection):
    write_image(folder / "a.png", "red").rename(folder / "b.png")
    collection.index(folder)
    (folder / "b.png").unlink()
    assert collection.index(folder).removed == 1
    assert len(collection.search("red")) == 0


def test_one_input_that_the_model_cannot_take_fails_alone(folder, home):
    from counting_encoder import CountingEncoder

    class Choosy(CountingEncoder):
        def encode_texts(self, texts, role):
            if "poison" in texts:
                raise RuntimeError("no such word")
            return super().encode_texts(texts, role)

    for name in ("good", "poison", "fine"):
        write_text(folder / f"{name}.txt", name)
    with mmsearch.open("photos", home=home, model=Choosy()) as collection:
        report = collection.index(folder)
        assert (report.added, report.failed) == (2, 1)
        assert collection.failures()[0].reason == "The model cannot embed this file (RuntimeError: no such word)."


def test_long_texts_come_in_small_batches():
    """A text becomes twice its bytes in vectors, so a batch of long ones would fill the memory."""
    size = BATCH_BYTES // COSTS["text"] // 2
    texts = [Work(FileStat(f"/{i}.txt", size, 1), "text") for i in range(5)]
    photos = [Work(FileStat(f"/{i}.jpg", size, 1), "image") for i in range(5)]
    assert [len(batch) for batch in in_batches(texts, 32)] == [2, 2, 1]
    assert [len(batch) for batch in in_batches(photos, 32)] == [5]
