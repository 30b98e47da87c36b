"""A bank of queries, and the penalties of items by it; their storage in the catalog."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from mmsearch.errors import CollectionDamaged
from mmsearch.hubness.means import top_means
from mmsearch.types import MODALITIES, Modality, Vectors

MAX_QUERIES = 4_096
_SETTINGS = 3  # k, weight, mean
_HEADER_BYTES = 4_096  # more than the names and shapes of two tensors a modality take
_LARGEST_WEIGHT = 10.0


@dataclass(frozen=True, slots=True)
class Bank:
    """What corrects for hubs among the items of one modality, in searches by text.

    penalty(v) = weight * (mean of the k greatest of queries @ v - mean). It is taken off the cosine of v.

    Attributes:
        queries: (m, d) float32, unit rows of what people ask for.
        mean: Over the items that were there when it was fitted, so that penalties are about 0 on average and scores
            stay comparable.

    Source: Chowdhury et al. 2024, arXiv 2410.24114.
    """

    modality: Modality
    queries: Vectors
    k: int
    weight: float
    mean: float

    def penalties(self, vectors: Vectors) -> npt.NDArray[np.float32]:
        """Return what to take off the cosines of items with these vectors (n, d), unit rows: (n,) float32.

        Cost: n m d multiplications; 200 items take a few milliseconds with a full bank.
        """
        means = top_means(vectors, self.queries, [self.k])[0]
        return np.asarray(self.weight * (means - self.mean), dtype=np.float32)


Banks: TypeAlias = Mapping[Modality, Bank]


def to_bytes(banks: Banks) -> bytes:
    """Write banks as safetensors; the queries are rounded to float16."""
    tensors: dict[str, npt.NDArray[np.generic]] = {}
    for modality, bank in banks.items():
        tensors[f"{modality}.queries"] = bank.queries.astype(np.float16)
        tensors[f"{modality}.settings"] = np.array([bank.k, bank.weight, bank.mean], dtype=np.float32)
    return save(tensors)


def from_bytes(data: bytes, dim: int) -> dict[Modality, Bank]:
    """Read what `to_bytes` wrote.

    Args:
        data: Not trusted.
        dim: Length of the vectors, d.

    Raises:
        CollectionDamaged: It is none, or one for vectors of another length.
    """
    if len(data) > _HEADER_BYTES + len(MODALITIES) * (2 * dim * MAX_QUERIES + 4 * _SETTINGS):
        raise _damaged(f"it has {len(data):,} bytes")
    try:
        tensors = load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged("it is not in the safetensors format") from error
    present = [modality for modality in MODALITIES if f"{modality}.queries" in tensors]
    if tensors.keys() != {f"{modality}.{name}" for modality in present for name in ("queries", "settings")}:
        raise _damaged("its tensors have other names")
    return {modality: _bank(modality, tensors, dim) for modality in present}


def rounded(vectors: Vectors) -> Vectors:
    """Return vectors as they will be after they were stored."""
    return vectors.astype(np.float16).astype(np.float32)


def _bank(modality: Modality, tensors: Mapping[str, npt.NDArray[np.generic]], dim: int) -> Bank:
    queries, settings = tensors[f"{modality}.queries"], tensors[f"{modality}.settings"]
    rows = len(queries) if queries.ndim else 0
    if not 1 <= rows <= MAX_QUERIES or queries.shape != (rows, dim) or queries.dtype != np.float16:
        raise _damaged(f"its queries are {queries.dtype} {queries.shape}")
    if settings.shape != (_SETTINGS,) or settings.dtype != np.float32:
        raise _damaged(f"its settings are {settings.dtype} {settings.shape}")
    k, weight, mean = (float(value) for value in settings)
    # Each comparison is false for NaN.
    plausible = 1 <= k <= MAX_QUERIES and k.is_integer() and 0 < weight <= _LARGEST_WEIGHT and abs(mean) <= 1.1
    if not plausible or not (np.abs(queries) <= 1.1).all():
        raise _damaged("a value is NaN, infinite or absurd")
    return Bank(modality, queries.astype(np.float32), int(k), weight, mean)


def _damaged(why: str) -> CollectionDamaged:
    return CollectionDamaged(
        f"A bank of queries cannot be read: {why}.",
        remedy="Undo it with `mmsearch calibrate --undo`, or make it again.",
    )
