"""The trained part of the sound model: 256 features of a sound, and how they correct its vector.

As for pictures (image_head.py): ConSE puts a sound among what its classes are called, and a linear map of YAMNet's
pooled features says where captions of such sounds really lie.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mmsearch.encoders.builtin.head import FeatureHead
from mmsearch.encoders.builtin.weights import SOUND_HEAD, PinnedFile, Tensor
from mmsearch.normalise import unit_rows
from mmsearch.types import Features, Vectors


@dataclass(frozen=True, slots=True)
class SoundHead(FeatureHead):
    """The tensors, besides those of every head; 1024 features are pooled.

    Attributes:
        weight: (256, 384); with `bias` (384,) the correction of a sound's vector.
        mean: (384,) of recordings' corrected unit vectors: what says only "this is a sound" is taken off, so that
            pictures and sounds can be compared.
    """

    file: ClassVar[PinnedFile] = SOUND_HEAD

    weight: Tensor
    bias: Tensor
    mean: Tensor

    def correct(self, vectors: Vectors, features: Features) -> Vectors:
        """Correct the unit vectors (n, 384) of sounds with such features (n, 256); not of unit length any more."""
        return unit_rows(vectors + features.astype(np.float32) @ self.weight + self.bias) - self.mean
