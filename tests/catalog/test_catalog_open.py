import os
import sqlite3
import subprocess
import sys

import pytest

from mmsearch.catalog.catalog import Catalog
from mmsearch.catalog.engine import brief_engine
from mmsearch.errors import (
    CollectionDamaged,
    CollectionExists,
    CollectionNotFound,
    StorageError,
)
from mmsearch.files import replacing


def test_a_new_catalog_is_empty_and_remembers_its_space(catalog, space):
    assert catalog.name() == "photos"
    assert catalog.space() == space
    assert catalog.revision() == 0
    assert catalog.next_row() == (1, 0)
    assert catalog.blocks() == ()
    assert catalog.generation() is None
    assert len(catalog.locations()) == 0
    assert catalog.check() == ()


def test_creating_leaves_one_file_and_never_replaces_one(catalog_path, space):
    Catalog.create(catalog_path, "photos", space).close()
    assert os.listdir(catalog_path.parent) == ["catalog.db"]
    with pytest.raises(CollectionExists):
        Catalog.create(catalog_path, "other", space)
    with Catalog.open(catalog_path, write=False) as catalog:
        assert catalog.name() == "photos"


def test_a_crash_while_creating_leaves_nothing_that_blocks(catalog_path, space, monkeypatch):
    def crash(_source, _target):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            Catalog.create(catalog_path, "photos", space)
    assert os.listdir(catalog_path.parent) == []
    with Catalog.create(catalog_path, "photos", space) as catalog:
        assert catalog.revision() == 0


def test_a_half_made_catalog_of_a_killed_process_is_made_anew(catalog_path, space):
    catalog_path.parent.mkdir()
    with pytest.raises(KeyboardInterrupt), replacing(catalog_path) as temporary:
        raise KeyboardInterrupt  # we are after the name that a killed process would leave behind
    with sqlite3.connect(temporary) as half:
        half.execute("CREATE TABLE spaces (junk)")
    half.close()
    temporary.with_name(temporary.name + "-wal").write_bytes(b"junk")
    with Catalog.create(catalog_path, "photos", space) as catalog:
        assert catalog.space() == space
        assert not list(catalog_path.parent.glob(".*"))


def test_opening_what_is_not_there(catalog_path):
    with pytest.raises(CollectionNotFound, match="mmsearch index"):
        Catalog.open(catalog_path, write=False)
    assert not catalog_path.parent.exists()


@pytest.mark.parametrize("content", [b"", b"not a database, but long enough to look at" * 100])
@pytest.mark.parametrize("write", [False, True])
def test_a_file_that_is_not_a_catalog(tmp_path, content, write):
    path = tmp_path / "catalog.db"
    path.write_bytes(content)
    with pytest.raises(CollectionDamaged, match="is not a catalog"):
        Catalog.open(path, write=write)
    assert path.read_bytes() == content


def test_another_sqlite_database_is_not_a_catalog(tmp_path):
    path = tmp_path / "catalog.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE bookmarks (url)")
    other.close()
    with pytest.raises(CollectionDamaged, match="holds no collection"):
        Catalog.open(path, write=False)


def test_damaged_pages_are_reported_not_raised_by_check(catalog, catalog_path, put):
    put("/photos/a.jpg")
    catalog.close()
    with sqlite3.connect(catalog_path) as direct:
        (page,) = direct.execute("SELECT rootpage FROM sqlite_master WHERE name = 'assets'").fetchone()
    direct.close()
    with open(catalog_path, "r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    with Catalog.open(catalog_path, write=False) as damaged:
        (problem,) = damaged.check()
        assert problem.what.startswith("SQLite reports")
        assert problem.where == str(catalog_path)
        with pytest.raises(CollectionDamaged, match="malformed"):
            damaged.find_assets("/photos")


def test_a_space_that_was_tampered_with(catalog, catalog_path):
    with sqlite3.connect(catalog_path) as direct:
        direct.execute("UPDATE spaces SET dim = 8")
    direct.close()
    with pytest.raises(CollectionDamaged, match="was changed"):
        catalog.space()


def test_a_full_disk_is_a_storage_error_and_changes_nothing(catalog, put, make_file):
    put("/photos/a.jpg")
    with pytest.raises(StorageError, match="full"):
        fill_up(catalog, make_file)
    assert catalog.counts().assets == 1
    assert catalog.revision() == 1


def fill_up(catalog, make_file):
    with catalog.write() as writer:
        pages = writer._connection.exec_driver_sql("PRAGMA page_count").scalar()
        writer._connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        for number in range(1000):
            writer.put_indexed([make_file(f"/photos/{number}.jpg")], vector_file=1, first_row=number)


def test_a_catalog_opened_for_reading_refuses_to_write(catalog, catalog_path):
    with (
        Catalog.open(catalog_path, write=False) as reader,
        pytest.raises(RuntimeError, match="reading only"),
        reader.write(),
    ):
        pass


def test_a_folder_that_cannot_be_written_is_searched_without_touching_it(catalog, catalog_path, put, monkeypatch):
    put("/photos/a.jpg")
    catalog.close()
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    with Catalog.open(catalog_path, write=False) as frozen:
        assert frozen.counts().assets == 1
        assert frozen.hits(frozen.locations().ids)[1].path == "/photos/a.jpg"
        assert os.listdir(catalog_path.parent) == ["catalog.db"]


def test_a_pending_log_is_read_even_where_nothing_can_be_written(catalog, catalog_path, put, monkeypatch):
    put("/photos/a.jpg")  # lies in the log while the writer has the file open
    assert catalog_path.with_name("catalog.db-wal").stat().st_size > 0
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    with Catalog.open(catalog_path, write=False) as reader:
        assert reader.counts().assets == 1


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_write_permission(catalog, catalog_path, put):
    put("/photos/a.jpg")
    catalog.close()
    catalog_path.parent.chmod(0o555)
    try:
        with Catalog.open(catalog_path, write=False) as frozen:
            assert frozen.counts().assets == 1
        with pytest.raises(StorageError):
            Catalog.open(catalog_path, write=True)
    finally:
        catalog_path.parent.chmod(0o755)


def test_a_folder_with_odd_characters(tmp_path, space):
    folder = tmp_path / "a?b#c%20d é"
    with Catalog.create(folder / "catalog.db", "odd", space) as catalog:
        assert catalog.name() == "odd"
    assert os.listdir(tmp_path) == [folder.name]


def test_settings_of_a_connection(catalog_path, catalog):
    with brief_engine(catalog_path, "read") as engine, engine.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}


def test_opening_a_current_catalog_imports_neither_alembic_nor_the_orm(catalog, catalog_path):
    script = (
        "import sys; from pathlib import Path; from mmsearch.catalog.catalog import Catalog\n"
        "with Catalog.open(Path(sys.argv[1]), write=True) as catalog: assert catalog.name() == 'photos'\n"
        "print([name for name in ('alembic', 'sqlalchemy.orm') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script, str(catalog_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
