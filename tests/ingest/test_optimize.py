"""When an index is folded and built, and what that reads: counted, not timed."""

import json
from dataclasses import replace
from threading import Event, Thread

import numpy as np
import pytest
from made_heads import install, make_head
from made_vectors import PER_FILE, path_of, put, rows

import mmsearch
from mmsearch.adapt.stored import stored_vectors
from mmsearch.errors import CollectionDamaged, CollectionLocked, StorageError
from mmsearch.ingest import due, index_content, index_plan, make_generation, optimize
from mmsearch.ingest.build_lock import build_lock
from mmsearch.ingest.index_build import BuiltContent
from mmsearch.ingest.index_content import FlatContent, FoldedContent
from mmsearch.jobs import index_job
from mmsearch.vectors.ann import tune
from mmsearch.vectors.plan import IndexDetails, IndexWishes, Measured, Recipe
from mmsearch.vectors.store import VectorStore

IVF = "IVF16,Flat"
TUNE = tune.tune


@pytest.fixture
def sizes(monkeypatch):
    """The policy in small: a scan up to 1,000 vectors, then cells; a tail of 200 is folded in; nothing is measured."""
    monkeypatch.setattr(due, "FLAT_CHANGES", 100)
    monkeypatch.setattr(due, "FOLD_TAIL", 200)

    def choose(count, dim, wishes, *, memory_bytes):
        return (Recipe("ivf-flat", IVF) if count >= 1000 else Recipe("flat"),)

    monkeypatch.setattr("mmsearch.vectors.ann.choose.choose", choose)
    monkeypatch.setattr("mmsearch.vectors.ann.tune.tune", tuned_to(1.0))


def tuned_to(recall):
    def tune(index, queries, source, wishes):
        measured = Measured(recall, 0.9, 1.0, 5.0, len(queries), source)
        return IndexDetails(index.details.recipe, trained_on=index.details.trained_on, measured=measured)

    return tune


@pytest.fixture
def measuring(sizes, monkeypatch):
    monkeypatch.setattr("mmsearch.vectors.ann.tune.tune", TUNE)


@pytest.fixture
def done(monkeypatch):
    """What is written, in order."""
    steps = []
    for kind in (FlatContent, FoldedContent, BuiltContent):
        write = kind.write

        def counted(self, folder, write=write, name=kind.__name__):
            steps.append(name.removesuffix("Content").lower())
            return write(self, folder)

        monkeypatch.setattr(kind, "write", counted)
    return steps


@pytest.fixture
def gathered(monkeypatch):
    """How many rows are read from the files of vectors."""
    gather, counts = VectorStore.gather, []
    monkeypatch.setattr(
        VectorStore, "gather", lambda self, files, rows: counts.append(len(rows)) or gather(self, files, rows)
    )
    return counts


@pytest.fixture
def made(collection, folder):
    (folder / "note.txt").write_text("a note")
    collection.index(folder)
    return collection


def job_of(collection, **options):
    storage = collection._storage
    return index_job(collection._config, storage, storage.reading(), storage.committing, **options)


def run(collection, **options):
    return optimize.optimize(job_of(collection), **options)


def newest(collection):
    return collection._storage.reading().catalog.generation()


def found(collection, query, k=10):
    return [(hit.id, pytest.approx(hit.score, abs=1e-6)) for hit in collection.search(vector=query, k=k, group=False)]


def best(collection, query, k=10):
    """Brute force."""
    shelves = collection._storage.reading()
    ids, vectors = stored_vectors(shelves.catalog, shelves.store)
    scores = vectors @ query
    order = np.lexsort((ids, -scores))[:k]
    return [int(id_) for id_ in ids[order]]


def test_steps_of_a_growing_collection(made, sizes, done, gathered):
    put(made, 500, first=0)
    assert run(made) == 1
    put(made, 80, first=100)
    assert run(made) == 0
    put(made, 900, first=200)
    gathered.clear()
    assert run(made) == 1  # the kind changes with the size
    assert done == ["flat", "built"]
    assert sum(gathered) == 1481
    assert newest(made).kind == "ivf-flat"
    gathered.clear()
    put(made, 180, first=300)
    assert run(made) == 0
    assert sum(gathered) == 0
    put(made, 60, first=400)
    assert run(made) == 1
    assert sum(gathered) == 240  # the tail alone
    assert newest(made).vectors == 1721
    put(made, 4300, first=500)  # four times what it was trained on
    assert run(made) == 1
    assert done == ["flat", "built", "folded", "built"]
    assert made.status().index.trained_on == 6021


def test_many_deletions_build_it_anew(made, sizes, done):
    put(made, 2000)
    run(made)
    done.clear()
    made.remove(*(path_of(number) for number in range(19)))  # 380 of 2001
    assert done == []
    status = made.status().index
    assert (status.vectors, status.removed, status.tail) == (1621, 380, 0)
    made.remove(*(path_of(number) for number in range(19, 23)))
    assert done == ["built"]
    assert (newest(made).kind, newest(made).vectors) == ("ivf-flat", 1541)


def test_rows_that_a_fold_leaves_in_the_files_count_as_gone(made, sizes, done):
    put(made, 2000)
    run(made)
    made.remove(*(path_of(number) for number in range(10)))
    put(made, 400, first=200)
    run(made)
    assert done[-1] == "folded"
    assert newest(made).vectors == 2401
    status = made.status().index
    assert (status.vectors, status.removed, status.tail) == (2201, 200, 0)
    made.remove(path_of(200))
    status = made.status().index
    assert (status.vectors, status.removed, status.tail) == (2181, 220, 0)


def test_what_came_and_went_between_is_not_counted_as_gone(made, sizes):
    put(made, 2000)
    run(made)
    put(made, 100, first=200)
    made.remove(*(path_of(number) for number in range(200, 205)))
    status = made.status().index
    assert (status.vectors, status.removed, status.tail) == (2001, 0, 0)


def test_what_comes_and_goes_again_and_again_is_not_listed_for_ever(made, sizes, done):
    for first in range(0, 100, 10):
        put(made, 80, first=first)
        made.remove(*(path_of(number) for number in range(first, first + 4)))
        assert made._storage.reading().catalog.removals() <= 100
    assert done == ["flat"] * len(done) != []


def test_a_long_tail_is_folded_in_parts(made, sizes, done, monkeypatch):
    monkeypatch.setattr(index_content, "FOLD_ROWS", 300)
    put(made, 2000)
    run(made)
    done.clear()
    put(made, 1000, first=200)
    assert run(made) == 3
    assert done == ["folded"] * 3
    status = made.status().index
    assert (status.vectors, status.tail) == (3001, 100)


def test_searches_find_the_same_at_each_step(made, sizes):
    query = rows(1, seed=7)[0]
    for first in (0, 100, 200, 300):
        put(made, 900 if first == 100 else 300, first=first)
        assert [id_ for id_, _ in found(made, query)] == best(made, query)
        run(made)
        assert [id_ for id_, _ in found(made, query)] == best(made, query)
        made.remove(path_of(first))
        assert [id_ for id_, _ in found(made, query)] == best(made, query)


def test_heads_make_it_anew(made, sizes, done):
    put(made, 2000)
    run(made)
    done.clear()
    install(made, make_head("image"))
    assert not made.status().index.fresh
    assert run(made) == 1
    assert done == ["built"]
    assert made.status().index.fresh
    assert newest(made).basis == "image:1"
    made.undo_adapt()
    assert done == ["built", "built"]
    assert made.status().index.fresh


def test_a_damaged_index_is_not_folded_but_built(made, sizes, done):
    put(made, 2000)
    run(made)
    done.clear()
    (rows_file,) = made.folder.rglob("structure.faiss")
    rows_file.write_bytes(rows_file.read_bytes()[:-1])
    put(made, 300, first=200)
    assert run(made) == 1
    assert done == ["built"]
    assert made.verify() == []


def test_without_its_details_it_is_built_anew(made, sizes, done):
    put(made, 2000)
    run(made)
    (details,) = made.folder.rglob("index.json")
    details.write_text("{")
    assert run(made) == 1
    assert done == ["built", "built"]


# ---- beside others ----


def test_one_builder_at_a_time(made, sizes, done):
    put(made, 2000)
    with build_lock(made.folder) as mine:
        assert mine
        with build_lock(made.folder) as second:
            assert not second
        with pytest.raises(CollectionLocked, match="another process"):
            run(made)
        optimize.keep_up(job_of(made))  # is quiet
        put(made, 20, first=200)
        made.remove(path_of(0))
    assert done == []
    assert run(made) == 1


def test_a_writer_may_work_while_an_index_is_built(made, sizes, done, monkeypatch):
    """Another thread removes and adds files, and cleans up, between the files being written and the commit."""
    put(made, 2000)
    describe, building, went_on = type(made._storage.reading().generations).describe, Event(), Event()

    def slow(self, *args, **options):
        building.set()
        assert went_on.wait(20)
        return describe(self, *args, **options)

    monkeypatch.setattr(type(made._storage.reading().generations), "describe", slow)
    builder = Thread(target=run, args=(made,))
    builder.start()
    assert building.wait(20)
    monkeypatch.undo()
    made.remove(path_of(0))
    put(made, 40, first=200)
    went_on.set()
    builder.join()
    status = made.status().index
    assert (status.kind, status.vectors, status.removed, status.tail, status.fresh) == ("ivf-flat", 2021, 20, 40, True)
    query = rows(1, seed=7)[0]
    assert [id_ for id_, _ in found(made, query)] == best(made, query)


def test_it_is_made_again_if_heads_come_meanwhile(made, sizes, done, monkeypatch):
    put(made, 2000)
    put_in_use, heads = make_generation._put, [make_head("image"), make_head("image", seed=1)]

    def late(job, state, made_):
        if heads:
            install(made, heads.pop())
        return put_in_use(job, state, made_)

    monkeypatch.setattr(make_generation, "_put", late)
    assert run(made) == 1
    assert done == ["built"] * 3
    assert newest(made).basis == "image:2"
    assert made.verify() == []
    assert len(list((made.folder / "spaces").rglob("index.json"))) == 1


def test_it_gives_up_if_that_goes_on(made, sizes, done, monkeypatch):
    put(made, 2000)
    monkeypatch.setattr(make_generation, "_put", lambda *_: False)
    before = newest(made)
    with pytest.raises(CollectionLocked, match="changed each time"):
        run(made, force=True)
    assert done == ["built"] * optimize.MOST_TRIES
    assert newest(made) == before


def test_vectors_that_are_compacted_meanwhile_are_read_again(made, sizes, done, monkeypatch):
    put(made, 2000)
    write, compacted = BuiltContent.write, []

    def late(self, folder):
        if not compacted:
            compacted.append(True)
            with made._storage.writing() as shelves, shelves.catalog.write() as writer:
                writer.remove_assets([1])
            raise CollectionDamaged("a file of vectors has gone")
        return write(self, folder)

    monkeypatch.setattr(BuiltContent, "write", late)
    assert run(made) == 1
    assert made.status().index.vectors == 2000


def test_damaged_vectors_are_an_error(made, sizes, monkeypatch):
    put(made, 2000)

    def damaged(self, folder):
        raise CollectionDamaged("a file of vectors has gone")

    monkeypatch.setattr(BuiltContent, "write", damaged)
    with pytest.raises(CollectionDamaged):
        run(made)


def test_a_commit_waits_for_a_writer(made, sizes, monkeypatch):
    put(made, 2000)
    put_in_use, times = make_generation._put, []

    def locked(*args):
        times.append(1)
        if len(times) < 3:
            raise CollectionLocked("busy")
        return put_in_use(*args)

    monkeypatch.setattr(make_generation, "_put", locked)
    assert run(made) == 1
    monkeypatch.setattr(make_generation, "COMMIT_PATIENCE_S", 0.0)
    times.clear()
    with pytest.raises(CollectionLocked):
        run(made, force=True)


def test_one_state_is_not_built_twice(made, sizes, done, monkeypatch):
    put(made, 2000)
    monkeypatch.setattr("mmsearch.ingest.index_job.due", lambda *_: "build")
    assert run(made) == 1
    assert done == ["built"]


# ---- during a run ----


def test_a_long_run_publishes_now_and_then(home, folder, encoder, monkeypatch):
    monkeypatch.setattr("mmsearch.ingest.flow.GROWN_SEGMENTS", 3)
    monkeypatch.setenv("MMSEARCH_INGEST_BATCH_FILES", "1")
    counts = []
    monkeypatch.setattr("mmsearch.jobs.keep_up", lambda job: counts.append(job.standing().count))
    for number in range(7):
        (folder / f"{number}.txt").write_text(f"note {number}")
    with mmsearch.open("photos", home=home, model=encoder) as collection:
        collection.index(folder)
        assert counts == [3, 6]
        (folder / "more.txt").write_text("\n\n".join(f"{'word ' * 200}{number}" for number in range(9)))
        collection.index(folder, optimize=False)
    assert counts == [3, 6]


def test_an_index_is_made_within_a_run(made, folder, sizes, done, monkeypatch):
    put(made, 2000)
    monkeypatch.setattr("mmsearch.ingest.flow.GROWN_SEGMENTS", 1)
    write = BuiltContent.write
    within = []

    def noted(self, folder):
        with pytest.raises(CollectionLocked), made._storage.writing():
            pass
        within.append(True)
        return write(self, folder)

    monkeypatch.setattr(BuiltContent, "write", noted)
    (folder / "more.txt").write_text("another note")
    made.index(folder)
    assert within == [True]
    assert (made.status().index.kind, made.status().index.vectors) == ("ivf-flat", 2002)


@pytest.mark.parametrize("error", [StorageError("The disk is full."), CollectionDamaged("Rows are damaged.")])
@pytest.mark.parametrize("grown", [1, 50_000])
def test_an_index_that_cannot_be_made_ends_no_run(made, folder, sizes, monkeypatch, error, grown):
    put(made, 2000)
    monkeypatch.setattr("mmsearch.ingest.flow.GROWN_SEGMENTS", grown)

    def fails(self, folder):
        raise error

    monkeypatch.setattr(BuiltContent, "write", fails)
    (folder / "more.txt").write_text("another note")
    report = made.index(folder)
    assert report.added == 1
    (notice,) = report.notices
    assert notice.startswith(
        f"The index could not be brought up to date, so that searches may be slower: {error.message}"
    )
    with pytest.raises(type(error)):
        run(made)


def test_neither_does_a_small_one(made, folder, monkeypatch):
    def fails(self, folder):
        raise StorageError("The disk is full.")

    monkeypatch.setattr(due, "FLAT_CHANGES", 0)
    monkeypatch.setattr(FlatContent, "write", fails)
    (folder / "more.txt").write_text("another note")
    report = made.index(folder)
    assert report.added == 1
    assert ["disk is full" in notice for notice in report.notices] == [True]


# ---- measuring ----


def test_a_kind_that_is_not_as_wished_gives_way_to_the_next(made, sizes, done, monkeypatch):
    recipes = (Recipe("ivf-flat", IVF), Recipe("hnsw", "HNSW8,Flat"))
    monkeypatch.setattr("mmsearch.vectors.ann.choose.choose", lambda *_, **__: recipes)
    monkeypatch.setattr("mmsearch.vectors.ann.tune.tune", tuned_to(0.5))
    put(made, 2000)
    run(made)
    status = made.status().index
    assert (status.kind, status.recall) == ("hnsw", 0.5)  # the last one is taken as it is
    assert status.note.startswith("IVF16,Flat found only 0.500 of the nearest 10.")
    assert run(made) == 0  # and is not tried again
    assert len(list((made.folder / "spaces").rglob("index.json"))) == 1


def test_what_cannot_be_built_gives_way_too(made, sizes, monkeypatch):
    recipes = (Recipe("ivf-flat", "IVF4096,Flat"), Recipe("faiss-flat"))
    monkeypatch.setattr("mmsearch.vectors.ann.choose.choose", lambda *_, **__: recipes)
    put(made, 2000)
    run(made)
    assert made.status().index.kind == "faiss-flat"
    assert made.verify() == []


def test_texts_measure_it(made, measuring):
    put(made, 2000)
    run(made)
    status = made.status().index
    assert status.recall >= 0.98
    assert status.recall_100 > 0
    assert status.flat_latency_ms > 0
    assert "disturbed" not in status.tuned_with


@pytest.mark.parametrize("trouble", ["raises", "no texts", "none"])
def test_stored_vectors_measure_it_if_texts_cannot(made, measuring, monkeypatch, trouble):
    put(made, 2000)

    def fails(*_):
        raise ValueError("the weights\nare gone " * 10_000)

    if trouble == "raises":
        monkeypatch.setattr(made._storage._encoder, "encode_texts", fails)
    elif trouble == "none":
        monkeypatch.setattr(
            "mmsearch.ingest.tuning_queries.tuning_queries", lambda *_: (np.empty((0, 64), dtype=np.float32), "")
        )
    else:
        spec = made._storage._encoder.spec
        changed = type("Blind", (), {"spec": type("Spec", (), {"modalities": spec.modalities - {"text"}})})
        monkeypatch.setattr(made._storage, "encoder", changed)
    run(made)
    status = made.status().index
    assert status.recall >= 0.98
    assert "disturbed" in status.tuned_with
    assert "measure with" in status.note
    assert len(status.note) < 500
    assert "\n" not in status.note


@pytest.mark.parametrize(
    ("recall", "ms", "says"),
    [(0.9796, 6.0, "finds 0.9796 of the nearest 10, less than the 0.98"), (0.99, 5.0, "no less time than a scan")],
)
def test_what_is_nearly_as_wished_is_told(made, sizes, monkeypatch, recall, ms, says):
    def tune(index, *_):
        return replace(index.details, measured=Measured(recall, 0.9, ms, 5.0, 30, "log"))

    monkeypatch.setattr("mmsearch.vectors.ann.tune.tune", tune)
    put(made, 2000)
    run(made)
    assert says in made.status().index.note


def test_the_model_is_not_loaded_when_nothing_is_built(made, sizes, monkeypatch):
    put(made, 2000)
    run(made)
    monkeypatch.setattr(made._storage, "encoder", None)  # cannot be called
    put(made, 300, first=200)
    assert run(made) == 1


# ---- wishes ----


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 9000,
        '{"asked": "hnsw"}',
        '{"asked": "x", "max_memory_bytes": 1e999, "max_latency_ms": 1, "min_recall": 1}',
        json.dumps({"asked": "x", "max_memory_bytes": -1, "max_latency_ms": 1, "min_recall": 0.5}),
        json.dumps({"asked": "x", "max_memory_bytes": 1, "max_latency_ms": float("nan"), "min_recall": 0.5}),
        json.dumps({"asked": "x", "max_memory_bytes": 1, "max_latency_ms": 1, "min_recall": 2}),
        json.dumps({"asked": "x", "max_memory_bytes": [], "max_latency_ms": 1, "min_recall": 1}),
    ],
)
def test_wishes_that_cannot_be_read_are_none(made, text):
    usual = IndexWishes(min_recall=0.7)
    with made._storage.writing() as shelves, shelves.catalog.write() as writer:
        writer.set_index_wishes(text)
    assert index_plan.wishes_of(made._storage.reading().catalog, usual) == usual


def test_wishes_come_back(made):
    wishes = IndexWishes("IVF16,Flat", 5 << 30, 2.5, 0.9)
    with made._storage.writing() as shelves, shelves.catalog.write() as writer:
        writer.set_index_wishes(index_plan.to_json(wishes))
    assert index_plan.wishes_of(made._storage.reading().catalog, IndexWishes()) == wishes


def test_per_file_is_what_these_tests_count_with():
    assert PER_FILE == 20
