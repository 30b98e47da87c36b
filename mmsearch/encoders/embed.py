"""What a model makes of texts, pictures and sounds, with features and tokens where it gives any; shapes are checked."""

from collections.abc import Sequence
from typing import cast

import numpy as np

from mmsearch.errors import ModelError
from mmsearch.protocols import AdaptableEncoder, Encoder, TokenEncoder
from mmsearch.types import Embedded, EncoderSpec, PixelBatch, Role, Waveform

MOST_TOKENS = 1024  # an input: an encoder that gives more would fill disks, and re-rankers could not look at them


def embed_texts(encoder: Encoder, texts: Sequence[str], *, tokens: bool = False) -> Embedded:
    """Embed texts of documents.

    Args:
        encoder: Of the collection.
        texts: Of any length.
        tokens: Give tokens too, if the encoder has some.

    Raises:
        ModelError: The encoder gives another number of vectors than asked for, or tokens of another shape than it
            should.

    Guarantees: tokens have the right shape; their values are as the encoder gave them, which may be NaN.
    """
    if not (tokens and encoder.spec.tokens):
        return _counted(Embedded(encoder.encode_texts(texts, "document")), len(texts))
    embedded = _counted(cast("TokenEncoder", encoder).embed_texts(texts, tokens=True), len(texts))
    return _with_tokens(embedded, encoder.spec)


def embed_images(encoder: Encoder, images: PixelBatch, role: Role, *, tokens: bool = False) -> Embedded:
    """Embed pictures of shape (n, *spec.image_input, 3), uint8 RGB.

    Raises:
        ModelError: As for texts, or the features are not of the shape that the spec says.
        ValueError: A feature is NaN or infinite.
    """
    if tokens and encoder.spec.tokens:
        embedded = cast("TokenEncoder", encoder).embed_images(images, tokens=True)
    elif encoder.spec.feature_dim:
        embedded = cast("AdaptableEncoder", encoder).embed_images(images)
    else:
        embedded = Embedded(encoder.encode_images(images, role))
    return _checked(embedded, len(images), encoder.spec, tokens)


def embed_audio(encoder: Encoder, waves: Sequence[Waveform], role: Role, *, tokens: bool = False) -> Embedded:
    """Embed sounds at `spec.audio_input.rate_hz`, each of at most `window_s`; errors as for pictures."""
    if tokens and encoder.spec.tokens:
        embedded = cast("TokenEncoder", encoder).embed_audio(waves, tokens=True)
    elif encoder.spec.feature_dim:
        embedded = cast("AdaptableEncoder", encoder).embed_audio(waves)
    else:
        embedded = Embedded(encoder.encode_audio(waves, role))
    return _checked(embedded, len(waves), encoder.spec, tokens)


def _checked(embedded: Embedded, count: int, spec: EncoderSpec, tokens: bool) -> Embedded:
    _counted(embedded, count)
    if spec.feature_dim:
        _with_features(embedded, spec.feature_dim)
    return _with_tokens(embedded, spec) if tokens and spec.tokens else embedded


def _counted(embedded: Embedded, count: int) -> Embedded:
    if len(embedded.vectors) != count:
        raise ModelError(f"The encoder gave {len(embedded.vectors)} vectors for {count} inputs.")
    return embedded


def _with_features(embedded: Embedded, feature_dim: int) -> Embedded:
    features = embedded.features
    expected = (len(embedded.vectors), feature_dim)
    if features is None or features.shape != expected:
        found = "none" if features is None else f"some of shape {features.shape}"
        raise ModelError(f"The encoder should give features of shape {expected}; it gave {found}.")
    if not np.isfinite(features).all():
        raise ValueError("a feature is NaN or infinite")
    return embedded


def _with_tokens(embedded: Embedded, spec: EncoderSpec) -> Embedded:
    tokens, dim = embedded.tokens, spec.space.dim
    if tokens is None or len(tokens) != len(embedded.vectors):
        found = 0 if tokens is None else len(tokens)
        raise ModelError(
            f"The encoder should give tokens for each of {len(embedded.vectors)} inputs; it did for {found}."
        )
    for each in tokens:
        if each.ndim != 2 or each.shape[1] != dim or not 1 <= len(each) <= MOST_TOKENS:
            expected = f"(t, {dim}) with t from 1 to {MOST_TOKENS:,}"
            raise ModelError(f"The encoder should give tokens of shape {expected}; it gave some of shape {each.shape}.")
    return embedded
