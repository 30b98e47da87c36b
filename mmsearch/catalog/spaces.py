"""The collection itself and its active embedding space."""

import sqlalchemy as sa

from mmsearch.catalog.tables import collection, roots, spaces
from mmsearch.errors import CollectionDamaged
from mmsearch.types import EmbeddingSpace

ACTIVE_SPACE = sa.select(collection.c.active_space_id).scalar_subquery()


def insert_collection(
    connection: sa.Connection, name: str, space: EmbeddingSpace, feature_dim: int, tokens: str, created_at: str
) -> None:
    """Write the first rows of a new catalog."""
    connection.execute(
        spaces.insert().values(
            space_id=space.space_id,
            model=space.model,
            weights_revision=space.revision,
            preprocessing=space.preprocessing,
            dim=space.dim,
            feature_dim=feature_dim,
            tokens=tokens,
            created_at=created_at,
        )
    )
    connection.execute(
        collection.insert().values(id=1, name=name, created_at=created_at, active_space_id=space.space_id, revision=0)
    )


def active_space(connection: sa.Connection) -> EmbeddingSpace:
    """Return the space that searches use.

    Raises:
        CollectionDamaged: The row is missing, or its parts are not those that its id was made from.
    """
    query = sa.select(
        spaces.c.space_id, spaces.c.model, spaces.c.weights_revision, spaces.c.preprocessing, spaces.c.dim
    ).where(spaces.c.space_id == ACTIVE_SPACE)
    row = connection.execute(query).first()
    if row is None:
        raise CollectionDamaged("The catalog names no embedding space.")
    space_id, model, revision, preprocessing, dim = row
    space = EmbeddingSpace(model=model, revision=revision, preprocessing=preprocessing, dim=dim)
    if space.space_id != space_id:
        raise CollectionDamaged(f"The catalog's record of the embedding space {space_id} was changed.")
    return space


def feature_dim(connection: sa.Connection) -> int:
    """Return the length of the features beside each vector of the active space."""
    return connection.execute(sa.select(spaces.c.feature_dim).where(spaces.c.space_id == ACTIVE_SPACE)).scalar_one()


def name(connection: sa.Connection) -> str:
    """Return the collection's name."""
    return connection.execute(sa.select(collection.c.name)).scalar_one()


def revision(connection: sa.Connection) -> int:
    """Return the number that grows when segments or vectors change."""
    return connection.execute(sa.select(collection.c.revision)).scalar_one()


def edition(connection: sa.Connection) -> int:
    """Return the number that grows when anything changes."""
    return connection.execute(sa.select(collection.c.edition)).scalar_one()


def root_devices(connection: sa.Connection) -> dict[str, str | None]:
    """Return the disk that each root was on when it was scanned last."""
    return {path: device for path, device in connection.execute(sa.select(roots.c.path, roots.c.device))}


def root_paths(connection: sa.Connection) -> tuple[str, ...]:
    """Return the folders and files that the user indexed, in order."""
    return tuple(connection.execute(sa.select(roots.c.path).order_by(roots.c.path)).scalars())
