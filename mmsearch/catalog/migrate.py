"""The schema's revision: checked by plain SQL at every opening, changed by Alembic when that is needed."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import sqlalchemy as sa

from mmsearch.catalog import lexical
from mmsearch.catalog.engine import brief_engine, damaged, own_errors, transaction
from mmsearch.catalog.tables import metadata
from mmsearch.errors import CollectionError, SchemaTooNew
from mmsearch.files import storage_errors

HEAD = "0006"  # the newest revision in migrations/versions; revisions are numbered

_PACKAGE = Path(__file__).parents[1]
_version = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def create_schema(connection: sa.Connection) -> None:
    """Make the tables of the newest revision: the same as migrating from nothing, without Alembic."""
    metadata.create_all(connection)
    _version.create(connection)
    connection.execute(_version.insert().values(version_num=HEAD))


def require_head(path: Path, *, write: bool) -> None:
    """See that the schema is the one that this version knows; a writer migrates an older one.

    Raises:
        CollectionDamaged: It is not a catalog.
        CollectionError: It is older, and opened for reading.
        SchemaTooNew: It is newer.
    """
    revision = stored_revision(path)
    if revision is None:
        raise damaged(path, "it holds no collection")
    if revision > HEAD:
        raise SchemaTooNew(f"{path} was written by a newer version of mmsearch.")
    if revision < HEAD and not write:
        raise CollectionError(
            f"{path} was written by an older version of mmsearch.",
            remedy="Run `mmsearch verify` once to bring it up to date; `mmsearch index` and `mmsearch optimize` make "
            "its index anew.",
        )
    if revision < HEAD:
        upgrade(path)


def stored_revision(path: Path) -> str | None:
    """Return the revision of a catalog; None if the file is not one. Nothing is written to it."""
    with brief_engine(path, "read") as engine, engine.connect() as connection:
        if not sa.inspect(connection).has_table(_version.name):
            return None
        return connection.execute(sa.select(_version.c.version_num)).scalar()


def upgrade(path: Path, revision: str = HEAD) -> None:
    """Migrate a catalog file, which nobody else may be writing to.

    Guarantees: done whole or not at all. Each migration is one transaction, which a crash undoes;
    a copy of the file is put back if a revision fails that committed on its own.
    """
    # Foreign keys are off, as remaking a table would cascade.
    with _kept_copy(path), brief_engine(path, "write", foreign_keys=False) as engine:
        _run_alembic(engine, revision)


def scripts_folder() -> Path:
    """Find `migrations/`: within the installed package, or beside it in a checkout."""
    installed = _PACKAGE / "migrations"
    return installed if installed.is_dir() else _PACKAGE.parent / "migrations"


def _run_alembic(engine: sa.Engine, revision: str) -> None:
    # Not at the top: this import takes longer than a search.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(scripts_folder()).replace("%", "%%"))
    with engine.connect() as connection, transaction(connection, write=True):
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        if dangling := connection.exec_driver_sql("PRAGMA foreign_key_check").first():
            raise CollectionError(f"Migrating left {dangling[0]} with references to nothing.")
        if revision == HEAD:  # the schema is the one that the live code knows
            lexical.rebuild(connection)


@contextmanager
def _kept_copy(path: Path) -> Iterator[None]:
    """Put the file back as it was if the block fails."""
    copy = path.with_name(f".{path.name}.before-migration")
    with storage_errors(f"write {copy}"):
        copy.unlink(missing_ok=True)  # left by a process that was killed
    _copy_database(path, copy)
    try:
        yield
    except BaseException:
        _copy_database(copy, path)
        copy.unlink()
        raise
    copy.unlink()


def _copy_database(source: Path, target: Path) -> None:
    """Copy through SQLite, so that what is still in the log comes along and readers are not disturbed."""
    with own_errors(target), closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
