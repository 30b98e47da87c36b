"""The trained part of the sound model: 256 features of a sound, and how they correct its vector.

As for pictures (image_head.py): ConSE puts a sound among what its classes are called, and a linear map of YAMNet's
pooled features says where captions of such sounds really lie.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from mmsearch.encoders.builtin.image_head import FEATURE_DIM
from mmsearch.encoders.builtin.weights import SOUND_HEAD, Tensor, safetensors
from mmsearch.normalise import unit_rows
from mmsearch.types import Features, Vectors

__all__ = ["FEATURE_DIM", "SoundHead"]  # stored in the same rows as those of pictures, so of the same length


@dataclass(frozen=True, slots=True)
class SoundHead:
    """The head's tensors, float32 at work and float16 on disk.

    Attributes:
        centre: (1024,) mean of the pooled features.
        projection: (1024, 256) to the features, the scale of each pooled feature included.
        weight: (256, 384); with `bias` (384,) the correction of a sound's vector.
        mean: (384,) of recordings' corrected unit vectors: what says only "this is a sound" is taken off, so that
            pictures and sounds can be compared.
    """

    centre: Tensor
    projection: Tensor
    weight: Tensor
    bias: Tensor
    mean: Tensor

    @classmethod
    def load(cls) -> Self:
        """Read the installed head.

        Raises:
            WeightsDamaged: It is missing, or is not the pinned one.
        """
        return cls(**safetensors(SOUND_HEAD))

    def features(self, pooled: Tensor) -> Features:
        """Compress pooled features (n, 1024) to what is stored: (n, 256) float16."""
        return ((pooled - self.centre) @ self.projection).astype(np.float16)

    def correct(self, vectors: Vectors, features: Features) -> Vectors:
        """Correct the unit vectors (n, 384) of sounds with such features (n, 256); not of unit length any more."""
        return unit_rows(vectors + features.astype(np.float32) @ self.weight + self.bias) - self.mean
