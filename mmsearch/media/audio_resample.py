"""Sound of one sampling rate to another, a piece at a time."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter

import numpy as np
from av import AudioFrame
from av.filter import Graph

from mmsearch.types import Waveform

# Taps a phase of libswresample's windowed sinc. Its default of 32 lets what lies 5 % above half the new rate fold
# back at -22 dB; 64 give -65 dB, and stay flat to 88 % of half the new rate.
_FILTER_SIZE = "64"


def resampled(pieces: Iterable[tuple[int, Waveform]], rate_hz: int) -> Iterator[Waveform]:
    """Bring pieces of sound to one rate.

    Args:
        pieces: (samples a second, at most a second of sound), in order.
        rate_hz: The rate wanted.

    Returns:
        As many seconds, to a sample for each change of rate, without delay; in [-1, 1], C-contiguous. A piece of
        the result is hardly longer than the piece it was made of.
    """
    for from_hz, group in groupby(pieces, key=itemgetter(0)):
        waves = (wave for _, wave in group)
        same = from_hz == rate_hz
        yield from (np.ascontiguousarray(wave) for wave in waves) if same else _convert(waves, from_hz, rate_hz)


def _convert(waves: Iterable[Waveform], from_hz: int, to_hz: int) -> Iterator[Waveform]:
    graph = _graph(from_hz, to_hz)
    for wave in waves:
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(wave[np.newaxis]), "fltp", "mono")
        frame.sample_rate = from_hz
        graph.push(frame)
        yield from _ready(graph)
    graph.push(None)
    yield from _ready(graph)


def _graph(from_hz: int, to_hz: int) -> Graph:
    graph = Graph()
    graph.threads = 1
    source = graph.add("abuffer", sample_rate=str(from_hz), sample_fmt="fltp", channel_layout="mono")
    resample = graph.add("aresample", sample_rate=str(to_hz), filter_size=_FILTER_SIZE)
    sink = graph.add("abuffersink")
    source.link_to(resample)
    resample.link_to(sink)
    graph.configure()
    return graph


def _ready(graph: Graph) -> Iterator[Waveform]:
    while True:
        try:
            frame = graph.pull()
        except (BlockingIOError, EOFError):
            return
        assert isinstance(frame, AudioFrame)
        # Sharp edges at full scale overshoot when they are filtered.
        yield np.clip(frame.to_ndarray()[0], -1, 1).astype(np.float32, copy=False)
