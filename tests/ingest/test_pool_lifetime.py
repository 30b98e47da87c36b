"""Worker processes never outlive their parent, and do not run its script again."""

import os
import signal
import subprocess
import sys
import time

import pytest
from processes import alive, children, own_workers

import mmsearch
from mmsearch.errors import ModelError
from mmsearch.testing.media import write_text

SCRIPT = """
import sys, mmsearch
print("the script runs", flush=True)
with mmsearch.open("photos", model="{model}") as collection:
    report = collection.index(sys.argv[1], workers=2)
print(report.added)
"""


@pytest.fixture
def script(tmp_path):
    """Write a script without `if __name__ == "__main__"`; answers with the command that runs it."""

    def write(folder, model="hashing"):
        path = tmp_path / "script.py"
        path.write_text(SCRIPT.format(model=model))
        return [sys.executable, str(path), str(folder)]

    return write


def test_a_script_without_a_guard_runs_once(home, folder, script):
    for number in range(3):
        write_text(folder / f"{number}.txt", f"word {number}")
    done = subprocess.run(script(folder), capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("the script runs\n3\n", "", 0)


def test_what_the_parent_can_import_its_workers_can(home, folder, monkeypatch):
    """From sys.path as it is now, and whatever lies in the folder of work."""
    package = home.parent / "elsewhere"
    (package / "mine-1.0.dist-info").mkdir(parents=True)
    (package / "mine-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (package / "mine-1.0.dist-info" / "entry_points.txt").write_text("[mmsearch.encoders]\nmine = mine:Mine\n")
    (package / "mine.py").write_text(
        "from mmsearch.encoders.hashing import HashingEncoder\n"
        "from dataclasses import replace\n"
        "class Mine(HashingEncoder):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.spec = replace(self.spec, space=replace(self.spec.space, model='mine'))\n"
    )
    monkeypatch.syspath_prepend(package)
    work = home.parent / "work"
    work.mkdir()
    (work / "numpy.py").write_text("raise SystemExit('imported from the folder of work')")
    monkeypatch.chdir(work)
    write_text(folder / "a.txt", "some words")
    with mmsearch.open("photos", home=home, model="mine") as collection:
        assert collection.index(folder).added == 1


def test_an_interruption_leaves_no_process_and_keeps_what_was_committed(trouble, draw, folder):
    for number in range(12):
        draw(f"{number:02}.png")

    def interrupt(progress):
        if progress.encoded >= 4:
            assert own_workers()
            raise KeyboardInterrupt

    collection = trouble(ingest_batch_files=2)
    with pytest.raises(KeyboardInterrupt):
        collection.index(folder, workers=2, on_progress=interrupt)
    assert own_workers() == []
    assert collection.status().assets == 4
    assert collection.verify() == []
    assert collection.index(folder, workers=2).added == 8


def test_ctrl_c_on_the_terminal_reaches_the_parent_only(trouble, draw, folder):
    """The terminal sends it to the whole group; a worker leaves it to its parent to decide."""
    for number in range(4):
        draw(f"{number}.png")
    sent = []

    def interrupt_workers(_):
        if not sent:
            sent.extend(own_workers())
            for pid in sent:
                os.kill(pid, signal.SIGINT)

    report = trouble(ingest_batch_files=1).index(folder, workers=1, on_progress=interrupt_workers)
    assert (report.added, report.failed, len(sent)) == (4, 0, 1)


@pytest.mark.parametrize("word", [b"HANG", b"SPIN"])
def test_workers_end_when_their_parent_is_killed(trouble, draw, folder, script, monkeypatch, word):
    """One is busy with a file that takes for ever, one waits for work."""
    trouble(limits_decode_timeout_s=0.6, ingest_batch_files=1)
    begun = folder.parent / "begun"
    monkeypatch.setenv("TROUBLE_BEGINS", str(begun))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    draw("a.png")
    draw("b.png", word)
    with subprocess.Popen(script(folder, "trouble"), stdout=subprocess.PIPE) as parent:
        _wait_until(begun.exists)
        workers = [pid for pid in children(parent.pid) if alive(pid)]
        parent.kill()
    assert len(workers) == 2
    _wait_until(lambda: not any(alive(pid) for pid in workers))


def _wait_until(happened):
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_system_that_starts_no_more_processes(collection_by_name, monkeypatch, folder):
    write_text(folder / "a.txt", "some words")

    def refuse(*_, **__):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("mmsearch.ingest.pool.subprocess.Popen", refuse)
    with pytest.raises(ModelError, match=r"Resource temporarily unavailable. Try fewer with --workers"):
        collection_by_name.index(folder)


@pytest.fixture
def collection_by_name(home):
    with mmsearch.open("photos", home=home, model="hashing") as collection:
        yield collection
