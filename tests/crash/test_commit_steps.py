"""A write that fails at any one of its steps loses nothing, and the next run goes on from there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from library import FIRST, SECOND, STAYS, make_first, make_second, texts
from steps import (
    ALL_STEPS,
    INDEX_STEPS,
    PUBLISH_STEPS,
    REBUILD_STEPS,
    TOKEN_STEPS,
    Crash,
    fail,
    moments,
    publish_always,
)

import mmsearch


@pytest.fixture
def indexed(home, encoder, folder, monkeypatch):
    """A collection of the first state of the folder, which is then brought to the second."""
    monkeypatch.setenv("MMSEARCH_INGEST_BATCH_FILES", "2")
    publish_always(monkeypatch.setattr)
    make_first(folder)
    with mmsearch.open("photos", home=home, model=encoder) as collection:
        collection.index(folder)
        make_second(folder)
        yield collection


def reopened(collection, encoder):
    encoder.texts.clear()
    return mmsearch.open("photos", home=collection.folder.parent, model=encoder)


def crash_at(monkeypatch, step, when, write, *, skip=0):
    """Write, and crash on the way."""

    def crash():
        raise Crash

    with monkeypatch.context() as patch:
        fail(patch.setattr, ALL_STEPS[step], when, crash, skip=skip)
        with pytest.raises(Crash):
            write()


def end_process_at(step_of, step, folder):
    command = [sys.executable, str(Path(__file__).parent / "end_at_step.py"), step_of, step, "after", str(folder)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run(command, check=False, timeout=60, env=environment).returncode == 9


def check_recovery(collection, encoder, folder):
    """Nothing committed is lost or damaged, and the next run encodes just what is missing."""
    with reopened(collection, encoder) as after:
        assert after.verify() == []
        before = texts(after)
        assert STAYS.items() <= before.items()
        assert before.items() <= FIRST.items() | SECOND.items()
        report = after.index(folder)
        known = set(before.values()) | set(FIRST.values())
        assert set(encoder.texts).isdisjoint(known)
        assert sorted(encoder.texts) == sorted(set(SECOND.values()) - known)
        assert texts(after) == SECOND
        assert [os.path.basename(each.path) for each in after.failures()] == ["broken.jpg"]
        assert after.search("red", k=1)[0].cosine > 0.8
        assert after.verify() == []
        assert after.status().index.fresh
        assert after.status().tokens.segments == after.status().tokens.of == len(SECOND) + 1
        assert_nothing_is_left_over(after)
        again = after.index(folder)
        assert (again.encoded, again.unchanged) == (0, len(SECOND) + 2)
    assert report.failed + report.unchanged >= 1


def assert_nothing_is_left_over(collection):
    (space,) = (collection.folder / "spaces").iterdir()
    kept = sorted(path.relative_to(space).parts for path in space.rglob("*") if path.is_file())
    number = kept[0][1]  # of the one generation
    assert kept[:2] == [("generations", number, "ids.npy"), ("generations", number, "rows.npy")]
    assert [folder for folder, _ in kept[2:]] == ["tokens", "vectors"]
    assert os.listdir(space / "generations") == [number]


@pytest.mark.parametrize(("step", "when"), moments([*INDEX_STEPS, *PUBLISH_STEPS]))
def test_a_failure_at_each_step(indexed, encoder, folder, monkeypatch, step, when):
    crash_at(monkeypatch, step, when, lambda: indexed.index(folder))
    check_recovery(indexed, encoder, folder)


@pytest.mark.parametrize(
    ("step", "skip"),
    [("append vectors", 1), ("append vectors", 2), ("append tokens", 1), ("put files", 2), ("commit", 3)],
)
def test_a_failure_later_on(indexed, encoder, folder, monkeypatch, step, skip):
    crash_at(monkeypatch, step, "after", lambda: indexed.index(folder), skip=skip)
    check_recovery(indexed, encoder, folder)


@pytest.mark.parametrize(
    "step",
    ["append vectors", "append tokens", "finish the transaction", "commit", "sweep", "put the generation"],
)
def test_a_process_that_ends_at_a_step(indexed, encoder, folder, step):
    end_process_at("index", step, folder)
    check_recovery(indexed, encoder, folder)


@pytest.mark.parametrize(("step", "when"), moments([*REBUILD_STEPS, *PUBLISH_STEPS]))
def test_a_rebuild_that_fails(indexed, encoder, folder, monkeypatch, step, when):
    with reopened(indexed, encoder) as before:
        expected = [(hit.id, hit.path, hit.cosine) for hit in before.search("word", k=100)]
        crash_at(monkeypatch, step, when, before.rebuild)
        assert [(hit.id, hit.path, hit.cosine) for hit in before.search("word", k=100)] == expected
    with reopened(indexed, encoder) as after:
        assert after.verify() == []
        assert [(hit.id, hit.path, hit.cosine) for hit in after.search("word", k=100)] == expected
        after.rebuild()
        assert [(hit.id, hit.path, hit.cosine) for hit in after.search("word", k=100)] == expected
        assert_nothing_is_left_over(after)
    check_recovery(indexed, encoder, folder)


def test_a_rebuild_whose_process_ends(indexed, encoder, folder):
    for step in ("write new vectors", "write new tokens", "commit"):
        end_process_at("rebuild", step, folder)
    check_recovery(indexed, encoder, folder)


@pytest.mark.parametrize(("step", "when"), moments(TOKEN_STEPS))
def test_tokens_that_are_made_later(home, encoder, folder, monkeypatch, step, when):
    """The first two transactions find out whether anything can be written, and note what is to be kept."""
    monkeypatch.setenv("MMSEARCH_INGEST_BATCH_FILES", "2")
    make_first(folder)
    with mmsearch.open("photos", home=home, model=encoder) as made:
        made.index(folder, tokens=False)
        expected = [(hit.id, hit.path, hit.cosine) for hit in made.search("word", k=100)]
        skip = 2 if step in {"finish the transaction", "commit"} else 0
        crash_at(monkeypatch, step, when, lambda: made.rebuild(tokens=True), skip=skip)
    with reopened(made, encoder) as after:
        assert after.verify() == []
        kept = after.status().tokens.segments
        assert kept == (2 if (step, when) == ("commit", "after") else 0)
        after.rebuild(tokens=True)
        assert after.status().tokens.segments == after.status().tokens.of == 8
        assert [(hit.id, hit.path, hit.cosine) for hit in after.search("word", k=100)] == expected
        assert after.verify() == []
        assert_nothing_is_left_over(after)


@pytest.mark.parametrize(("step", "when"), moments(["commit", "describe the index"]))
def test_a_removal_that_fails(indexed, encoder, folder, monkeypatch, step, when):
    crash_at(monkeypatch, step, when, lambda: indexed.remove(folder / "0.txt"))
    with reopened(indexed, encoder) as after:
        assert after.verify() == []
        assert texts(after).items() >= (STAYS.items() - {("0.txt", STAYS["0.txt"])})
        after.index(folder)
        assert texts(after) == SECOND


def test_the_first_run_fails_before_anything_is_committed(collection, encoder, folder, monkeypatch):
    make_first(folder)
    crash_at(monkeypatch, "append vectors", "after", lambda: collection.index(folder))
    with reopened(collection, encoder) as after:
        assert after.verify() == []
        assert len(after.search("word")) == 0
        after.index(folder)
        assert texts(after) == FIRST


def test_what_lies_behind_the_committed_rows_does_not_matter(indexed, encoder, folder):
    """After a power failure it may be anything."""
    for pattern in ("*.f32", "*.i8"):
        (rows,) = indexed.folder.rglob(pattern)
        with rows.open("ab") as file:
            file.write(os.urandom(10_001))
    check_recovery(indexed, encoder, folder)
