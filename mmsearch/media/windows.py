"""Sound of any length to pieces and windows, with bounded memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np

from mmsearch.types import AudioInput, Waveform

_SEARCHED_S = 10.0  # how far before the end of a piece a quiet place is looked for
_QUIET_S = 0.1
_STEP_S = 0.01
_LEAST_S = 1.0  # no piece is shorter, unless the whole sound is


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a longer sound. `start_s` is its place, in seconds from the start of the file."""

    start_s: float
    wave: Waveform


@dataclass(frozen=True, slots=True)
class Window:
    """A span of sound that is embedded as one. Times are seconds from the start of the file."""

    start_s: float
    end_s: float
    wave: Waveform


def chunks(blocks: Iterable[Waveform], rate_hz: int, longest_s: float = 30.0) -> Iterator[Chunk]:
    """Put blocks together to pieces of at most `longest_s`, cut where it is quiet so that words stay whole.

    Args:
        blocks: Consecutive sound, in blocks of any length.
        rate_hz: Samples a second.
        longest_s: More than 2 s.

    Returns:
        Every sample once, in order. A longer sound is cut in the quietest tenth of a second of the last 10 s of
        each piece (the later one of equals). Memory: two pieces and a block.
    """
    longest, least = round(longest_s * rate_hz), round(_LEAST_S * rate_hz)
    kept: list[Waveform] = []
    start = length = 0
    for block in blocks:
        kept.append(block)
        length += len(block)
        while length >= longest + least:
            wave = np.concatenate(kept)
            cut = _quiet_place(wave, longest, rate_hz)
            yield Chunk(round(start / rate_hz, 3), wave[:cut])
            kept, start, length = [wave[cut:]], start + cut, length - cut
    if length > longest:
        wave = np.concatenate(kept)
        cut = _quiet_place(wave, length - least, rate_hz)
        yield Chunk(round(start / rate_hz, 3), wave[:cut])
        yield Chunk(round((start + cut) / rate_hz, 3), wave[cut:])
    elif length:
        yield Chunk(round(start / rate_hz, 3), np.concatenate(kept))


def _quiet_place(wave: Waveform, latest: int, rate_hz: int) -> int:
    """Return the sample to cut at: the middle of the quietest tenth of a second of the 10 s before `latest`."""
    earliest = max(latest - round(_SEARCHED_S * rate_hz), latest // 2)
    width, step = max(1, round(_QUIET_S * rate_hz)), max(1, round(_STEP_S * rate_hz))
    energy = np.concatenate([[0.0], np.cumsum(np.square(wave[earliest:latest], dtype=np.float64))])
    spans = (energy[width:] - energy[:-width])[::step]
    if not len(spans):
        return latest
    last_of_equals = len(spans) - 1 - int(spans[::-1].argmin())
    return earliest + last_of_equals * step + width // 2


def windows(chunk: Chunk, audio_input: AudioInput) -> list[Window]:
    """Spread windows evenly over a piece.

    Returns:
        Windows that cover every sample, in order, all of the same length to a sample: one if the piece is no
        longer than `window_s`, else as few as share `overlap_s` at least with their neighbours. Their waves are
        views of the piece.
    """
    rate = audio_input.rate_hz
    length = len(chunk.wave)
    size = min(length, round(audio_input.window_s * rate))
    hop = max(1, size - round(audio_input.overlap_s * rate))
    count = 1 + ceil((length - size) / hop)
    starts = [(length - size) * place // max(1, count - 1) for place in range(count)]
    return [_window(chunk, start, start + size, rate) for start in starts]


def _window(chunk: Chunk, start: int, end: int, rate_hz: int) -> Window:
    start_s, end_s = (round(chunk.start_s + place / rate_hz, 3) for place in (start, end))
    return Window(start_s, end_s, chunk.wave[start:end])
