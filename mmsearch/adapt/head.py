"""A head: the linear map that adapts the vectors of one modality to the user's own pairs."""

from dataclasses import dataclass
from typing import Self, get_args

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from mmsearch.errors import CollectionDamaged
from mmsearch.normalise import unit_rows
from mmsearch.types import Features, Modality, Vectors

PIECE_ROWS = 8_192  # adapted at once
_LARGEST = float(np.finfo(np.float16).max)
_HEADER_BYTES = 4_096  # more than the names and shapes of two tensors take


@dataclass(frozen=True, slots=True)
class Head:
    """v' = normalise(v + (features - offset) @ weight).

    Attributes:
        modality: Whose vectors it adapts.
        offset: (F,) float32.
        weight: (F, d) float32.
    """

    modality: Modality
    offset: npt.NDArray[np.float32]
    weight: npt.NDArray[np.float32]

    def apply(self, vectors: Vectors, features: Features) -> Vectors:
        """Adapt vectors (n, d) by their features (n, F); neither is changed.

        Returns:
            Unit rows (n, d). A row without features (all zeros: stored before features were kept) stays as it is.
        """
        adapted = np.array(vectors, dtype=np.float32)
        for start in range(0, len(vectors), PIECE_ROWS):
            piece = slice(start, start + PIECE_ROWS)
            known = start + np.flatnonzero(features[piece].any(axis=1))
            adapted[known] = unit_rows(adapted[known] + (features[known] - self.offset) @ self.weight)
        return adapted

    def to_bytes(self) -> bytes:
        """Write it as safetensors; the weight is rounded to float16."""
        offset, weight = self.offset.astype(np.float32), self.weight.astype(np.float16)
        return save({f"{self.modality}.offset": offset, f"{self.modality}.weight": weight})

    @classmethod
    def from_bytes(cls, data: bytes, dim: int, feature_dim: int) -> Self:
        """Read what `to_bytes` wrote.

        Args:
            data: Not trusted.
            dim: Length of the vectors, d.
            feature_dim: Length of the features, F.

        Raises:
            CollectionDamaged: It is no head, or one for vectors or features of another length.
        """
        if len(data) > _HEADER_BYTES + 4 * feature_dim + 2 * feature_dim * dim:
            raise _damaged(f"it has {len(data):,} bytes")
        try:
            tensors = load(data)
        except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise _damaged("it is not in the safetensors format") from error
        for modality in get_args(Modality):
            if tensors.keys() == {f"{modality}.offset", f"{modality}.weight"}:
                offset = _checked(tensors[f"{modality}.offset"], (feature_dim,), np.float32)
                weight = _checked(tensors[f"{modality}.weight"], (feature_dim, dim), np.float16)
                return cls(modality, offset, weight)
        raise _damaged("its tensors have other names")


def _checked(
    tensor: npt.NDArray[np.generic], shape: tuple[int, ...], dtype: type[np.floating]
) -> npt.NDArray[np.float32]:
    if tensor.shape != shape or tensor.dtype != dtype:
        raise _damaged(f"a tensor is {tensor.dtype} {tensor.shape} instead of {np.dtype(dtype)} {shape}")
    if not (np.abs(tensor) <= _LARGEST).all():  # also false for NaN
        raise _damaged("a value is NaN, infinite or absurd")
    return tensor.astype(np.float32)


def _damaged(why: str) -> CollectionDamaged:
    return CollectionDamaged(
        f"A head cannot be read: {why}.", remedy="Undo it with `mmsearch adapt --undo`, or fit it again."
    )
