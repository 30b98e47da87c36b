"""What tells copies of files: their content, and for pictures how they look."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from mmsearch.catalog.chunks import chunks
from mmsearch.catalog.tables import assets, fields, segments
from mmsearch.types import Modality


@dataclass(frozen=True, slots=True)
class FileLook:
    """A file as a search for copies sees it.

    Attributes:
        content_hash: Equal if and only if the content is.
        has_camera: Whether it names the camera it was taken with.
        look: Of a picture, `media.looks.look_of` it; None for all other files, and for pictures that were indexed
            before looks were kept.
        segment_id: Of a picture, the segment that its vector belongs to.
    """

    id: int
    path: str
    modality: Modality
    size_bytes: int
    mtime_ns: int
    content_hash: str
    width_px: int | None
    height_px: int | None
    captured_at: str | None
    has_camera: bool
    look: int | None
    segment_id: int | None

    @property
    def pixels(self) -> int:
        """How many it has; 0 if that is not known."""
        return (self.width_px or 0) * (self.height_px or 0)


_has_camera = sa.or_(assets.c.camera_make.is_not(None), assets.c.camera_model.is_not(None))
_picture = segments.alias("picture")
_LOOK = (
    sa.select(
        assets.c.id,
        assets.c.path,
        assets.c.modality,
        assets.c.size_bytes,
        assets.c.mtime_ns,
        assets.c.content_hash,
        assets.c.width_px,
        assets.c.height_px,
        assets.c.captured_at,
        _has_camera.label("has_camera"),
        assets.c.look,
        _picture.c.id.label("segment_id"),
    )
    .select_from(assets)
    .outerjoin(
        _picture,
        sa.and_(_picture.c.asset_id == assets.c.id, _picture.c.ordinal == 0, _picture.c.modality == "image"),
    )
    .where(assets.c.status == "ready")
)
# Equal words about different pictures are no copies: what such a file is about depends on where it lies.
_speaks_of_another = sa.or_(
    sa.exists().where(segments.c.asset_id == assets.c.id, segments.c.about.is_not(None)),
    sa.exists().where(fields.c.asset_id == assets.c.id, fields.c.about.is_not(None)),
)


def all_files(connection: sa.Connection) -> list[FileLook]:
    """Return the files that can be found, in order of id, but those that describe other files."""
    return _files(connection, [_LOOK.where(~_speaks_of_another).order_by(assets.c.id)])


def of_paths(connection: sa.Connection, paths: Collection[str]) -> dict[str, FileLook]:
    """Return the files at some paths; those that cannot be found are left out."""
    found = _files(connection, (_LOOK.where(assets.c.path.in_(chunk)) for chunk in chunks(paths)))
    return {file.path: file for file in found}


def _files(connection: sa.Connection, queries: Iterable[sa.Executable]) -> list[FileLook]:
    return [FileLook(**row._mapping) for query in queries for row in connection.execute(query)]
