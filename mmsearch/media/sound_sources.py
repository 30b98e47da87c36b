"""Where the sound of a query comes from: a file, or whatever a Python caller hands over."""

import os
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt

from mmsearch.config import Limits
from mmsearch.errors import MediaEmpty, UsageError
from mmsearch.media.opening import open_regular
from mmsearch.media.windows import chunks, windows
from mmsearch.types import AudioInput, Waveform

Samples: TypeAlias = npt.NDArray[np.generic]
SoundSource: TypeAlias = str | os.PathLike[str] | bytes | Samples | tuple[Samples, int]

_LONGEST_S = 60.0
_TYPES = ("u1", "i2", "i4", "f2", "f4", "f8")


def sound_from(source: SoundSource, limits: Limits, audio_input: AudioInput) -> tuple[Waveform, ...]:
    """Make the windows of a sound to search for, from a path, the bytes of a file, or samples.

    Args:
        source: Of samples, (array, samples a second), or an array alone that is at `audio_input.rate_hz` already.
            Arrays are (samples,), (samples, channels) or (channels, samples), told apart by the shorter side;
            float with full scale 1, or uint8, int16 or int32, whose range is full scale.
        limits: Filled in by `for_machine`.
        audio_input: The rate and windows wanted.

    Returns:
        At least one window, of at most `audio_input.window_s`; they cover the first 60 s, the rest is not used.

    Raises:
        UsageError: The source is of none of these types, or an array of another shape or type.
        MediaError: As `open_regular`, `open_sound` and `Sound`; MediaEmpty if there is not one sample.
    """
    rate_hz = audio_input.rate_hz
    blocks = _first_minute(_blocks(source, limits, rate_hz), rate_hz)
    found = tuple(window.wave for chunk in chunks(blocks, rate_hz) for window in windows(chunk, audio_input))
    if not found:
        raise _nothing()
    return found


def _first_minute(blocks: Iterable[Waveform], rate_hz: int) -> Iterator[Waveform]:
    left = round(_LONGEST_S * rate_hz)
    for block in blocks:
        yield block[:left]
        left -= len(block)
        if left <= 0:
            return


def _blocks(source: SoundSource, limits: Limits, rate_hz: int) -> Iterator[Waveform]:
    if isinstance(source, str | os.PathLike):
        with open_regular(os.path.expanduser(source)) as file:
            yield from _decoded(file, limits, rate_hz)
    elif isinstance(source, bytes):
        yield from _decoded(BytesIO(source), limits, rate_hz)
    elif isinstance(source, np.ndarray):
        yield from _converted(source, rate_hz, rate_hz)
    elif isinstance(source, tuple) and len(source) == 2 and isinstance(source[0], np.ndarray):
        yield from _converted(source[0], source[1], rate_hz)
    else:
        raise UsageError(
            f"A sound cannot be made from {type(source).__name__}.",
            remedy="Give a path, the bytes of a file, or (numpy array, samples a second).",
        )


def _decoded(file: BinaryIO, limits: Limits, rate_hz: int) -> Iterator[Waveform]:
    from mmsearch.media.audio import open_sound

    with open_sound(file, limits, rate_hz) as sound:
        yield from sound


def _converted(samples: Samples, from_hz: int, to_hz: int) -> Iterator[Waveform]:
    """Bring an array to one channel at a rate.

    Raises:
        UsageError: Another shape or type, or an absurd rate.
    """
    from mmsearch.media.audio_mono import RATES_HZ, mix_down, scale
    from mmsearch.media.audio_resample import resampled

    if from_hz not in RATES_HZ or from_hz != int(from_hz):
        raise UsageError(f"{from_hz} is no sampling rate.", remedy="Give samples a second, such as 44100.")
    if samples.ndim not in (1, 2) or samples.dtype not in _TYPES:
        raise UsageError(
            f"An array of {samples.dtype} and shape {samples.shape} is not a sound.",
            remedy="Use (samples,) or (samples, channels), of float32 or int16.",
        )
    if not samples.size:
        raise _nothing()
    from_hz = int(from_hz)  # which may be a float or one of numpy's
    channels = np.atleast_2d(samples.T if samples.ndim == 2 and samples.shape[1] < samples.shape[0] else samples)
    seconds = (channels[:, start : start + from_hz] for start in range(0, channels.shape[1], from_hz))
    yield from resampled(((from_hz, mix_down(scale(second))) for second in seconds), to_hz)


def _nothing() -> MediaEmpty:
    return MediaEmpty("The sound lasts no time at all.")
