"""Worker processes and the files that end them: such a file is recorded, and nothing else is lost."""

import os
import time
from dataclasses import asdict

import pytest
from processes import alive, own_workers

import mmsearch.ingest.pool
from mmsearch.config import Limits
from mmsearch.errors import ModelError, WeightsDamaged
from mmsearch.ingest.plan import Work
from mmsearch.ingest.pool import ProcessPool, Worker
from mmsearch.ingest.worker import Setup
from mmsearch.testing.media import write_text, write_wav
from mmsearch.types import FailedFile, FileStat, IndexedFile


@pytest.fixture(autouse=True)
def _no_process_is_left():
    yield
    assert own_workers() == []


def counts(report):
    return {name: value for name, value in asdict(report).items() if value and name != "seconds"}


def failures(collection):
    return {os.path.basename(each.path): (each.code, each.reason) for each in collection.failures()}


def found(collection, text):
    return sorted(os.path.basename(hit.path) for hit in collection.search(text, k=50) if hit.cosine > 0.8)


@pytest.mark.parametrize("workers", [1, 2])
def test_files_that_end_the_process_that_reads_them(trouble, draw, folder, workers):
    good = [draw(f"{number}.png").name for number in range(6)]
    draw("0 exit.png", b"EXIT")
    draw("3 abort.png", b"ABORT")
    draw("9 kill.png", b"KILL")
    write_text(folder / "a.txt", "some words")
    collection = trouble(ingest_batch_files=10 // workers)
    report = collection.index(folder, workers=workers)
    assert counts(report) == {"added": 7, "failed": 3, "encoded": 7, "segments": 7}
    assert found(collection, "red") == good
    assert found(collection, "some words") == ["a.txt"]
    crashed = ("media_crashed", "Reading it crashed the worker process: the file is damaged or malicious.")
    assert failures(collection) == dict.fromkeys(["0 exit.png", "3 abort.png", "9 kill.png"], crashed)
    assert collection.verify() == []
    assert counts(collection.index(folder)) == {"unchanged": 10}


def test_files_on_which_the_model_crashes(trouble, draw, folder):
    draw("a.png")
    for word in ("EXIT", "FAIL"):
        write_text(folder / f"{word}.txt", word)
    write_text(folder / "good.txt", "some words")
    collection = trouble()
    report = collection.index(folder, workers=1)
    assert counts(report) == {"added": 2, "failed": 2, "encoded": 2, "segments": 2}
    crashed = ("media_crashed", "Embedding it crashed the worker process: the file is damaged or malicious.")
    refused = ("media_damaged", "The model cannot embed this file (RuntimeError: out of order).")
    assert failures(collection) == {"EXIT.txt": crashed, "FAIL.txt": refused}
    assert (found(collection, "red"), found(collection, "some words")) == (["a.png"], ["good.txt"])


def test_files_that_take_for_ever(trouble, draw, folder):
    draw("a.png")
    draw("hang.png", b"HANG")
    draw("spin.png", b"SPIN")
    write_text(folder / "hang.txt", "HANG")
    collection = trouble(limits_decode_timeout_s=0.7)
    assert counts(collection.index(folder, workers=1)) == {"added": 1, "failed": 3, "encoded": 1, "segments": 1}
    remedy = "Raise limits.decode_timeout_s in mmsearch.toml if you trust the file."
    reading = ("media_timeout", f"Reading it took more than 0.7 s (limits.decode_timeout_s). {remedy}")
    embedding = ("media_timeout", f"Embedding it took more than 0.7 s (limits.decode_timeout_s). {remedy}")
    assert failures(collection) == {"hang.png": reading, "spin.png": reading, "hang.txt": embedding}
    assert found(collection, "red") == ["a.png"]


def test_a_file_that_takes_too_much_memory(trouble, draw, folder):
    draw("a.png")
    draw("eat.png", b"EAT")
    collection = trouble(limits_worker_memory_bytes="1G")
    assert counts(collection.index(folder, workers=1)) == {"added": 1, "failed": 1, "encoded": 1, "segments": 1}
    reason = "Reading it takes more memory than a worker may use. Raise limits.worker_memory_bytes."
    assert failures(collection) == {"eat.png": ("media_too_large", reason)}


def test_sounds_that_end_the_process_or_take_for_ever_or_too_much_memory(trouble, draw, folder):
    for word in ("exit", "hang", "eat"):
        draw(f"{word}.wav", word.upper().encode())
    draw("good.wav")
    draw("good.png")
    collection = trouble(limits_decode_timeout_s=0.7, limits_worker_memory_bytes="1G")
    assert counts(collection.index(folder, workers=1)) == {"added": 2, "failed": 3, "encoded": 2, "segments": 2}
    assert (found(collection, "loud high tone"), found(collection, "red")) == (["good.wav"], ["good.png"])
    assert {name: code for name, (code, _) in failures(collection).items()} == {
        "exit.wav": "media_crashed",
        "hang.wav": "media_timeout",
        "eat.wav": "media_too_large",
    }
    assert collection.verify() == []
    assert counts(collection.index(folder)) == {"unchanged": 5}


def test_the_time_limit_is_for_a_piece_of_a_long_sound(trouble, folder):
    """All five pieces take longer than the limit together, each of them less."""
    write_wav(folder / "long.wav", seconds=130)
    collection = trouble("SLOW", limits_decode_timeout_s=0.8)
    assert counts(collection.index(folder, workers=1))["added"] == 1


def test_a_decoder_that_fails_in_a_way_nobody_thought_of(trouble, draw, folder):
    draw("a.png", b"FAIL")
    collection = trouble()
    collection.index(folder, workers=1)
    reason = "The file cannot be understood (RuntimeError: out of order)."
    assert failures(collection) == {"a.png": ("media_damaged", reason)}


@pytest.mark.parametrize(
    ("on_load", "error", "message"),
    [
        ("LACK", WeightsDamaged, "The weights are gone"),
        ("FAIL", ModelError, r"does not work \(RuntimeError: out of order\)"),
        ("BLANK", ModelError, r"does not work \(RuntimeError: out of order\)"),
        ("EXIT", ModelError, "died while it loaded the model trouble:EXIT"),
        ("EAT", ModelError, "needs more memory than a worker may use. Raise limits.worker_memory_bytes"),
    ],
)
def test_a_model_that_cannot_work_ends_the_run_and_no_file_is_blamed(trouble, draw, folder, on_load, error, message):
    draw("a.png")
    collection = trouble(on_load, limits_worker_memory_bytes="1G")
    with pytest.raises(error, match=message):
        collection.index(folder, workers=2)
    status = collection.status()
    assert (status.assets, status.failed) == (0, 0)
    assert collection.verify() == []


def test_a_model_that_gives_up_midway_keeps_what_was_committed(trouble, draw, folder):
    draw("0.png")
    write_text(folder / "a.txt", "LACK")
    collection = trouble(ingest_batch_files=1)
    with pytest.raises(WeightsDamaged):
        collection.index(folder, workers=1)
    assert collection.status().failed == 0
    assert collection.verify() == []
    (folder / "a.txt").write_text("some words")
    collection.index(folder, workers=1)
    assert collection.status().assets == 2


def test_a_model_that_takes_too_long_to_load(trouble, draw, folder, monkeypatch):
    monkeypatch.setattr("mmsearch.ingest.pool.START_TIMEOUT_S", 0.5)
    draw("a.png")
    with pytest.raises(ModelError, match=r"trouble:HANG did not load within 0\.5 s"):
        trouble("HANG").index(folder)


# ---- the pool itself ----


def work(path):
    status = path.stat()
    return Work(FileStat(str(path), status.st_size, status.st_mtime_ns), "image" if path.suffix == ".png" else "text")


@pytest.fixture
def setup(trouble):
    trouble()  # makes the model known by name
    return Setup("trouble", Limits().for_machine(2))


@pytest.fixture
def pool(setup):
    made = ProcessPool(setup, 2)
    yield made
    made.close()


@pytest.fixture
def worker(setup):
    made = Worker(setup)
    yield made
    made.stop()


def test_outcomes_come_in_the_order_of_batches_and_files(pool, draw, folder):
    batches = []
    for number in range(9):
        words = [write_text(folder / f"{number} {each}.txt", f"text {number} {each}") for each in range(3)]
        # Every third batch takes longer than those behind it.
        batches.append((*map(work, words), work(draw(f"{number}.png", b"EXIT" if number % 3 == 0 else b""))))
    results = list(pool.run(batches))
    assert [batch for batch, _ in results] == batches
    for number, (batch, outcomes) in enumerate(results):
        assert [outcome.stat for outcome in outcomes] == [each.stat for each in batch]
        kinds = [type(outcome) for outcome in outcomes]
        assert kinds == [IndexedFile] * 3 + [FailedFile if number % 3 == 0 else IndexedFile]


def test_only_a_few_batches_are_taken_ahead(pool, draw):
    taken = []

    def batches():
        for number in range(20):
            taken.append(number)
            yield (work(draw(f"{number}.png")),)

    results = pool.run(batches())
    next(results)
    assert len(taken) <= 5
    results.close()


def test_a_child_that_died_between_batches_is_replaced_without_blaming_a_file(worker, draw):
    (first,) = worker.process((work(draw("a.png")),))
    (pid,) = own_workers()
    os.kill(pid, 9)
    _wait_for_the_end_of(pid)
    (second,) = worker.process((work(draw("b.png")),))
    assert isinstance(first, IndexedFile)
    assert isinstance(second, IndexedFile)


def _wait_for_the_end_of(pid):
    while alive(pid):
        time.sleep(0.01)


def test_closing_in_the_middle_ends_the_processes_at_once(pool, draw):
    batches = [(work(draw(f"{number}.png", b"HANG")),) for number in range(8)]
    results = pool.run([(work(draw("a.png")),), *batches])
    next(results)
    assert own_workers()
    pool.close()
    assert own_workers() == []


def test_nothing_is_started_behind_the_back_of_stop(worker, draw, monkeypatch):
    """At the last moment before the child is started, another thread stops the worker."""
    real = mmsearch.ingest.pool.Pipe

    def stop_then_pipe():
        worker.stop()
        return real()

    monkeypatch.setattr(mmsearch.ingest.pool, "Pipe", stop_then_pipe)
    worker.process((work(draw("a.png")),))
    assert own_workers() == []


def test_a_time_limit_of_years_is_as_good_as_none(trouble, draw, folder):
    draw("a.png")
    assert trouble(limits_decode_timeout_s=1e300).index(folder).added == 1
