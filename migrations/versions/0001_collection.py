"""The collection, its spaces, roots, assets, segments and vectors."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MODALITIES = "('text', 'image', 'audio', 'video')"


def upgrade() -> None:
    _create_collection()
    _create_assets()
    _create_segments()
    _create_vectors()


def _create_collection() -> None:
    op.create_table(
        "spaces",
        sa.Column("space_id", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("weights_revision", sa.Text, nullable=False),
        sa.Column("preprocessing", sa.Text, nullable=False),
        sa.Column("dim", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("space_id", name="pk_spaces"),
        sa.CheckConstraint("dim > 0", name="ck_spaces_dim"),
    )
    op.create_table(
        "collection",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("active_space_id", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_collection"),
        sa.CheckConstraint("id = 1", name="ck_collection_one_row"),
        sa.ForeignKeyConstraint(["active_space_id"], ["spaces.space_id"], name="fk_collection_active_space_id"),
    )
    op.create_table(
        "roots",
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("added_at", sa.Text, nullable=False),
        sa.Column("last_scanned_at", sa.Text, nullable=False),
        sa.Column("device", sa.Text),
        sa.PrimaryKeyConstraint("path", name="pk_roots"),
    )


def _create_assets() -> None:
    op.create_table(
        "assets",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("modality", sa.Text),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("mtime_ns", sa.BigInteger, nullable=False),
        sa.Column("content_hash", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text),
        sa.Column("width_px", sa.Integer),
        sa.Column("height_px", sa.Integer),
        sa.Column("captured_at", sa.Text),
        sa.Column("camera_make", sa.Text),
        sa.Column("camera_model", sa.Text),
        sa.Column("gps_lat", sa.Double),
        sa.Column("gps_lon", sa.Double),
        sa.Column("duration_s", sa.Double),
        sa.Column("error_code", sa.Text),
        sa.Column("error_reason", sa.Text),
        sa.Column("updated_at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_assets"),
        sa.CheckConstraint("status IN ('ready', 'failed', 'waiting', 'skipped')", name="ck_assets_status"),
        sa.CheckConstraint(f"modality IN {MODALITIES}", name="ck_assets_modality"),
        sa.CheckConstraint("size_bytes >= 0", name="ck_assets_size_bytes"),
        sa.CheckConstraint(
            "status <> 'ready' OR (modality IS NOT NULL AND content_hash IS NOT NULL)", name="ck_assets_ready"
        ),
        sa.CheckConstraint("status <> 'failed' OR error_code IS NOT NULL", name="ck_assets_failed"),
        sa.UniqueConstraint("path", name="uq_assets_path"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_assets_size_bytes_content_hash", "assets", ["size_bytes", "content_hash"])
    op.create_index("ix_assets_status", "assets", ["status"])


def _create_segments() -> None:
    op.create_table(
        "segments",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("asset_id", sa.Integer, nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("modality", sa.Text, nullable=False),
        sa.Column("text", sa.Text),
        sa.Column("char_start", sa.Integer),
        sa.Column("char_end", sa.Integer),
        sa.Column("start_s", sa.Double),
        sa.Column("end_s", sa.Double),
        sa.Column("about", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_segments"),
        sa.UniqueConstraint("asset_id", "ordinal", name="uq_segments_asset_id_ordinal"),
        sa.CheckConstraint(f"modality IN {MODALITIES}", name="ck_segments_modality"),
        sa.CheckConstraint("ordinal >= 0", name="ck_segments_ordinal"),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"], name="fk_segments_asset_id", ondelete="CASCADE"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_segments_modality", "segments", ["modality"])


def _create_vectors() -> None:
    op.create_table(
        "vector_blocks",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("space_id", sa.Text, nullable=False),
        sa.Column("file", sa.Integer, nullable=False),
        sa.Column("first_row", sa.Integer, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_vector_blocks"),
        sa.UniqueConstraint("space_id", "file", "first_row", name="uq_vector_blocks_space_id_file_first_row"),
        sa.CheckConstraint("file > 0 AND first_row >= 0 AND rows > 0", name="ck_vector_blocks_position"),
        sa.ForeignKeyConstraint(["space_id"], ["spaces.space_id"], name="fk_vector_blocks_space_id"),
    )
    op.create_table(
        "vectors",
        sa.Column("segment_id", sa.Integer, nullable=False),
        sa.Column("space_id", sa.Text, nullable=False),
        sa.Column("file", sa.Integer, nullable=False),
        sa.Column("row", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("segment_id", "space_id", name="pk_vectors"),
        sa.CheckConstraint('file > 0 AND "row" >= 0', name="ck_vectors_position"),
        sa.ForeignKeyConstraint(["segment_id"], ["segments.id"], name="fk_vectors_segment_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["space_id"], ["spaces.space_id"], name="fk_vectors_space_id"),
        sqlite_with_rowid=False,
    )
