"""`Collection.optimize`: wishes that are kept, kinds that are asked for, and what it refuses."""

import shutil

import numpy as np
import pytest
from made_vectors import path_of, put, rows

import mmsearch
from mmsearch.adapt.stored import stored_vectors
from mmsearch.config import FILE_NAME
from mmsearch.errors import CollectionLocked, CollectionNotFound, UsageError
from mmsearch.ingest import due
from mmsearch.ingest.build_lock import build_lock
from mmsearch.vectors.store import VectorStore


@pytest.fixture(scope="module", autouse=True)
def few_queries():
    """Measure quickly."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mmsearch.vectors.ann.tune.MOST_QUERIES", 30)
        yield


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A collection of 3,000 vectors with an index of cells; not to be written to."""
    home = tmp_path_factory.mktemp("stored")
    with mmsearch.create("photos", home=home, model="hashing") as collection:
        put(collection, 3000)
        collection.optimize(asked="ivf-flat")
    return home


@pytest.fixture
def cells(stored, home):
    """A copy of it, for writing."""
    shutil.copytree(stored, home)
    with mmsearch.open("photos", home=home) as collection:
        yield collection


def generation(collection):
    return collection._storage.reading().catalog.generation()


def nearest(collection, query, k=10):
    """Brute force."""
    shelves = collection._storage.reading()
    ids, vectors = stored_vectors(shelves.catalog, shelves.store)
    scores = vectors @ query
    order = np.lexsort((ids, -scores))[:k]
    return ids[order].tolist()


def assert_finds_the_nearest(collection):
    for query in rows(5, dim=256, seed=12):
        hits = collection.search(vector=query, k=10, group=False)
        found, ids = [hit.id for hit in hits], nearest(collection, query)
        assert len(found) == 10
        assert sorted(set(found) & set(ids), key=ids.index) == [id_ for id_ in found if id_ in ids]
        assert len(set(found) & set(ids)) >= 9


def test_a_kind_that_was_asked_for(stored):
    with mmsearch.open("photos", home=stored) as collection:
        status = collection.status().index
        assert (status.kind, status.vectors, status.fresh, status.trained_on) == ("ivf-flat", 3000, True, 3000)
        assert status.factory.startswith("IVF")
        assert status.recall >= 0.97
        assert 0 < status.recall_100 <= 1
        assert status.probes >= 1
        assert status.candidates >= 10
        assert status.flat_latency_ms > 0
        assert status.latency_ms > 0
        assert "queries" in status.tuned_with
        assert status.bytes_per_vector == round(status.size_bytes / 3000)
        assert status.bytes_per_vector > 2 * 4 * 256
        assert collection.verify() == []
        assert_finds_the_nearest(collection)


def test_what_comes_and_goes_costs_no_build(cells, monkeypatch):
    before, gathered, gather = generation(cells), [], VectorStore.gather
    put(cells, 1000, first=1000)
    monkeypatch.setattr(
        VectorStore, "gather", lambda self, files, rows: gathered.append(len(rows)) or gather(self, files, rows)
    )
    cells.optimize()
    cells.remove(*(path_of(number) for number in range(30)))
    assert generation(cells) == before
    assert sum(gathered) == 0
    status = cells.status().index
    assert (status.vectors, status.tail, status.removed) == (3400, 1000, 600)
    cells.search(vector=rows(1, dim=256)[0])
    assert gathered[0] == 1000  # the tail
    assert sum(gathered[1:]) < 600  # a sample to compare scores with
    assert_finds_the_nearest(cells)


def test_a_folded_index_is_not_trained_again(cells, monkeypatch):
    monkeypatch.setattr(due, "FOLD_TAIL", 500)
    put(cells, 1000, first=1000)
    cells.optimize()
    status = cells.status().index
    assert (status.vectors, status.tail, status.trained_on, generation(cells).vectors) == (4000, 0, 3000, 4000)
    assert status.recall is not None
    assert_finds_the_nearest(cells)
    assert cells.verify() == []


def test_wishes_hold_for_later_builds(cells, home):
    cells.optimize(min_recall=0.9)
    number = generation(cells).number
    cells.optimize(min_recall=0.9)
    assert generation(cells).number == number
    with mmsearch.open("photos", home=home) as again:
        again.rebuild()
        assert again.status().index.kind == "ivf-flat"
        wishes = again._storage.reading().catalog.index_wishes()
    assert '"asked": "ivf-flat"' in wishes
    assert '"min_recall": 0.9' in wishes
    assert generation(cells).number == number + 1


def test_another_recall_is_measured_not_built(cells, monkeypatch):
    monkeypatch.setattr("mmsearch.ingest.optimize.BuiltContent", None)  # cannot be made
    before = generation(cells)
    after = cells.optimize(min_recall=0.5)
    assert generation(cells).number == before.number + 1
    assert after.trained_on == 3000
    assert cells.optimize(min_recall=0.5) == after


def test_auto_goes_back(cells):
    assert cells.optimize(asked="auto").kind == "flat"
    assert cells.status().index.recall is None
    assert_finds_the_nearest(cells)
    assert not list(cells.folder.rglob("structure.faiss"))


@pytest.mark.parametrize("asked", ["faiss-flat", "flat-f16", "flat"])
def test_scans_have_nothing_to_measure(cells, asked):
    status = cells.optimize(asked=asked)
    assert (status.kind, status.factory, status.recall, status.probes, status.trained_on) == (asked, "", None, 0, 0)
    assert_finds_the_nearest(cells)


def test_a_factory_string(cells):
    status = cells.optimize(asked="IVF24,SQ8")
    assert (status.kind, status.factory) == ("factory", "IVF24,SQ8")
    assert cells.verify() == []


def test_force_builds_anew(cells):
    number = generation(cells).number
    cells.optimize()
    assert generation(cells).number == number
    assert cells.optimize(force=True).kind == "ivf-flat"
    assert generation(cells).number == number + 1


def test_repair_and_rebuild_make_it_anew(cells):
    (structure,) = cells.folder.rglob("structure.faiss")
    data = bytearray(structure.read_bytes())
    data[len(data) // 2] ^= 1
    structure.write_bytes(data)
    assert cells.verify()
    assert all(problem.repaired for problem in cells.verify(repair=True))
    assert cells.verify() == []
    assert cells.status().index.kind == "ivf-flat"
    assert cells.rebuild().kind == "ivf-flat"


def test_progress_tells_the_stages(cells):
    stages = []
    cells.optimize(force=True, on_progress=lambda progress: stages.append(progress.stage))
    assert list(dict.fromkeys(stages)) == ["rows", "train", "add", "measure"]


# ---- small collections ----


def test_too_few_for_what_was_asked_are_scanned_until_there_are_more(home):
    with mmsearch.create("photos", home=home, model="hashing") as collection:
        put(collection, 500)
        assert collection.optimize(asked="ivf-flat").kind == "flat"
        put(collection, 600, first=100)
        assert collection.optimize().kind == "ivf-flat"


def test_an_empty_collection(home):
    with mmsearch.create("photos", home=home, model="hashing") as collection:
        assert collection.optimize().kind == "flat"
        assert collection.optimize(asked="hnsw", max_memory=1 << 20).vectors == 0


# ---- settings ----


def test_settings_hold_where_nothing_was_asked(home):
    home.mkdir()
    (home / FILE_NAME).write_text("[index]\nkind = 'ivf-sq8'\nmin_recall = 0.5\n")
    with mmsearch.create("photos", home=home, model="hashing") as collection:
        put(collection, 2000)
        assert collection.optimize().kind == "ivf-sq8"
        assert collection.optimize(asked="auto").kind == "flat"
        collection.rebuild()
        assert collection.status().index.kind == "flat"


def test_a_kind_in_the_settings_that_there_is_not(home, folder):
    home.mkdir()
    (home / FILE_NAME).write_text("[index]\nkind = 'ivf-nonsense'\n")
    (folder / "a.txt").write_text("a note")
    with mmsearch.open("photos", home=home, model="hashing") as collection:
        with pytest.raises(UsageError, match="ivf-nonsense"):
            collection.index(folder)
        assert not collection.exists


def test_other_settings_are_due(home, monkeypatch):
    with mmsearch.create("photos", home=home, model="hashing") as collection:
        put(collection, 2000)
        collection.optimize()
    for kind in ("ivf-sq8", "ivf-flat", "auto"):
        monkeypatch.setenv("MMSEARCH_INDEX_KIND", kind)
        with mmsearch.open("photos", home=home) as collection:
            status = collection.optimize()
            assert (status.kind, status.asked) == ({"auto": "flat"}.get(kind, kind), kind)
            made = generation(collection)
            assert collection.optimize() == status
            assert generation(collection) == made
    monkeypatch.setenv("MMSEARCH_INDEX_KIND", "ivf-flat")
    with mmsearch.open("photos", home=home) as collection:
        collection.remove(path_of(0))
        assert collection.status().index.kind == "ivf-flat"


def test_another_recall_in_the_settings_is_measured(home, monkeypatch):
    monkeypatch.setenv("MMSEARCH_INDEX_KIND", "ivf-flat")
    with mmsearch.create("photos", home=home, model="hashing") as collection:
        put(collection, 2000)
        collection.optimize()
    monkeypatch.setenv("MMSEARCH_INDEX_MIN_RECALL", "0.5")
    monkeypatch.setattr("mmsearch.ingest.optimize.BuiltContent", None)  # cannot be made
    with mmsearch.open("photos", home=home) as collection:
        number = generation(collection).number
        assert collection.optimize().min_recall == 0.5
        assert generation(collection).number == number + 1
        collection.optimize()
        assert generation(collection).number == number + 1


def test_a_kind_that_there_is_not_harms_no_other_work(home, monkeypatch):
    with mmsearch.create("photos", home=home, model="hashing") as collection:
        put(collection, 2000)
        collection.optimize()
    monkeypatch.setenv("MMSEARCH_INDEX_KIND", "ivf-nonsense")
    with mmsearch.open("photos", home=home) as collection:
        assert collection.remove(*(path_of(number) for number in range(60))) == 60
        assert collection.status().index.removed == 0  # it was made anew
        assert collection.verify(repair=True) == []
        with pytest.raises(UsageError, match="ivf-nonsense"):
            collection.optimize(force=True)


# ---- refusals ----


@pytest.mark.parametrize(
    ("wishes", "reason"),
    [
        ({"asked": "ivf-nonsense"}, "no kind of index"),
        ({"asked": "PCA16,IVF16,Flat"}, "PCA"),
        ({"min_recall": 0.0}, "recall"),
        ({"min_recall": 1.01}, "recall"),
        ({"min_recall": float("nan")}, "recall"),
        ({"max_latency_ms": 0.0}, "latency"),
        ({"max_latency_ms": float("inf")}, "latency"),
        ({"max_memory": -1}, "memory"),
        ({"max_memory": 1000}, "at least 1 MiB"),
        ({"asked": "auto", "max_memory": 1 << 20}, "3,000 vectors fits into"),
        ({"asked": "IVF16,PQ64x12"}, "cannot be built of these vectors"),
    ],
)
def test_what_is_refused_changes_nothing(cells, wishes, reason):
    catalog = cells._storage.reading().catalog
    before = catalog.index_wishes(), catalog.generation()
    with pytest.raises(UsageError, match=reason) as refused:
        cells.optimize(**wishes)
    assert refused.value.remedy
    assert (catalog.index_wishes(), catalog.generation()) == before
    assert cells.verify() == []


def test_how_much_memory_would_do(cells):
    with pytest.raises(UsageError) as refused:
        cells.optimize(asked="auto", max_memory=1 << 20)
    assert refused.value.remedy == "Allow at least 3 MiB."
    assert cells.optimize(asked="auto", max_memory=3 << 20).kind == "flat"


def test_without_a_collection(home):
    with pytest.raises(CollectionNotFound):
        mmsearch.open("photos", home=home).optimize()


def test_another_builder_at_work(cells):
    with build_lock(cells.folder), pytest.raises(CollectionLocked, match="index"):
        cells.optimize(force=True)
