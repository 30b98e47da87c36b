from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from mmsearch.catalog.catalog import Block, Catalog
from mmsearch.types import EmbeddingSpace, FileStat, IndexedFile, MediaInfo, Segment

SPACE = EmbeddingSpace(model="hashing", revision="r1", preprocessing="p1", dim=4)


@pytest.fixture
def space() -> EmbeddingSpace:
    return SPACE


@pytest.fixture
def catalog_path(tmp_path: Path) -> Path:
    return tmp_path / "photos" / "catalog.db"


@pytest.fixture
def catalog(catalog_path: Path) -> Iterator[Catalog]:
    with Catalog.create(catalog_path, "photos", SPACE) as made:
        yield made


def indexed_file(
    path: str,
    content: str = "",
    *,
    modality: str = "image",
    segments: tuple[Segment, ...] = (),
    info: MediaInfo = MediaInfo("image/jpeg", width_px=640, height_px=480),  # noqa: B008 - frozen
    mtime_ns: int = 1,
) -> IndexedFile:
    chosen = segments or (Segment(modality),)
    return IndexedFile(
        stat=FileStat(path, 100, mtime_ns),
        content_hash=content or ascii(path),
        modality=modality,
        info=info,
        segments=chosen,
        vectors=np.zeros((len(chosen), SPACE.dim), np.float32),
    )


@pytest.fixture
def make_file() -> Callable[..., IndexedFile]:
    return indexed_file


@pytest.fixture
def put(catalog: Catalog) -> Callable[..., dict[str, int]]:
    """Commit files as one block each; answers with their asset ids."""

    def commit(*files: IndexedFile | str) -> dict[str, int]:
        made = [indexed_file(file) if isinstance(file, str) else file for file in files]
        number, row = catalog.next_row()
        with catalog.write() as writer:
            for file in made:
                writer.put_indexed([file], vector_file=number, first_row=row)
                writer.add_block(Block(number, row, len(file.segments), f"digest{row}"))
                row += len(file.segments)
        states = catalog.lookup([file.stat.path for file in made])
        return {path: state.id for path, state in states.items()}

    return commit
