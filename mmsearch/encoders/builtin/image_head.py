"""The trained part of the image model: 256 features of a picture, and how they correct its vector.

ConSE puts a picture among what its classes are called. A linear map of the classifier's pooled features says where
captions of such pictures really lie: one map for photos, one for drawings, blended by a score that tells the two
apart, since what is learned from clip art misleads on photos. Trained by tools/train_builtin/images.py, whose card,
image-head.json, names the pictures, their authors and licences.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mmsearch.encoders.builtin.head import FeatureHead
from mmsearch.encoders.builtin.weights import IMAGE_HEAD, PinnedFile, Tensor
from mmsearch.types import Features, Vectors


@dataclass(frozen=True, slots=True)
class ImageHead(FeatureHead):
    """The tensors, besides those of every head; 1280 features are pooled.

    Attributes:
        gate: (256,) whose product with the features, plus `gate_bias` (1,), is 0 for photos and 1 for drawings.
        photos: (256, 384) correction of a photo's vector, up to `photos_bias` (384,).
        drawings: (256, 384) correction of a drawing's vector, up to `drawings_bias` (384,).
    """

    file: ClassVar[PinnedFile] = IMAGE_HEAD

    gate: Tensor
    gate_bias: Tensor
    photos: Tensor
    photos_bias: Tensor
    drawings: Tensor
    drawings_bias: Tensor

    def correction(self, features: Features) -> Vectors:
        """Return what to add to the unit vectors of pictures with such features (n, 256): (n, 384) float32."""
        wide = features.astype(np.float32)
        drawn = np.clip(wide @ self.gate + self.gate_bias, 0, 1)[:, None]
        photos = wide @ self.photos + self.photos_bias
        drawings = wide @ self.drawings + self.drawings_bias
        return np.asarray(photos + drawn * (drawings - photos), dtype=np.float32)
