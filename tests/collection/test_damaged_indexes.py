"""A damaged index is found by `status`, `optimize` and `verify`, and readers take up what replaces it."""

import os

import pytest
from made_vectors import put, rows

import mmsearch
from mmsearch.errors import CollectionDamaged, StorageError
from mmsearch.ingest.index_content import FoldedContent
from mmsearch.vectors import generation as generation_module


@pytest.fixture
def photos(home):
    with mmsearch.create("photos", home=home, model="hashing") as collection:
        put(collection, 200)
        collection.optimize()
        yield collection


def in_use(collection):
    return collection._storage.reading().catalog.generation()


def index_file(collection, name):
    (path,) = collection.folder.glob(f"spaces/*/generations/*/{name}")
    return path


def flip(path, place):
    """Change one byte of a file that may be mapped."""
    with path.open("r+b") as file:
        file.seek(place, os.SEEK_SET if place >= 0 else os.SEEK_END)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 0x40]))


def answer(collection):
    return [(hit.id, hit.score) for hit in collection.search(vector=rows(1, dim=256, seed=0)[0], k=50, group=False)]


@pytest.mark.parametrize("kind", ["flat", "faiss-flat"])
def test_a_reader_takes_up_the_index_that_a_repair_has_made(photos, home, kind):
    photos.optimize(asked=kind)
    damaged = in_use(photos)
    with mmsearch.open("photos", home=home) as reader:
        expected = answer(reader)
        path = index_file(photos, "rows.*")
        flip(path, -1)  # the exponent of a number that was below 1
        (problem,) = photos.verify(repair=True)
        assert problem.repaired
        mended = in_use(photos)
        assert mended.number > damaged.number
        assert (mended.files, mended.kind) == (damaged.files, kind)
        assert answer(reader) == expected
        assert reader.search(vector=rows(1, dim=256)[0]).notices == ()
        assert photos.verify() == []


def shorten(path):
    os.truncate(path, path.stat().st_size - 1)


@pytest.mark.parametrize("name", ["ids.npy", "rows.npy"])
def test_status_and_optimize_notice_files_of_another_size(photos, name):
    before = in_use(photos)
    shorten(index_file(photos, name))
    assert not photos.status().index.fresh
    assert photos.optimize().fresh
    assert in_use(photos).number > before.number
    assert photos.verify() == []


def test_optimize_notices_a_wrong_checksum(photos):
    flip(index_file(photos, "ids.npy"), -1)
    assert photos.optimize().fresh
    assert photos.verify() == []


def test_a_run_mends_a_small_index(photos, home, tmp_path):
    index_file(photos, "ids.npy").unlink()
    (tmp_path / "note.txt").write_text("a note")
    photos.index(tmp_path / "note.txt")
    assert photos.status().index.fresh
    assert photos.verify() == []


def test_damaged_rows_are_not_folded_into_a_new_index(photos):
    photos.optimize(asked="faiss-flat")
    flip(index_file(photos, "rows.faiss"), -1)
    job = photos._index_job()
    with job.catalog.snapshot(), pytest.raises(CollectionDamaged, match="does not match its checksum"):
        FoldedContent(job, in_use(photos))


def test_an_index_that_may_not_be_read_is_one_problem(photos, monkeypatch):
    """Permissions are of no use here: a test may be run by root."""
    real = generation_module.open_stored

    def refuse(path):
        if path.name == "rows.npy":
            raise StorageError(f"Cannot read {path}.", remedy="Check its permissions.")
        return real(path)

    with monkeypatch.context() as patch:
        patch.setattr(generation_module, "open_stored", refuse)
        (problem,) = photos.verify()
        assert problem.what == "the published index cannot be read"
        assert "rows.npy" in problem.where
        assert not photos.status().index.fresh
    assert photos.verify() == []
