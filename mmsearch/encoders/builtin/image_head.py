"""The trained part of the image model: 256 features of a picture, and how they correct its vector.

ConSE puts a picture among what its classes are called. A linear map of the classifier's pooled features says where
captions of such pictures really lie: one map for photos, one for drawings, blended by a score that tells the two
apart, since what is learned from clip art misleads on photos. Trained by tools/train_builtin/images.py, whose card,
image-head.json, names the pictures, their authors and licences.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from mmsearch.encoders.builtin.weights import IMAGE_HEAD, Tensor, safetensors
from mmsearch.types import Features, Vectors

FEATURE_DIM = 256


@dataclass(frozen=True, slots=True)
class ImageHead:
    """The head's tensors, float32 at work and float16 on disk.

    Attributes:
        centre: (1280,) mean of the pooled features.
        projection: (1280, 256) to the features, the scale of each pooled feature included.
        gate: (256,) whose product with the features, plus `gate_bias` (1,), is 0 for photos and 1 for drawings.
        photos: (256, 384) correction of a photo's vector, up to `photos_bias` (384,).
        drawings: (256, 384) correction of a drawing's vector, up to `drawings_bias` (384,).
    """

    centre: Tensor
    projection: Tensor
    gate: Tensor
    gate_bias: Tensor
    photos: Tensor
    photos_bias: Tensor
    drawings: Tensor
    drawings_bias: Tensor

    @classmethod
    def load(cls) -> Self:
        """Read the installed head.

        Raises:
            WeightsDamaged: It is missing, or is not the pinned one.
        """
        return cls(**safetensors(IMAGE_HEAD))

    def features(self, pooled: Tensor) -> Features:
        """Compress pooled features (n, 1280) to what is stored: (n, 256) float16."""
        return ((pooled - self.centre) @ self.projection).astype(np.float16)

    def correction(self, features: Features) -> Vectors:
        """Return what to add to the unit vectors of pictures with such features (n, 256): (n, 384) float32."""
        wide = features.astype(np.float32)
        drawn = np.clip(wide @ self.gate + self.gate_bias, 0, 1)[:, None]
        photos = wide @ self.photos + self.photos_bias
        drawings = wide @ self.drawings + self.drawings_bias
        return np.asarray(photos + drawn * (drawings - photos), dtype=np.float32)
