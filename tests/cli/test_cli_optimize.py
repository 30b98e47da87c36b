import json
import sqlite3
from contextlib import closing

import pytest
from made_vectors import put

import mmsearch
from mmsearch.catalog import migrate
from mmsearch.cli import progress as progress_module
from mmsearch.cli.progress import ProgressLines, progress_shown
from mmsearch.cli.status import index_line
from mmsearch.errors import StorageError
from mmsearch.registry import make_encoder
from mmsearch.reports import IndexProgress, IndexStatus

BIG = IndexStatus(
    kind="ivf-pq",
    size_bytes=928 << 20,
    vectors=1_000_000,
    fresh=True,
    tail=1204,
    removed=17,
    factory="IVF4096,PQ192x4fsr",
    probes=90,
    candidates=300,
    recall=0.98599,
    recall_100=0.97,
    latency_ms=0.71,
    flat_latency_ms=60.04,
    bytes_per_vector=885,
    trained_on=1_000_000,
    tuned_with="150 queries (log, bank)",
)


@pytest.fixture(autouse=True)
def few_queries(monkeypatch):
    """Measure quickly."""
    monkeypatch.setattr("mmsearch.vectors.ann.tune.MOST_QUERIES", 30)


@pytest.fixture
def many(home):
    with mmsearch.create("default", home=home, model="hashing") as collection:
        put(collection, 1500)
    return home


def test_nothing_to_do(cli, own):
    ran = cli("optimize", terminal=True)
    assert ran.exit_code == 0
    assert "flat" in ran.stdout
    assert "8" in ran.stdout
    assert ran.stderr == "There was nothing to do.\n"
    assert cli("optimize", "--quiet", terminal=True).stderr == ""
    ran = cli("optimize", "--min-recall", "0.9", terminal=True)
    assert ran.stderr == "There was nothing to do. What you asked for is kept for later.\n"


def test_json(cli, own):
    (index,) = cli("optimize").objects
    assert (index["kind"], index["vectors"], index["recall"], index["changed"]) == ("flat", 8, None, False)
    (index,) = cli("optimize", "--force").objects
    assert index["changed"]


def test_a_kind_is_built_and_shown(cli, many):
    shown = cli("optimize", "--index", "ivf-sq8", "--max-latency-ms", "20", "--max-memory", "1G", terminal=True).stdout
    for piece in ("ivf-sq8 (IVF", "1,500", "bytes a vector", "of the nearest 10", "of the nearest 100", "ms a search"):
        assert piece in shown
    (index,) = cli("optimize").objects
    assert (index["kind"], index["changed"]) == ("ivf-sq8", False)
    (status,) = cli("status").objects
    assert status["index"] | {"changed": False} == index
    assert f"ivf-sq8 ({index['factory']}), 1,500 vectors" in cli("status", terminal=True).stdout
    (index,) = cli("optimize", "--index", "auto").objects
    assert (index["kind"], index["changed"]) == ("flat", True)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--index", "ivf"), "ivf-pq"),
        (("--min-recall", "0"), "0.95"),
        (("--min-recall", "98"), "0.95"),
        (("--max-latency-ms", "-1"), "above 0"),
        (("--max-memory", "much"), "500M"),
        (("--max-memory", "1K"), "at least 1 MiB"),
    ],
)
def test_bad_values(cli, own, args, says):
    ran = cli("optimize", *args)
    assert ran.exit_code == 2
    assert ran.stdout == ""
    assert says in ran.stderr


def test_what_is_asked_for_is_shown(cli, own):
    assert "asked for" not in cli("optimize", terminal=True).stdout
    shown = cli("optimize", "--index", "hnsw", "--max-memory", "1G", "--min-recall", "0.9", terminal=True).stdout
    assert "hnsw, at most 1.0 GiB of memory, recall of at least 0.9" in shown
    assert "hnsw, at most 1.0 GiB of memory, recall of at least 0.9" in cli("status", terminal=True).stdout
    assert cli("status").objects[0]["index"]["asked"] == "hnsw"
    usual = ("--index", "auto", "--max-memory", "0", "--max-latency-ms", "10", "--min-recall", "0.98")
    assert "asked for" not in cli("optimize", *usual, terminal=True).stdout


@pytest.fixture
def older(home):
    """An empty collection as revision 0001 left it."""
    space = make_encoder("hashing").spec.space
    path = home / "default" / "catalog.db"
    path.parent.mkdir(parents=True)
    path.touch()
    migrate.upgrade(path, "0001")
    with closing(sqlite3.connect(path)) as old, old:
        row = [space.space_id, space.model, space.revision, space.preprocessing, space.dim, "2024-01-01"]
        old.execute("INSERT INTO spaces VALUES (?, ?, ?, ?, ?, ?)", row)
        old.execute("INSERT INTO collection VALUES (1, 'default', '2024-01-01', ?, 7)", [space.space_id])
    return path


def test_an_older_collection_is_brought_up_to_date(cli, older):
    assert "`mmsearch optimize`" in cli("status").stderr
    (index,) = cli("optimize").objects
    assert (index["kind"], index["fresh"], index["changed"]) == ("flat", True, True)
    assert migrate.stored_revision(older) == migrate.HEAD


def test_an_index_that_cannot_be_made_is_told(cli, own, media, monkeypatch):
    def fails(job):
        raise StorageError("The disk is full.")

    monkeypatch.setattr("mmsearch.ingest.optimize.optimize", fails)
    ran = cli("index", media, "--workers", "1")
    assert ran.exit_code == 0
    assert ran.objects[0]["unchanged"]
    assert "The index could not be brought up to date" in ran.stderr
    assert "The disk is full." in ran.stderr


def test_a_missing_collection(cli, home):
    assert cli("optimize").exit_code == 3


def test_index_can_do_without(cli, own, media, monkeypatch):
    calls = []
    monkeypatch.setattr("mmsearch.ingest.optimize.optimize", lambda job: calls.append(job))
    assert cli("index", media, "--no-optimize", "--workers", "1").exit_code == 0
    assert calls == []
    assert cli("index", media, "--workers", "1").exit_code == 0
    assert len(calls) == 1


def test_the_settings_are_shown(cli, home, monkeypatch):
    monkeypatch.setenv("MMSEARCH_INDEX_KIND", "hnsw")
    settings = {setting["name"]: setting for setting in cli("config", "show").objects}
    assert (settings["index.kind"]["value"], settings["index.kind"]["source"]) == ("hnsw", "environment")
    assert settings["index.max_memory_bytes"]["value"] == 0
    assert settings["index.max_memory_bytes"]["in_effect"] > 1 << 20
    assert settings["index.min_recall"]["in_effect"] == 0.98


def test_the_line_of_status():
    assert index_line(BIG) == (
        "ivf-pq (IVF4096,PQ192x4fsr), 1,000,000 vectors, 928.0 MiB; recall .985 of the nearest 10 on 150 queries "
        "(log, bank), 0.7 ms (scan: 60.0 ms); 1,204 new since, 17 removed"
    )
    assert index_line(IndexStatus("flat", 2048, 1, fresh=True)) == "flat, 1 vector, 2.0 KiB"
    stale = index_line(IndexStatus("flat", 2048, 2, fresh=False))
    assert stale.endswith("; not for the vectors as they are now; searches do without it")
    assert index_line(IndexStatus("none", 0, 7, fresh=False, tail=7)) == "none yet; searches compare all 7 vectors"


def test_status_shows_the_note(cli, own, monkeypatch):
    found = mmsearch.open("default", home=own).status()
    noted = type(found)(**{name: getattr(found, name) for name in found.__slots__} | {"index": NOTED})
    monkeypatch.setattr("mmsearch.collection.reading.Reading.status", lambda self: noted)
    assert "It takes 5 MiB" in cli("status", terminal=True).stdout
    assert json.loads(cli("status").stdout)["index"]["note"] == NOTED.note


NOTED = IndexStatus("hnsw", 10, 10, fresh=True, note="It takes 5 MiB more than it may.")


def test_progress_lines_name_the_stage(capsys):
    lines = ProgressLines(every_s=0)
    lines(IndexProgress(0, 0, stage="measure"))
    lines(IndexProgress(65_536, 1_000_000, stage="add"))
    lines(IndexProgress(10, 100))
    first, second = capsys.readouterr().err.splitlines()
    assert first == "Building the index: 65,536 of 1,000,000 vectors"
    assert second.startswith("10 of 100 files")


def test_the_bar_changes_with_the_stage(monkeypatch, capsys):
    monkeypatch.setattr(progress_module.sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with progress_shown(quiet=False) as on_progress:
        for stage in ("", "fold", "rows", "train", "add", "measure", ""):
            on_progress(IndexProgress(5, 10, stage=stage))
    shown = capsys.readouterr().err
    assert "Indexing" in shown
