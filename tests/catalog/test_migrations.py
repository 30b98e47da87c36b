import os
import sqlite3
from contextlib import closing

import alembic.command
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from mmsearch.catalog import migrate
from mmsearch.catalog.catalog import Catalog, Generation
from mmsearch.catalog.engine import brief_engine
from mmsearch.catalog.records import StoredHead, WordTerm
from mmsearch.catalog.tables import metadata
from mmsearch.errors import CollectionDamaged, CollectionError, SchemaTooNew
from mmsearch.files import blake2
from mmsearch.reports import IndexReport
from mmsearch.types import IndexFile

GENERATION = Generation(1, "flat", (IndexFile("ids.npy", 10, "0badcafe"), IndexFile("rows.npy", 20, "00")), 1, 9, "")


@pytest.fixture
def previous(tmp_path, space):
    """A catalog of revision 0001 with a file in it, as that version would have written it."""
    path = tmp_path / "catalog.db"
    path.touch()
    migrate.upgrade(path, "0001")
    with closing(sqlite3.connect(path)) as old, old:
        old.execute(
            "INSERT INTO spaces VALUES (?, 'hashing', 'r1', 'p1', 4, '2024-01-01T00:00:00+00:00')",
            [space.space_id],
        )
        old.execute("INSERT INTO collection VALUES (1, 'photos', '2024-01-01', ?, 7)", [space.space_id])
        old.execute(
            "INSERT INTO assets (id, path, modality, size_bytes, mtime_ns, content_hash, status, updated_at)"
            " VALUES (5, '/photos/a.jpg', 'image', 100, 1, 'aa', 'ready', '2024-01-01')"
        )
        old.execute("INSERT INTO segments (id, asset_id, ordinal, modality) VALUES (9, 5, 0, 'image')")
        old.execute("INSERT INTO vector_blocks VALUES (1, ?, 1, 0, 1, 'dd')", [space.space_id])
        old.execute("INSERT INTO vectors VALUES (9, ?, 1, 0)", [space.space_id])
    return path


def schema(path):
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    return {name: " ".join(sql.replace('"', "").split()) for name, sql in rows if sql}  # a remade table is quoted


def is_no_table_of_words(name, kind, _parents):
    """Virtual tables, and those that FTS5 keeps, are compared by `schema` alone."""
    return kind != "table" or not name.startswith(("segment_words", "word_counts"))


def test_head_is_the_newest_revision():
    config = Config()
    config.set_main_option("script_location", str(migrate.scripts_folder()))
    assert ScriptDirectory.from_config(config).get_current_head() == migrate.HEAD


def test_migrating_from_nothing_gives_the_tables_of_this_version(tmp_path, catalog, catalog_path):
    path = tmp_path / "empty.db"
    path.touch()
    migrate.upgrade(path)
    with brief_engine(path, "read") as engine, engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_no_table_of_words})
        assert compare_metadata(context, metadata) == []
    assert schema(path) == schema(catalog_path)


def test_a_writer_migrates_the_previous_schema_and_keeps_its_data(previous, space):
    with Catalog.open(previous, write=True) as catalog:
        assert migrate.stored_revision(previous) == migrate.HEAD
        assert catalog.space() == space
        assert catalog.revision() == 7
        assert catalog.hits(catalog.locations().ids)[9].path == "/photos/a.jpg"
        assert catalog.check() == ()
        with catalog.write() as writer:
            writer.finish_run(writer.begin_run(), IndexReport(added=1))
            writer.put_generation(GENERATION, removed_to=0)
        assert catalog.generation() == GENERATION
    assert os.listdir(previous.parent) == ["catalog.db"]


def test_a_catalog_without_tokens_and_rerankers_keeps_all_and_can_have_both(previous, space):
    migrate.upgrade(previous, "0004")
    with closing(sqlite3.connect(previous)) as old, old:
        old.execute(
            "INSERT INTO heads VALUES (1, ?, 1, 'image', x'01', ?, '{}', '2024-01-01', NULL)",
            [space.space_id, blake2(b"\x01")],
        )
        old.execute(
            "INSERT INTO query_banks VALUES (1, ?, x'02', ?, '{}', '', NULL)", [space.space_id, blake2(b"\x02")]
        )
        old.execute("INSERT INTO fields VALUES (1, 5, '/photos/a.jpg', 'place', 0, 'harbour', NULL)")
    with Catalog.open(previous, write=True) as catalog:
        assert (catalog.space(), catalog.revision(), catalog.check()) == (space, 7, ())
        assert catalog.heads() == (StoredHead("image", 1, b"\x01"),)
        assert catalog.banks() == b"\x02"
        assert catalog.fields_of(["/photos/a.jpg"]) == {"/photos/a.jpg": {"place": "harbour"}}
        assert catalog.find_words([WordTerm((("jpg",),))]).ids.tolist() == [9]
        assert (catalog.token_revision(), catalog.next_token_row()) == ("", (1, 0))
        assert (catalog.without_tokens().tolist(), catalog.reranker()) == ([5], None)
        with catalog.write() as writer:
            writer.keep_tokens("r1")
            writer.put_reranker(b"weights", {})
        assert (catalog.token_revision(), catalog.reranker_version()) == ("r1", 1)


def test_an_index_of_one_file_is_forgotten_and_removals_are_noted_from_then_on(previous, space):
    migrate.upgrade(previous, "0005")
    with closing(sqlite3.connect(previous)) as old, old:
        old.execute("INSERT INTO generations VALUES (?, 3, 'flat', '3.flat', 9, 'dd', 1, 7, '2024')", [space.space_id])
    with Catalog.open(previous, write=True) as catalog:
        assert (catalog.generation(), catalog.referenced_files().generations) == (None, frozenset())
        assert (catalog.index_wishes(), catalog.edition(), catalog.revision()) == ("", 0, 7)
        assert (catalog.space(), catalog.check(), catalog.last_id()) == (space, (), 9)
        with catalog.write() as writer:
            writer.put_generation(GENERATION, removed_to=0)
            writer.remove_assets([5])
        assert (catalog.generation(), catalog.change_counts(GENERATION)) == (GENERATION, (0, 1))
        assert catalog.removed_since(0)[0].tolist() == [9]


def test_a_reader_does_not_migrate_but_says_what_to_do(previous):
    with pytest.raises(CollectionError, match="mmsearch verify"):
        Catalog.open(previous, write=False)
    assert migrate.stored_revision(previous) == "0001"


def test_a_newer_schema_is_left_alone(catalog, catalog_path):
    catalog.close()
    with closing(sqlite3.connect(catalog_path)) as direct, direct:
        direct.execute("UPDATE alembic_version SET version_num = '0099'")
    for write in (False, True):
        with pytest.raises(SchemaTooNew, match="Upgrade mmsearch"):
            Catalog.open(catalog_path, write=write)


def test_the_copy_of_a_killed_migration_is_in_nobody_s_way(previous):
    previous.with_name(".catalog.db.before-migration").write_bytes(b"half a copy" * 1000)
    with Catalog.open(previous, write=True) as catalog:
        assert catalog.revision() == 7
    assert os.listdir(previous.parent) == ["catalog.db"]


def test_a_migration_that_fails_leaves_the_file_as_it_was(previous, monkeypatch):
    before = schema(previous)

    def fail(config, _revision):
        connection = config.attributes["connection"]
        connection.exec_driver_sql("DROP TABLE vectors")
        connection.exec_driver_sql("COMMIT")  # the worst case: a revision that commits on its own
        connection.exec_driver_sql("BEGIN")
        raise sa.exc.InvalidRequestError("no")

    monkeypatch.setattr(alembic.command, "upgrade", fail)
    with pytest.raises(sa.exc.InvalidRequestError):
        Catalog.open(previous, write=True)
    assert schema(previous) == before
    assert os.listdir(previous.parent) == ["catalog.db"]
    monkeypatch.undo()
    with Catalog.open(previous, write=True) as catalog:
        assert len(catalog.locations()) == 1


def test_a_migration_that_breaks_references_is_undone(previous, monkeypatch):
    monkeypatch.setattr(
        alembic.command,
        "upgrade",
        lambda config, _revision: config.attributes["connection"].exec_driver_sql("DELETE FROM assets"),
    )
    with pytest.raises(CollectionError, match="segments"):
        Catalog.open(previous, write=True)
    assert migrate.stored_revision(previous) == "0001"
    with closing(sqlite3.connect(previous)) as connection:
        assert connection.execute("SELECT count(*) FROM assets").fetchone() == (1,)


def test_an_installed_package_brings_its_own_revisions(tmp_path, monkeypatch):
    package = tmp_path / "site-packages" / "mmsearch"
    package.mkdir(parents=True)
    monkeypatch.setattr(migrate, "_PACKAGE", package)
    assert migrate.scripts_folder() == tmp_path / "site-packages" / "migrations"
    (package / "migrations").mkdir()
    assert migrate.scripts_folder() == package / "migrations"


def test_a_migrated_file_without_a_collection_is_damaged(tmp_path):
    path = tmp_path / "catalog.db"
    path.touch()
    migrate.upgrade(path)
    with (
        Catalog.open(path, write=False) as catalog,
        pytest.raises(CollectionDamaged, match="no embedding space"),
    ):
        catalog.space()
