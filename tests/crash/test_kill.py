"""kill -9 at random moments: whatever was committed stays, and in the end all is as if nothing had happened."""

import os
import random
import subprocess
import sys
import time

import numpy as np
import pytest
from processes import alive, children

import mmsearch
from mmsearch.catalog.catalog import Catalog
from mmsearch.storage import Shelves
from mmsearch.testing.media import write_corrupt, write_image, write_text

SCRIPT = """
import sys, mmsearch
with mmsearch.open("photos", model="hashing") as collection:
    collection.index(sys.argv[1], workers=2, on_progress=lambda progress: print(progress.encoded, flush=True))
"""


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """150 tiny files: pictures, texts of one or several passages, captions, and some that are broken."""
    folder = tmp_path_factory.mktemp("media")
    pixels = np.random.default_rng(0)
    for number in range(90):
        write_image(folder / f"{number:03}.jpg", pixels.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    for number in range(40):
        write_text(folder / f"note {number}.md", f"# Note {number}\n" + f"word{number} and more. " * (1 + number * 3))
    for number in range(14):
        write_text(folder / f"{number:03}.txt", f"caption {number}")
    for number in range(6):
        write_corrupt(folder / f"broken {number}.jpg")
    return folder


@pytest.fixture(scope="module")
def undisturbed(media, tmp_path_factory):
    """What a run that nobody disturbs makes, and how many files it encodes."""
    home = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        _settings(patch, home)
        encoded = _finish(_start(media))
    return _state(home), encoded


def _settings(patch, home):
    patch.setenv("MMSEARCH_HOME", str(home))
    patch.setenv("MMSEARCH_INGEST_BATCH_FILES", "4")


def _start(folder):
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder)], stdout=subprocess.PIPE, text=True)


def _finish(process):
    """Wait for the end; answers with the number of files that were encoded."""
    return int(process.communicate(timeout=60)[0].split()[-1])


def _kill(process, moments):
    """Kill one process early or late, and see that its workers end by themselves."""
    encoded = moments.choice([0, moments.randrange(1, 70)])
    for line in process.stdout:
        if int(line) >= encoded:
            break
    # At first the workers are being started; later it takes milliseconds from one commit to the next.
    time.sleep(moments.uniform(0, 0.04 if encoded else 0.6))
    workers = children(process.pid)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 20
    while any(alive(pid) for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _state(home):
    """Each segment with fields, tokens and vector, but without the ids, which depend on the order of the runs."""
    with Catalog.open(home / "photos" / "catalog.db", write=False) as catalog:
        shelves = Shelves(home / "photos", catalog)
        places = catalog.locations()
        vectors = shelves.store.gather(places.files, places.rows)
        having = catalog.token_places(places.ids)
        tokens = shelves.tokens.gather_coded(having.files, having.rows, having.counts)
        records = catalog.hits(places.ids)
        files = catalog.lookup([record.path for record in records.values()])
        rows = {
            (record.path, record.ordinal): (
                files[record.path].content_hash,
                (record.modality, record.text, record.char_start, record.char_end, record.about, record.media_type),
                (record.width_px, record.height_px, files[record.path].size_bytes, files[record.path].mtime_ns),
                coded.tobytes(),
                vector,
            )
            for record, coded, vector in zip(
                (records[id_] for id_ in places.ids.tolist()), tokens, vectors, strict=True
            )
        }
        return rows, [(each.path, each.code, each.reason) for each in catalog.failures()]


def _ids(home):
    with Catalog.open(home / "photos" / "catalog.db", write=False) as catalog:
        records = catalog.hits(catalog.locations().ids)
        return {(record.path, record.ordinal): record.id for record in records.values()}


def check_killed(media, home, undisturbed, seed, kills):
    (expected, failures), encoded = undisturbed
    moments, ids = random.Random(seed), {}
    for _ in range(kills):
        _kill(_start(media), moments)
        with mmsearch.open("photos", home=home) as collection:
            assert collection.verify() == []
        now = _ids(home)
        assert ids.items() <= now.items()  # what was committed was not encoded again
        ids = now
    left = encoded - len({path for path, _ in ids})
    assert _finish(_start(media)) == left
    check_same(_state(home), expected, failures)
    assert ids.items() <= _ids(home).items()
    with mmsearch.open("photos", home=home) as collection:
        assert collection.verify() == []
        assert sorted(os.listdir(home)) == ["photos"]


def check_same(state, expected, failures):
    rows, failed = state
    assert failed == failures
    assert rows.keys() == expected.keys()
    for key, (*fields, vector) in rows.items():
        assert fields == list(expected[key][:-1])
        np.testing.assert_allclose(vector, expected[key][-1], atol=1e-6)


def test_the_undisturbed_run_is_complete(undisturbed):
    (rows, failures), encoded = undisturbed
    assert (len({path for path, _ in rows}), encoded, len(failures)) == (144, 144, 6)
    assert len(rows) > 160


def test_killed_four_times(media, home, undisturbed, monkeypatch):
    _settings(monkeypatch, home)
    check_killed(media, home, undisturbed, seed=2, kills=4)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(7))
def test_killed_again_and_again(media, home, undisturbed, monkeypatch, seed):
    _settings(monkeypatch, home)
    check_killed(media, home, undisturbed, seed=100 + seed, kills=3)
