"""A large collection without its photos: clustered vectors, committed as an index run would."""

import numpy as np

from mmsearch.ingest.commit import Committer, Tally
from mmsearch.normalise import unit_rows
from mmsearch.types import FileStat, IndexedFile, MediaInfo, Segment

PER_FILE = 20
_CENTRES = 50


def rows(count, dim=64, seed=0):
    """Unit rows (count, dim) about some centres."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((_CENTRES, dim))
    made = centres[random.integers(_CENTRES, size=count)] + 0.7 * random.standard_normal((count, dim))
    return unit_rows(made.astype(np.float32))


def path_of(number):
    return f"/made/{number:06d}.jpg"


def put(collection, count, first=0):
    """Commit so many vectors in files of `PER_FILE`, numbered from `first`, and publish nothing."""
    with collection._storage.writing() as shelves:
        commit(shelves, count, first)


def commit(shelves, count, first=0):
    vectors = rows(count, shelves.space.dim, seed=first)
    pieces = [vectors[start : start + PER_FILE] for start in range(0, count, PER_FILE)]
    files = [_file(first + number, piece) for number, piece in enumerate(pieces)]
    Committer(shelves.catalog, shelves.store, Tally()).commit(files)


def _file(number, vectors):
    stat, info = FileStat(path_of(number), 1000, 1), MediaInfo("image/jpeg")
    return IndexedFile(stat, f"{number:032x}", "image", info, (Segment("image"),) * len(vectors), vectors)
