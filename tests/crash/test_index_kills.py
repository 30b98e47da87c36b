"""An index that is made, folded or replaced by a process that is killed at any moment loses nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from library import make_first, make_second
from made_vectors import path_of, put

import mmsearch

FOLDER_OPS = ("index", "remove", "rebuild")
INDEX_OPS = ("fold", "build")


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
