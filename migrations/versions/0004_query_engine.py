"""What the query engine needs: the user's fields, the looks of pictures, queries kept on request, banks of queries."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("assets", table_kwargs={"sqlite_autoincrement": True}) as table:
        table.add_column(sa.Column("look", sa.BigInteger))
    _make_fields()
    _make_query_log()
    _make_query_banks()
    _make_words()
    _let_sidecars_be_read_again()


def _make_fields() -> None:
    op.create_table(
        "fields",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("asset_id", sa.Integer, nullable=False),
        sa.Column("about", sa.Text),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("number", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_fields"),
        sa.CheckConstraint("ordinal >= 0", name="ck_fields_ordinal"),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"], name="fk_fields_asset_id", ondelete="CASCADE"),
    )
    op.create_index("ix_fields_asset_id", "fields", ["asset_id"])
    op.create_index("ix_fields_about", "fields", ["about"], sqlite_where=sa.text("about IS NOT NULL"))
    op.create_index("ix_fields_name_text", "fields", ["name", "text"])


def _make_query_log() -> None:
    op.create_table(
        "queries",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("asked_at", sa.Text, nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("hits", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_queries"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "clicks",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("query_id", sa.Integer, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("good", sa.Boolean, nullable=False),
        sa.Column("clicked_at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_clicks"),
        sa.UniqueConstraint("query_id", "path", name="uq_clicks_query_id_path"),
        sa.ForeignKeyConstraint(["query_id"], ["queries.id"], name="fk_clicks_query_id", ondelete="CASCADE"),
    )


def _make_query_banks() -> None:
    op.create_table(
        "query_banks",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("space_id", sa.Text, nullable=False),
        sa.Column("vectors", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("report", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("undone_at", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_query_banks"),
        sa.ForeignKeyConstraint(["space_id"], ["spaces.space_id"], name="fk_query_banks_space_id"),
    )


def _let_sidecars_be_read_again() -> None:
    """Forget when sidecars and tables changed: the next run reads their fields, and they are searchable till then."""
    op.execute(
        "UPDATE assets SET mtime_ns = -1 WHERE status = 'skipped'"
        " OR media_type IN ('text/csv', 'application/json', 'application/jsonl')"
    )


def _make_words() -> None:
    """Make the index of words, empty: `catalog.migrate` fills what is derived."""
    op.create_index("ix_segments_about", "segments", ["about"], sqlite_where=sa.text("about IS NOT NULL"))
    op.execute("CREATE VIRTUAL TABLE segment_words USING fts5(name, folder, text, captions, tokenize = 'ascii')")
    op.execute("CREATE VIRTUAL TABLE word_counts USING fts5vocab(segment_words, row)")
    op.execute(
        """CREATE TRIGGER forget_words AFTER DELETE ON segments BEGIN
    DELETE FROM segment_words WHERE rowid = old.id;
END"""
    )
    op.execute(
        """CREATE TRIGGER forget_caption AFTER DELETE ON segments WHEN old.about IS NOT NULL BEGIN
    UPDATE segment_words SET captions = coalesce((
        SELECT group_concat(text, ' \N{PILCROW SIGN} ') FROM (
            SELECT w.text FROM segments AS c JOIN segment_words AS w ON w.rowid = c.id
            WHERE c.about = old.about ORDER BY c.id LIMIT 20
        )
    ), '') WHERE rowid IN (
        SELECT s.id FROM assets AS a JOIN segments AS s ON s.asset_id = a.id WHERE a.path = old.about
    );
END"""
    )
