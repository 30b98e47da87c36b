"""Decoded frames of any rate, sample format and number of channels to one channel, a second at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.plane import AudioPlane

from mmsearch.errors import MediaDamaged, MediaUnsupported
from mmsearch.types import Waveform

RATES_HZ = range(1_000, 1_000_001)
# FFmpeg's name of a sample format -> numpy's.
_TYPES = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}
# Missing sound of such a length becomes silence. Less is the jitter of coarse clocks, more a clock that was set anew.
_SHORTEST_HOLE_S, _LONGEST_HOLE_S = 0.2, 60.0
# A downmix that loses so much of the power is of channels in opposite phase: 30 dB.
_CANCELLED = 1e-3
_MOST_CHANNELS = 64  # a second of more would take too much memory

Channels = npt.NDArray[np.float32]  # (channels, samples)
Piece = tuple[int, Waveform]  # (samples a second, at most a second of sound)


def mono_pieces(frames: Iterable[AudioFrame], start_s: float | None) -> Iterator[Piece]:
    """Mix frames down, and put silence where their times show that some are missing.

    Args:
        frames: In order; rate, format and channels may change from one to the next.
        start_s: When the file begins, on the frames' clock; None if that is when the first frame does.

    Returns:
        Finite samples in [-1, 1]: a second that goes beyond (as float formats may) is scaled, not clipped.

    Raises:
        MediaDamaged: The sampling rate is absurd.
    """
    pending = _Pending()
    for frame in frames:
        if frame.samples == 0:
            continue
        rate = frame.sample_rate
        if rate not in RATES_HZ:
            raise MediaDamaged(f"The sound claims to have {rate:,} samples a second.")
        samples = to_float(frame)
        if not pending.takes(rate, samples):
            yield from pending.flush()
        hole_s, start_s = _hole_s(frame, start_s)
        if hole_s:
            yield from pending.flush()
            yield from _seconds(rate, np.zeros(round(hole_s * rate), np.float32))
        pending.add(rate, samples)
    yield from pending.flush()


@dataclass(slots=True)
class _Pending:
    """Samples of one rate and number of channels, until they make a second."""

    rate: int = 0
    parts: list[Channels] = field(default_factory=list)
    length: int = 0

    def takes(self, rate: int, samples: Channels) -> bool:
        same = not self.parts or (self.rate == rate and len(self.parts[0]) == len(samples))
        return same and self.length < rate

    def add(self, rate: int, samples: Channels) -> None:
        self.rate = rate
        self.parts.append(samples)
        self.length += samples.shape[1]

    def flush(self) -> Iterator[Piece]:
        parts, self.parts, self.length = self.parts, [], 0
        if parts:
            yield from _seconds(self.rate, mix_down(np.concatenate(parts, axis=1)))


def _seconds(rate: int, wave: Waveform) -> Iterator[Piece]:
    for start in range(0, len(wave), rate):
        yield rate, wave[start : start + rate]


def _hole_s(frame: AudioFrame, due_s: float | None) -> tuple[float, float | None]:
    """Return how much is missing before a frame that was due at a time, and when the next one is due."""
    length_s = frame.samples / frame.sample_rate
    if frame.time is None:
        return 0.0, None if due_s is None else due_s + length_s
    hole_s = 0.0 if due_s is None else frame.time - due_s
    return (hole_s if _SHORTEST_HOLE_S <= hole_s <= _LONGEST_HOLE_S else 0.0), frame.time + length_s


def to_float(frame: AudioFrame) -> Channels:
    """Return a frame's samples, (channels, samples), full scale being 1."""
    count, kind = frame.layout.nb_channels, _TYPES[frame.format.packed.name]
    if count > _MOST_CHANNELS:
        raise MediaUnsupported(f"Sounds of {count} channels are not supported.", remedy="Mix it down first.")
    # Not `frame.to_ndarray`, which takes what lies in memory behind the eighth channel for further ones.
    if frame.format.is_planar:
        planes = [np.frombuffer(memoryview(AudioPlane(frame, place)), kind, frame.samples) for place in range(count)]
        return scale(np.stack(planes))
    return scale(np.frombuffer(memoryview(AudioPlane(frame, 0)), kind, frame.samples * count).reshape(-1, count).T)


def scale(raw: npt.NDArray[Any]) -> Channels:
    """Bring samples of an integer type, whose full range is full scale, or of a float type to float32."""
    with np.errstate(over="ignore", invalid="ignore"):  # infinity and NaN are for `mix_down`
        samples: Channels = raw.astype(np.float32, order="C")
    if raw.dtype == np.uint8:
        samples -= 128
        samples /= 128
    elif raw.dtype.kind in "iu":
        samples /= 2.0 ** (8 * raw.dtype.itemsize - 1)
    return samples


def mix_down(channels: Channels) -> Waveform:
    """Average the channels; the loudest one alone, should they cancel each other.

    Guarantees: finite, in [-1, 1]. What is not finite becomes 0.
    """
    channels = np.where(np.isfinite(channels), channels, np.float32(0))
    channels /= max(1.0, float(np.abs(channels).max(initial=0.0)))
    mixed: Waveform = channels.mean(axis=0)
    powers = np.square(channels).mean(axis=1)
    if np.square(mixed).mean() < _CANCELLED * powers.mean():
        mixed = channels[powers.argmax()]
    return mixed
