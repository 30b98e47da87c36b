"""What a model makes of pictures and sounds, with features where it gives them."""

from collections.abc import Sequence
from typing import cast

import numpy as np

from mmsearch.errors import ModelError
from mmsearch.protocols import AdaptableEncoder, Encoder
from mmsearch.types import Embedded, PixelBatch, Role, Waveform


def embed_images(encoder: Encoder, images: PixelBatch, role: Role) -> Embedded:
    """Embed pictures of shape (n, *spec.image_input, 3), uint8 RGB.

    Raises:
        ModelError: The features are not of the shape that the spec says.
        ValueError: A feature is NaN or infinite.
    """
    if encoder.spec.feature_dim:
        return _checked(cast("AdaptableEncoder", encoder).embed_images(images), encoder.spec.feature_dim)
    return Embedded(encoder.encode_images(images, role))


def embed_audio(encoder: Encoder, waves: Sequence[Waveform], role: Role) -> Embedded:
    """Embed sounds at `spec.audio_input.rate_hz`, each of at most `window_s`; errors as for pictures."""
    if encoder.spec.feature_dim:
        return _checked(cast("AdaptableEncoder", encoder).embed_audio(waves), encoder.spec.feature_dim)
    return Embedded(encoder.encode_audio(waves, role))


def _checked(embedded: Embedded, feature_dim: int) -> Embedded:
    features = embedded.features
    expected = (len(embedded.vectors), feature_dim)
    if features is None or features.shape != expected:
        found = "none" if features is None else f"some of shape {features.shape}"
        raise ModelError(f"The encoder should give features of shape {expected}; it gave {found}.")
    if not np.isfinite(features).all():
        raise ValueError("a feature is NaN or infinite")
    return embedded
