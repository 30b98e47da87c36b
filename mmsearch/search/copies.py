"""Whether two pictures are near copies: one shot, resized, recompressed or edited a little; not two of one scene.

How they look and what the model makes of them must both say so, the latter the more, the more the looks differ. The
vectors are the model's own, without the heads of `adapt`, which bring together what goes by the same words.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mmsearch.catalog.catalog import Catalog
from mmsearch.catalog.looks import FileLook
from mmsearch.media.looks import BLANK, Looks, as_looks, distances
from mmsearch.types import Ids, Vectors
from mmsearch.vectors.store import VectorStore

Rows = npt.NDArray[np.intp]  # (n,)
Distances = npt.NDArray[np.uint8]  # (n,) bits in which looks differ
Floats = npt.NDArray[np.float32]  # (n,)

# Measured by benchmarks/dupes.py. In 57,291 pairs of different photos the looks differ in 14 bits or more.
MAX_DISTANCE = 8
_LEAST_COSINE, _A_BIT = 0.5, 0.05
_MAX_STRETCH = 1.2  # ratio of two aspect ratios: encoders squash pictures, or see only their middle
_SECONDS = len("2021-05-04T10:20:30")  # of a time, without its zone, which editing may lose


def least_cosine(far: Distances) -> Floats:
    """Return what the cosine of two pictures must be if so many bits of their looks differ: (n,), from 0.5 to 0.9."""
    return np.asarray(_LEAST_COSINE + _A_BIT * far, dtype=np.float32)


def comparable(file: FileLook) -> bool:
    """Tell whether a file is a picture of which more than its content can be compared."""
    return file.segment_id is not None and file.look is not None and file.look != BLANK


def looks_of(files: Sequence[FileLook]) -> Looks:
    """Return the looks (n,) of comparable files."""
    return as_looks(np.array([file.look for file in files], dtype=np.int64))


class Pictures:
    """Pictures to compare, a row each: all that tells near copies but their vectors.

    Args:
        files: They are `comparable`.
    """

    def __init__(self, files: Sequence[FileLook]) -> None:
        self._looks = looks_of(files)
        self._shapes = np.array([_shape(file) for file in files], dtype=np.float32)
        times = ["", *((file.captured_at or "")[:_SECONDS] for file in files)]
        self._taken = np.unique(times, return_inverse=True)[1][1:]  # a number a time; 0 is unknown

    def __len__(self) -> int:
        return len(self._looks)

    def alike(self, row: int) -> tuple[Rows, Distances]:
        """Return the later rows (n,) that look like one, and how far they are from it.

        What has another shape, or was taken at another time, is not alike.

        Cost: 50 microseconds among 100,000.
        """
        far = distances(self._looks[row + 1 :], self._looks[row])
        close = np.flatnonzero(far <= MAX_DISTANCE)
        rows = close + row + 1
        same = self._same_shape(row, rows) & self._same_time(row, rows)
        return rows[same], far[close[same]]

    def _same_shape(self, row: int, rows: Rows) -> npt.NDArray[np.bool_]:
        stretch = np.abs(self._shapes[rows] - self._shapes[row])
        return np.asarray(stretch <= np.log(_MAX_STRETCH), dtype=np.bool_)

    def _same_time(self, row: int, rows: Rows) -> npt.NDArray[np.bool_]:
        """Tell a burst from copies, where cameras noted the time; an unknown time may be any."""
        taken, others = self._taken[row], self._taken[rows]
        return np.asarray((others == taken) | (others == 0) | (taken == 0), dtype=np.bool_)


def own_vectors(catalog: Catalog, store: VectorStore, ids: Ids) -> Vectors:
    """Copy out vectors as the model gave them: unit rows (n, d), in the order of the ids; zeros where there is none.

    Raises:
        CollectionDamaged: The vector files are not those of the catalog.
    """
    places = catalog.locations(ids)
    stored = store.gather(places.files, places.rows)
    vectors = np.zeros((len(ids), stored.shape[1]), dtype=np.float32)
    known = np.isin(ids, places.ids)
    vectors[known] = stored[np.searchsorted(places.ids, ids[known])]
    return vectors


def _shape(file: FileLook) -> float:
    """Return the logarithm of the aspect ratio; 0, as of a square, if it is not known."""
    return float(np.log((file.width_px or 1) / (file.height_px or 1)))
