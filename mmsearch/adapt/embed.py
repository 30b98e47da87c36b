"""What a model makes of pictures and sounds, with features where it gives them."""

from collections.abc import Sequence
from typing import cast

from mmsearch.protocols import AdaptableEncoder, Encoder
from mmsearch.types import Embedded, PixelBatch, Role, Waveform


def embed_images(encoder: Encoder, images: PixelBatch, role: Role) -> Embedded:
    """Embed pictures of shape (n, *spec.image_input, 3), uint8 RGB."""
    if encoder.spec.feature_dim:
        return cast("AdaptableEncoder", encoder).embed_images(images)
    return Embedded(encoder.encode_images(images, role))


def embed_audio(encoder: Encoder, waves: Sequence[Waveform], role: Role) -> Embedded:
    """Embed sounds at `spec.audio_input.rate_hz`, each of at most `window_s`."""
    if encoder.spec.feature_dim:
        return cast("AdaptableEncoder", encoder).embed_audio(waves)
    return Embedded(encoder.encode_audio(waves, role))
