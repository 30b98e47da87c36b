"""Stage 2: the tokens of an item of which none are stored are made of the file once more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from mmsearch.attention.subject import Subject
from mmsearch.attention.unchanged import read_unchanged, require_unchanged
from mmsearch.config import Limits
from mmsearch.encoders.embed import embed_audio, embed_images
from mmsearch.errors import ModelError
from mmsearch.protocols import TokenEncoder
from mmsearch.types import Embedded, Tokens, Waveform


def with_tokens(subject: Subject, encoder: TokenEncoder, limits: Limits) -> Subject:
    """Return the subject with tokens, stored or made now. Those of a passage are always made: its words are needed too.

    Raises:
        MediaError: The file is gone, has changed, or cannot be read.
        ModelError: The model gives no usable tokens.
    """
    if subject.tokens is not None:
        return subject
    if subject.modality == "text":
        words = encoder.query_words(subject.segments[0].text or "")
        return replace(subject, tokens=(words.tokens,), parts=words.words)
    make = _of_picture if subject.modality == "image" else _of_sound
    try:
        return replace(subject, tokens=_finite(make(subject, encoder, limits).tokens or ()))
    except ValueError as error:
        raise ModelError(f"The model {encoder.spec.space.model} gives no usable tokens: {error}.") from error


def _finite(tokens: tuple[Tokens, ...]) -> tuple[Tokens, ...]:
    if not all(np.isfinite(each).all() for each in tokens):
        raise ValueError("a token is NaN or infinite")
    return tokens


def _of_picture(subject: Subject, encoder: TokenEncoder, limits: Limits) -> Embedded:
    from mmsearch.media.image import read_image  # Pillow, which stored tokens can do without

    data = read_unchanged(subject.asset.path, subject.asset.content_hash, limits)
    image = read_image(data, limits, encoder.spec.image_input)
    return embed_images(encoder, image.pixels[None], "document", tokens=True)


def _of_sound(subject: Subject, encoder: TokenEncoder, limits: Limits) -> Embedded:
    from mmsearch.media.audio import open_sound  # PyAV, the same
    from mmsearch.media.opening import open_regular

    assert encoder.spec.audio_input is not None
    require_unchanged(subject.asset.path, subject.asset.content_hash)
    rate_hz = encoder.spec.audio_input.rate_hz
    spans = [(segment.start_s or 0.0, segment.end_s or 0.0) for segment in subject.segments]
    with open_regular(subject.asset.path) as file, open_sound(file, limits, rate_hz) as sound:
        waves = cut_out(sound, rate_hz, spans)
    return embed_audio(encoder, waves, "document", tokens=True)


def cut_out(blocks: Iterable[Waveform], rate_hz: int, spans: Sequence[tuple[float, float]]) -> list[Waveform]:
    """Cut spans, in seconds, out of a sound while it is decoded; they may overlap."""
    places = [(round(start_s * rate_hz), round(end_s * rate_hz)) for start_s, end_s in spans]
    pieces: list[list[Waveform]] = [[] for _ in places]
    done = 0
    for block in blocks:
        for kept, (first, end) in zip(pieces, places, strict=True):
            kept.append(block[max(first - done, 0) : max(end - done, 0)])
        done += len(block)
        if done >= max(end for _, end in places):
            break
    return [np.concatenate(kept) for kept in pieces]
