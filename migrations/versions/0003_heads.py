"""Heads fitted to the user's pairs, the length of the features that they are applied to, and the language of speech."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("spaces") as table:
        table.add_column(sa.Column("feature_dim", sa.Integer, nullable=False, server_default="0"))
        table.drop_constraint("ck_spaces_dim", type_="check")
        table.create_check_constraint("ck_spaces_dim", "dim > 0 AND feature_dim >= 0")
    with op.batch_alter_table("spaces") as table:
        table.alter_column("feature_dim", server_default=None)
    with op.batch_alter_table("segments") as table:
        table.add_column(sa.Column("language", sa.Text))
    op.create_table(
        "heads",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("space_id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("modality", sa.Text, nullable=False),
        sa.Column("weights", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("report", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("undone_at", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_heads"),
        sa.UniqueConstraint("space_id", "version", "modality", name="uq_heads_space_id_version_modality"),
        sa.CheckConstraint("modality IN ('text', 'image', 'audio', 'video')", name="ck_heads_modality"),
        sa.CheckConstraint("version > 0", name="ck_heads_version"),
        sa.ForeignKeyConstraint(["space_id"], ["spaces.space_id"], name="fk_heads_space_id"),
    )
