"""A large collection without its photos: rows as an index run would commit them, with made-up vectors."""

from collections.abc import Iterator

import numpy as np

import mmsearch
from benchmarks.engine import sentences
from mmsearch.ingest.commit import Committer, Tally
from mmsearch.normalise import unit_rows
from mmsearch.types import FileStat, IndexedFile, MediaInfo, Segment, Vectors

BATCH_FILES = 1_000
FILTERS = {
    "50 %": "width = 4000",
    "6.7 %": "year = 2015",
    "1 %": "name like '%42.jpg'",
    "0.1 %": "name like '%042.jpg'",
    "0.01 %": "name like '%0042.jpg'",
}
"""Share of the photos that passes -> filter."""
_MEANINGS = 2_000
_LATENT = 64
_GAP, _SPREAD, _NOISE = 0.5, 0.7, 0.3  # lengths of what is added to the vector of a sentence, which has length 1
_SEED = 11


def meanings(collection: mmsearch.Collection) -> Vectors:
    """Embed sentences (m, d) that photos are to be of."""
    return collection.embed(texts=sentences(np.random.default_rng(_SEED), _MEANINGS))


def vectors(meant: Vectors, count: int, seed: int) -> Vectors:
    """Make unit rows (count, d) around sentences: on a cone of their own, mostly along a few directions, and noise."""
    dim = meant.shape[1]
    same, random = np.random.default_rng(_SEED), np.random.default_rng(seed)
    gap = unit_rows(same.standard_normal((1, dim), dtype=np.float32))
    directions = np.linalg.qr(same.standard_normal((dim, _LATENT)))[0].T.astype(np.float32)
    along = random.standard_normal((count, _LATENT), dtype=np.float32) @ directions / np.sqrt(_LATENT)
    noise = random.standard_normal((count, dim), dtype=np.float32) / np.sqrt(dim)
    return unit_rows(meant[random.integers(len(meant), size=count)] + _GAP * gap + _SPREAD * along + _NOISE * noise)


def commit(collection: mmsearch.Collection, rows: Vectors, first: int) -> None:
    """Put photos with these vectors (n, d) and numbers from `first` on into a collection; its index is left alone."""
    with collection._storage.writing() as shelves:
        committer = Committer(shelves.catalog, shelves.store, Tally())
        for start in range(0, len(rows), BATCH_FILES):
            committer.commit(list(_photos(rows[start : start + BATCH_FILES], first + start)))


def path_of(number: int) -> str:
    """Name a photo."""
    return f"/photos/{number // 1000:05d}/IMG_{number:08d}.jpg"


def _photos(rows: Vectors, first: int) -> Iterator[IndexedFile]:
    for number, row in enumerate(rows, start=first):
        taken = f"{2010 + number % 15}-{1 + number % 12:02d}-{1 + number % 28:02d}T12:00:00"
        info = MediaInfo("image/jpeg", width_px=4000 if number % 2 else 3000, height_px=3000, captured_at=taken)
        stat = FileStat(path_of(number), 1_000_000 + number, 1)
        yield IndexedFile(stat, f"{number:032x}", "image", info, (Segment("image"),), row[np.newaxis])
