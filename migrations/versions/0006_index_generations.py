"""What an index needs that is not rebuilt for small changes: generations of several files, and what was removed since.

The generations there were are forgotten: they are a cache, which the next write makes anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("collection") as table:
        table.add_column(sa.Column("edition", sa.Integer, nullable=False, server_default="0"))
        table.add_column(sa.Column("index_wishes", sa.Text, nullable=False, server_default=""))
    op.drop_table("generations")
    _make_generations()
    _make_removed_vectors()


def _make_generations() -> None:
    op.create_table(
        "generations",
        sa.Column("space_id", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("vectors", sa.Integer, nullable=False),
        sa.Column("last_id", sa.Integer, nullable=False),
        sa.Column("basis", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("space_id", "number", name="pk_generations"),
        sa.ForeignKeyConstraint(["space_id"], ["spaces.space_id"], name="fk_generations_space_id"),
    )
    op.create_table(
        "generation_files",
        sa.Column("space_id", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("space_id", "number", "name", name="pk_generation_files"),
        sa.ForeignKeyConstraint(
            ["space_id", "number"],
            ["generations.space_id", "generations.number"],
            name="fk_generation_files_space_id_number",
            ondelete="CASCADE",
        ),
    )


def _make_removed_vectors() -> None:
    op.create_table(
        "removed_vectors",
        sa.Column("serial", sa.Integer, nullable=False),
        sa.Column("space_id", sa.Text, nullable=False),
        sa.Column("segment_id", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("serial", name="pk_removed_vectors"),
        sqlite_autoincrement=True,
    )
    op.execute(
        """CREATE TRIGGER note_removal AFTER DELETE ON vectors BEGIN
    INSERT INTO removed_vectors (space_id, segment_id) VALUES (old.space_id, old.segment_id);
END"""
    )
