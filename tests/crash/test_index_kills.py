"""An index that is made, folded or replaced by a process that is killed at any moment loses nothing."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from library import make_first, make_second
from made_vectors import path_of, put

import mmsearch
from mmsearch.testing.media import write_text

SCRIPT = """
import sys
from made_vectors import put
import mmsearch
from mmsearch.encoders.hashing import HashingEncoder
from mmsearch.ingest import due
from steps import publish_always
import mmsearch.vectors.ann.build, mmsearch.vectors.ann.tune, mmsearch.ingest.optimize

publish_always(setattr)
due.FOLD_TAIL = due.FOLD_TAIL_SHARE = 0
what, *paths = sys.argv[1:]
with mmsearch.open("photos", model=HashingEncoder(64)) as collection:
    print("begun", flush=True)
    if what == "optimize":
        collection.optimize(force=True)
    elif what == "remove":
        collection.remove(*paths)
    else:
        collection.index(*paths)
"""
FOLDER_OPS = ("index", "remove", "rebuild")
INDEX_OPS = ("fold", "build")
MOST_ATTEMPTS = 150  # to kill fifty times; some processes end before


@pytest.fixture
def kills(home, encoder, folder):
    """Prepare a collection, and answer how many processes were killed at it."""

    def killed(what, *, first, step):
        (prepare_large if what in INDEX_OPS else prepare_small)(home, encoder, folder)
        if what == "index":
            make_second(folder)
        command = [sys.executable, str(Path(__file__).parent / "kill_at_moments.py"), what, home, folder, first, step]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
        ended = subprocess.run(
            list(map(str, command)), check=False, timeout=600, env=environment, capture_output=True, text=True
        )
        assert ended.returncode == 0, ended.stderr
        return int(ended.stdout)

    return killed


def prepare_small(home, encoder, folder):
    make_first(folder)
    with mmsearch.open("photos", home=home, model=encoder) as made:
        made.index(folder)


def prepare_large(home, encoder, folder):
    """1,100 vectors in cells, of which 200 are removed, and 100 that came later."""
    with mmsearch.open("photos", home=home, model=encoder) as made:
        (folder / "note.txt").write_text("a note")
        made.index(folder)
        made.remove(folder / "note.txt")
        put(made, 1100)
        made.optimize(asked="ivf-flat")
        put(made, 100, first=1000)
        made.remove(*(path_of(number) for number in range(10, 20)))
        assert (made.status().index.kind, made.status().index.tail) == ("ivf-flat", 100)
    kept = [*range(10), *range(20, 55), *range(1000, 1005)]
    (folder / "kept").write_text(" ".join(map(str, kept)))


@pytest.mark.parametrize(("what", "first", "step", "least"), [("remove", 1, 7, 4), ("fold", 0, 9, 4)])
def test_killed_now_and_then(kills, what, first, step, least):
    assert kills(what, first=first, step=step) >= least


@pytest.mark.slow
@pytest.mark.parametrize("what", FOLDER_OPS + INDEX_OPS)
def test_killed_at_every_moment(kills, what):
    assert kills(what, first=0, step=1) >= 20


@pytest.mark.slow
def test_killed_fifty_times_at_random(home, encoder, folder):
    """Nothing that was committed is lost, nothing that was removed comes back, and `verify` finds nothing, ever."""
    prepare_large(home, encoder, folder)
    moments, there, number, killed = random.Random(3), set(), 0, 0
    with mmsearch.open("photos", home=home, model=encoder) as collection:
        there = names(collection)
    for _ in range(MOST_ATTEMPTS):
        if killed >= 50:
            break
        what, gone, new = moments.choice(["index", "remove", "optimize"]), set(), set()
        if what == "index":
            new = {str(folder / f"{each}.txt") for each in range(number, number + 20)}
            for path in new:
                write_text(Path(path), f"text {Path(path).stem}")
            number += 20
        if what == "remove":
            gone = set(moments.sample(sorted(there), 2))
        killed += kill(what, sorted(gone) or [folder], moments.uniform(0, 0.9))
        with mmsearch.open("photos", home=home, model=encoder) as collection:
            assert collection.verify() == []
            now = names(collection)
            assert there - gone <= now <= there | new | {str(folder / "note.txt"), *map(str, folder.glob("*.txt"))}
            hits = collection.search(vector=[1.0] * 64, k=5000)
            assert {hit.path for hit in hits} == now
        there = now
    assert killed >= 50, f"only {killed} of {MOST_ATTEMPTS} processes were killed before they had ended"
    with mmsearch.open("photos", home=home, model=encoder) as collection:
        collection.index(folder)
        collection.optimize()
        assert names(collection) == there | set(map(str, folder.glob("*.txt")))
        assert len(os.listdir(next(collection.folder.glob("spaces/*/generations")))) == 1
        assert collection.verify() == []


def names(collection):
    shelves = collection._storage.reading()
    return {each.path for each in shelves.catalog.hits(shelves.catalog.locations().ids).values()}


def kill(what, arguments, after_s):
    """Let a process do it, and kill it. Returns whether it had not ended before."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", SCRIPT, what, *map(str, arguments)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "begun\n"
        time.sleep(after_s)
        process.kill()
    assert process.returncode in (0, -9)
    return process.returncode == -9
