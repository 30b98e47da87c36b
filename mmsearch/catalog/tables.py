"""The tables of a catalog. A change here needs a revision in `migrations/` and a new `migrate.HEAD`."""

from typing import TypeAlias, get_args

import sqlalchemy as sa

from mmsearch.catalog.column_types import ClampedInteger, ForeignText, ModalityText
from mmsearch.catalog.paths import PathText
from mmsearch.catalog.records import AssetStatus
from mmsearch.catalog.triggers import TRIGGERS
from mmsearch.types import MODALITIES, Modality

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _one_of(column: str, values: tuple[str, ...]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)


class _SpaceColumns(sa.TypedColumns):
    space_id: sa.Named[str] = sa.Column(sa.Text, primary_key=True)
    model: sa.Named[str] = sa.Column(sa.Text)
    weights_revision: sa.Named[str] = sa.Column(sa.Text)
    preprocessing: sa.Named[str] = sa.Column(sa.Text)
    dim: sa.Named[int]
    created_at: sa.Named[str] = sa.Column(sa.Text)
    feature_dim: sa.Named[int]
    # `EncoderSpec.tokens` of what made the tokens that are kept beside the vectors; empty if none are.
    tokens: sa.Named[str] = sa.Column(sa.Text, server_default="")


spaces = sa.Table("spaces", metadata, _SpaceColumns, sa.CheckConstraint("dim > 0 AND feature_dim >= 0", name="dim"))


class _CollectionColumns(sa.TypedColumns):
    id: sa.Named[int] = sa.Column(primary_key=True)
    name: sa.Named[str] = sa.Column(ForeignText)
    created_at: sa.Named[str] = sa.Column(sa.Text)
    active_space_id: sa.Named[str] = sa.Column(sa.Text, sa.ForeignKey("spaces.space_id"))
    # Grows with each transaction that changes segments or vectors, or after which files of tokens go: tells readers
    # to load them again.
    revision: sa.Named[int]
    # Grows with each transaction that changes anything: what is known of files, such as their fields, leaves the
    # revision as it is, but filters let others through then.
    edition: sa.Named[int] = sa.Column(server_default="0")
    # What the user wants of the index, as `vectors.plan` writes it; empty if nothing was said.
    index_wishes: sa.Named[str] = sa.Column(sa.Text, server_default="")


collection = sa.Table("collection", metadata, _CollectionColumns, sa.CheckConstraint("id = 1", name="one_row"))


class _RootColumns(sa.TypedColumns):
    path: sa.Named[str] = sa.Column(PathText, primary_key=True)
    added_at: sa.Named[str] = sa.Column(sa.Text)
    last_scanned_at: sa.Named[str] = sa.Column(sa.Text)
    device: sa.Named[str | None] = sa.Column(sa.Text)  # the disk it was on; as text, since some ids exceed 63 bits


roots = sa.Table("roots", metadata, _RootColumns)


class _AssetColumns(sa.TypedColumns):
    id: sa.Named[int] = sa.Column(primary_key=True)
    path: sa.Named[str] = sa.Column(PathText, unique=True)
    modality: sa.Named[Modality | None] = sa.Column(ModalityText)
    size_bytes: sa.Named[int] = sa.Column(sa.BigInteger)
    mtime_ns: sa.Named[int] = sa.Column(ClampedInteger)
    content_hash: sa.Named[str | None] = sa.Column(sa.Text)
    status: sa.Named[str] = sa.Column(sa.Text)
    media_type: sa.Named[str | None] = sa.Column(ForeignText)
    width_px: sa.Named[int | None]
    height_px: sa.Named[int | None]
    captured_at: sa.Named[str | None] = sa.Column(ForeignText)
    camera_make: sa.Named[str | None] = sa.Column(ForeignText)
    camera_model: sa.Named[str | None] = sa.Column(ForeignText)
    gps_lat: sa.Named[float | None]
    gps_lon: sa.Named[float | None]
    duration_s: sa.Named[float | None]
    error_code: sa.Named[str | None] = sa.Column(sa.Text)
    error_reason: sa.Named[str | None] = sa.Column(ForeignText)
    updated_at: sa.Named[str] = sa.Column(sa.Text)
    # What a picture looks like, by `media.looks.look_of`: 64 bits as a signed integer. None for all other files, and
    # for pictures that were indexed before this was kept.
    look: sa.Named[int | None] = sa.Column(sa.BigInteger)


assets = sa.Table(
    "assets",
    metadata,
    _AssetColumns,
    _one_of("status", get_args(AssetStatus)),
    _one_of("modality", MODALITIES),
    sa.CheckConstraint("size_bytes >= 0", name="size_bytes"),
    sa.CheckConstraint("status <> 'ready' OR (modality IS NOT NULL AND content_hash IS NOT NULL)", name="ready"),
    sa.CheckConstraint("status <> 'failed' OR error_code IS NOT NULL", name="failed"),
    sa.Index(None, "size_bytes", "content_hash"),
    sa.Index(None, "status"),
    sqlite_autoincrement=True,
)


class _SegmentColumns(sa.TypedColumns):
    id: sa.Named[int] = sa.Column(primary_key=True)
    asset_id: sa.Named[int] = sa.Column(sa.ForeignKey("assets.id", ondelete="CASCADE"))
    ordinal: sa.Named[int]
    modality: sa.Named[Modality] = sa.Column(ModalityText)
    text: sa.Named[str | None] = sa.Column(ForeignText)
    char_start: sa.Named[int | None]
    char_end: sa.Named[int | None]
    start_s: sa.Named[float | None]
    end_s: sa.Named[float | None]
    about: sa.Named[str | None] = sa.Column(PathText)
    language: sa.Named[str | None] = sa.Column(ForeignText)


segments = sa.Table(
    "segments",
    metadata,
    _SegmentColumns,
    sa.UniqueConstraint("asset_id", "ordinal"),
    _one_of("modality", MODALITIES),
    sa.CheckConstraint("ordinal >= 0", name="ordinal"),
    sa.Index(None, "modality"),
    sa.Index(None, "about", sqlite_where=sa.text("about IS NOT NULL")),
    # Ids are the vector ids: one that was given once never means something else.
    sqlite_autoincrement=True,
)


class _BlockColumns(sa.TypedColumns):
    id: sa.Named[int] = sa.Column(primary_key=True)
    space_id: sa.Named[str] = sa.Column(sa.Text, sa.ForeignKey("spaces.space_id"))
    file: sa.Named[int]
    first_row: sa.Named[int]
    rows: sa.Named[int]
    digest: sa.Named[str] = sa.Column(sa.Text)


BlockTable: TypeAlias = sa.Table[_BlockColumns]
vector_blocks = sa.Table(
    "vector_blocks",
    metadata,
    _BlockColumns,
    sa.UniqueConstraint("space_id", "file", "first_row"),
    sa.CheckConstraint("file > 0 AND first_row >= 0 AND rows > 0", name="position"),
)


class _VectorColumns(sa.TypedColumns):
    # The segment comes first in the key: deleting one must not read the whole table, and reading
    # all vectors in order of id must not sort.
    segment_id: sa.Named[int] = sa.Column(sa.ForeignKey("segments.id", ondelete="CASCADE"), primary_key=True)
    space_id: sa.Named[str] = sa.Column(sa.Text, sa.ForeignKey("spaces.space_id"), primary_key=True)
    file: sa.Named[int]
    row: sa.Named[int]


vectors = sa.Table(
    "vectors",
    metadata,
    _VectorColumns,
    sa.CheckConstraint('file > 0 AND "row" >= 0', name="position"),
    sqlite_with_rowid=False,
)


token_blocks = sa.Table(
    "token_blocks",
    metadata,
    _BlockColumns,
    sa.UniqueConstraint("space_id", "file", "first_row"),
    sa.CheckConstraint("file > 0 AND first_row >= 0 AND rows > 0", name="position"),
    # The number of a file is at most the id of its first block, so that after all were forgotten it tells the next.
    sqlite_autoincrement=True,
)


class _TokenColumns(sa.TypedColumns):
    segment_id: sa.Named[int] = sa.Column(sa.ForeignKey("segments.id", ondelete="CASCADE"), primary_key=True)
    space_id: sa.Named[str] = sa.Column(sa.Text, sa.ForeignKey("spaces.space_id"), primary_key=True)
    file: sa.Named[int]
    row: sa.Named[int]  # the first of consecutive ones
    count: sa.Named[int]


tokens = sa.Table(
    "tokens",
    metadata,
    _TokenColumns,
    sa.CheckConstraint('file > 0 AND "row" >= 0 AND count > 0', name="position"),
    sqlite_with_rowid=False,
)


class _HeadColumns(sa.TypedColumns):
    id: sa.Named[int] = sa.Column(primary_key=True)
    space_id: sa.Named[str] = sa.Column(sa.Text, sa.ForeignKey("spaces.space_id"))
    version: sa.Named[int]  # heads that one `adapt` installed share it, and are undone together
    modality: sa.Named[Modality] = sa.Column(ModalityText)
    weights: sa.Named[bytes] = sa.Column(sa.LargeBinary)  # here, not in a file: installed and undone by one COMMIT
    digest: sa.Named[str] = sa.Column(sa.Text)
    report: sa.Named[str] = sa.Column(ForeignText)
    created_at: sa.Named[str] = sa.Column(sa.Text)
    undone_at: sa.Named[str | None] = sa.Column(sa.Text)


heads = sa.Table(
    "heads",
    metadata,
    _HeadColumns,
    sa.UniqueConstraint("space_id", "version", "modality"),
    _one_of("modality", MODALITIES),
    sa.CheckConstraint("version > 0", name="version"),
)


class _RunColumns(sa.TypedColumns):
    id: sa.Named[int] = sa.Column(primary_key=True)
    started_at: sa.Named[str] = sa.Column(sa.Text)
    reader: sa.Named[str] = sa.Column(sa.Text)  # what decided which files could be read
    finished_at: sa.Named[str | None] = sa.Column(sa.Text)
    added: sa.Named[int]
    updated: sa.Named[int]
    unchanged: sa.Named[int]
    removed: sa.Named[int]
    failed: sa.Named[int]


runs = sa.Table("runs", metadata, _RunColumns)


class _GenerationColumns(sa.TypedColumns):
    space_id: sa.Named[str] = sa.Column(sa.Text, sa.ForeignKey("spaces.space_id"), primary_key=True)
    number: sa.Named[int] = sa.Column(primary_key=True)
    kind: sa.Named[str] = sa.Column(sa.Text)
    vectors: sa.Named[int]
    last_id: sa.Named[int]  # segments with greater ids came later
    basis: sa.Named[str] = sa.Column(sa.Text)  # which heads were in use
    created_at: sa.Named[str] = sa.Column(sa.Text)


generations = sa.Table("generations", metadata, _GenerationColumns)


class _GenerationFileColumns(sa.TypedColumns):
    space_id: sa.Named[str] = sa.Column(sa.Text, primary_key=True)
    number: sa.Named[int] = sa.Column(primary_key=True)
    name: sa.Named[str] = sa.Column(sa.Text, primary_key=True)
    size_bytes: sa.Named[int] = sa.Column(sa.BigInteger)
    digest: sa.Named[str] = sa.Column(sa.Text)


generation_files = sa.Table(
    "generation_files",
    metadata,
    _GenerationFileColumns,
    sa.ForeignKeyConstraint(["space_id", "number"], ["generations.space_id", "generations.number"], ondelete="CASCADE"),
)


class _RemovedVectorColumns(sa.TypedColumns):
    serial: sa.Named[int] = sa.Column(primary_key=True)
    space_id: sa.Named[str] = sa.Column(sa.Text)
    segment_id: sa.Named[int]


# The vectors that are gone since the newest generation was made; see `note_removal`.
removed_vectors = sa.Table(
    "removed_vectors",
    metadata,
    _RemovedVectorColumns,
    # A serial that was given once never means something else: readers remember how far they have read.
    sqlite_autoincrement=True,
)


class _FieldColumns(sa.TypedColumns):
    id: sa.Named[int] = sa.Column(primary_key=True)
    # Who says so: the file itself if the user set the field, else the sidecar or table that names `about`.
    asset_id: sa.Named[int] = sa.Column(sa.ForeignKey("assets.id", ondelete="CASCADE"))
    about: sa.Named[str | None] = sa.Column(PathText)
    name: sa.Named[str] = sa.Column(ForeignText)  # in lower case
    ordinal: sa.Named[int]  # a field may have several values, such as tags
    text: sa.Named[str] = sa.Column(ForeignText)
    number: sa.Named[float | None]  # the same as a number, if it is one


fields = sa.Table(
    "fields",
    metadata,
    _FieldColumns,
    sa.CheckConstraint("ordinal >= 0", name="ordinal"),
    sa.Index(None, "asset_id"),
    sa.Index(None, "about", sqlite_where=sa.text("about IS NOT NULL")),
    sa.Index(None, "name", "text"),
)


class _QueryColumns(sa.TypedColumns):
    id: sa.Named[int] = sa.Column(primary_key=True)
    asked_at: sa.Named[str] = sa.Column(sa.Text)
    query: sa.Named[str] = sa.Column(ForeignText)  # a JSON object, as `search.request` reads it
    hits: sa.Named[int]


queries = sa.Table("queries", metadata, _QueryColumns, sqlite_autoincrement=True)


class _ClickColumns(sa.TypedColumns):
    id: sa.Named[int] = sa.Column(primary_key=True)
    query_id: sa.Named[int] = sa.Column(sa.ForeignKey("queries.id", ondelete="CASCADE"))
    path: sa.Named[str] = sa.Column(PathText)  # not an id: a click outlives the removal of its file
    good: sa.Named[bool]
    clicked_at: sa.Named[str] = sa.Column(sa.Text)


clicks = sa.Table("clicks", metadata, _ClickColumns, sa.UniqueConstraint("query_id", "path"))


class _QueryBankColumns(sa.TypedColumns):
    id: sa.Named[int] = sa.Column(primary_key=True)
    space_id: sa.Named[str] = sa.Column(sa.Text, sa.ForeignKey("spaces.space_id"))
    vectors: sa.Named[bytes] = sa.Column(sa.LargeBinary)
    digest: sa.Named[str] = sa.Column(sa.Text)
    report: sa.Named[str] = sa.Column(ForeignText)
    created_at: sa.Named[str] = sa.Column(sa.Text)
    undone_at: sa.Named[str | None] = sa.Column(sa.Text)


query_banks = sa.Table("query_banks", metadata, _QueryBankColumns)


class _RerankerColumns(sa.TypedColumns):
    id: sa.Named[int] = sa.Column(primary_key=True)
    space_id: sa.Named[str] = sa.Column(sa.Text, sa.ForeignKey("spaces.space_id"))
    version: sa.Named[int]
    weights: sa.Named[bytes] = sa.Column(sa.LargeBinary)
    digest: sa.Named[str] = sa.Column(sa.Text)
    report: sa.Named[str] = sa.Column(ForeignText)
    created_at: sa.Named[str] = sa.Column(sa.Text)
    undone_at: sa.Named[str | None] = sa.Column(sa.Text)


rerankers = sa.Table(
    "rerankers",
    metadata,
    _RerankerColumns,
    sa.UniqueConstraint("space_id", "version"),
    sa.CheckConstraint("version > 0", name="version"),
)


# The words of each segment, for SQLite's full-text search: written by `lexical`, which folds and parts them, so that
# the tokenizer only has to split at spaces. A media file's segments have the words of its captions too.
segment_words = sa.table(
    "segment_words",
    sa.column("rowid", sa.Integer),  # the segment's id
    sa.column("name", sa.Text),
    sa.column("folder", sa.Text),
    sa.column("text", sa.Text),
    sa.column("captions", sa.Text),
)
# In how many segments each word is.
word_counts = sa.table("word_counts", sa.column("term", sa.Text), sa.column("doc", sa.Integer))

# SQLite's own: the greatest number that a table with `sqlite_autoincrement` ever gave.
sequences = sa.table("sqlite_sequence", sa.column("name", sa.Text), sa.column("seq", sa.Integer))

MAKE_WORDS = "CREATE VIRTUAL TABLE segment_words USING fts5(name, folder, text, captions, tokenize = 'ascii')"
_COUNT_WORDS = "CREATE VIRTUAL TABLE word_counts USING fts5vocab(segment_words, row)"


@sa.event.listens_for(metadata, "after_create")
def _make_words_and_triggers(_metadata: sa.MetaData, connection: sa.Connection, **_: object) -> None:
    for statement in (MAKE_WORDS, _COUNT_WORDS, *TRIGGERS):
        connection.exec_driver_sql(statement)
