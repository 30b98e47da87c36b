"""What the second stage needs: where the tokens of segments lie, and re-rankers trained on the user's pairs."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("spaces", sa.Column("tokens", sa.Text, nullable=False, server_default=""))
    _make_tokens()
    op.create_table(
        "rerankers",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("space_id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("weights", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("report", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("undone_at", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_rerankers"),
        sa.UniqueConstraint("space_id", "version", name="uq_rerankers_space_id_version"),
        sa.CheckConstraint("version > 0", name="ck_rerankers_version"),
        sa.ForeignKeyConstraint(["space_id"], ["spaces.space_id"], name="fk_rerankers_space_id"),
    )


def _make_tokens() -> None:
    op.create_table(
        "token_blocks",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("space_id", sa.Text, nullable=False),
        sa.Column("file", sa.Integer, nullable=False),
        sa.Column("first_row", sa.Integer, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_token_blocks"),
        sa.UniqueConstraint("space_id", "file", "first_row", name="uq_token_blocks_space_id_file_first_row"),
        sa.CheckConstraint("file > 0 AND first_row >= 0 AND rows > 0", name="ck_token_blocks_position"),
        sa.ForeignKeyConstraint(["space_id"], ["spaces.space_id"], name="fk_token_blocks_space_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "tokens",
        sa.Column("segment_id", sa.Integer, nullable=False),
        sa.Column("space_id", sa.Text, nullable=False),
        sa.Column("file", sa.Integer, nullable=False),
        sa.Column("row", sa.Integer, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("segment_id", "space_id", name="pk_tokens"),
        sa.CheckConstraint('file > 0 AND "row" >= 0 AND count > 0', name="ck_tokens_position"),
        sa.ForeignKeyConstraint(["segment_id"], ["segments.id"], name="fk_tokens_segment_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["space_id"], ["spaces.space_id"], name="fk_tokens_space_id"),
        sqlite_with_rowid=False,
    )
