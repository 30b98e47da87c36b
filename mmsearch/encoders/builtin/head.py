"""What the trained parts of the image and the sound model share: the file they are in, and the features they give."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from mmsearch.encoders.builtin.weights import PinnedFile, Tensor, safetensors
from mmsearch.types import Features

FEATURE_DIM = 256  # the same for pictures and sounds, whose features are stored in the same rows


@dataclass(frozen=True, slots=True)
class FeatureHead:
    """A head's tensors, float32 at work and float16 on disk.

    Attributes:
        file: Where the installed one is.
        centre: (pooled,) mean of the classifier's pooled features.
        projection: (pooled, 256) to the features, the scale of each pooled feature included.
    """

    file: ClassVar[PinnedFile]

    centre: Tensor
    projection: Tensor

    @classmethod
    def load(cls) -> Self:
        """Read the installed head.

        Raises:
            WeightsDamaged: It is missing, or is not the pinned one.
        """
        return cls(**safetensors(cls.file))

    def features(self, pooled: Tensor) -> Features:
        """Compress pooled features (n, pooled) to what is stored: (n, 256) float16."""
        return ((pooled - self.centre) @ self.projection).astype(np.float16)
