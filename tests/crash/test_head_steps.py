"""Installing or undoing heads that fails at any one of its steps leaves the old state or the new one."""

import pytest
from made_heads import install, make_head
from steps import HEAD_STEPS, PUBLISH_STEPS, Crash, fail, moments

import mmsearch
from mmsearch.testing.media import write_image

STEPS = HEAD_STEPS | {name: PUBLISH_STEPS[name] for name in ("describe the index", "put the generation")}


@pytest.fixture
def pictures(collection, folder):
    for colour in ("red", "green", "blue"):
        write_image(folder / f"{colour}.png", colour)
    collection.index(folder)
    return collection


def ranking(collection):
    return [(hit.id, hit.cosine) for hit in collection.search("red", k=10)]


def crash_at(monkeypatch, step, when, write):
    """Write, and crash on the way. The first transaction only finds out whether anything can be written."""

    def crash():
        raise Crash

    with monkeypatch.context() as patch:
        fail(patch.setattr, STEPS[step], when, crash, skip=int(step in {"finish the transaction", "commit"}))
        with pytest.raises(Crash):
            write()


def check(collection, encoder, *states):
    """It is in one of the states, and sound; the next write is as if nothing had happened."""
    with mmsearch.open(collection.folder, model=encoder) as after:
        found = ranking(after)
        assert found in states
        assert after.verify() == []
        after.rebuild()
        assert ranking(after) == found
        assert after.status().index.fresh
        kept = sorted(path.name for path in after.folder.rglob("*") if path.suffix in {".f32", ".npy"})
        assert kept[-2:] == ["ids.npy", "rows.npy"]
        assert len(kept) == 3


@pytest.mark.parametrize(("step", "when"), [each for each in moments(STEPS) if each[0] != "undo heads"])
def test_an_installation_that_fails(pictures, encoder, monkeypatch, step, when):
    before = ranking(pictures)
    head = make_head("image")
    install(pictures, head)
    after = ranking(pictures)
    pictures.undo_adapt()
    crash_at(monkeypatch, step, when, lambda: install(pictures, head))
    check(pictures, encoder, before, after)
    committed = step in PUBLISH_STEPS or (step, when) == ("commit", "after")
    assert ranking(pictures) == (after if committed else before)


@pytest.mark.parametrize(("step", "when"), [each for each in moments(HEAD_STEPS) if each[0] != "put heads"])
def test_an_undoing_that_fails(pictures, encoder, monkeypatch, step, when):
    before = ranking(pictures)
    install(pictures, make_head("image"))
    after = ranking(pictures)
    crash_at(monkeypatch, step, when, pictures.undo_adapt)
    check(pictures, encoder, before, after)
    assert ranking(pictures) == (before if (step, when) == ("commit", "after") else after)
