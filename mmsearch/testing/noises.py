"""A few sounds that everybody knows, made from sines and noise: samples for the demo, and for tests.

After Farnell 2010, "Designing Sound": practicals 1 to 3 (signals), 25 (bells), 38 (water).
"""

import numpy as np
import numpy.typing as npt

from mmsearch.types import Waveform

RATE_HZ = 16_000


def siren(seconds: float = 5.0) -> Waveform:
    """Return a siren: a buzzing tone that wails up and down every two seconds."""
    time = _times(seconds)
    pitch_hz = 950 + 450 * np.sin(2 * np.pi * time / 2)
    return _finished(np.tanh(4 * np.sin(2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ)))


def telephone(seconds: float = 6.0) -> Waveform:
    """Return an old telephone: a clapper between two bells, two seconds on, one off."""
    time = _times(seconds)
    stroke = time % (1 / 20)  # the clapper strikes twenty times a second
    bells = [
        np.sin(2 * np.pi * pitch_hz * time) * np.exp(-stroke * decay)
        for pitch_hz, decay in ((1_300, 12), (1_640, 14), (3_250, 25), (4_300, 30))
    ]
    return _finished(np.sum(bells, axis=0) * (time % 3 < 2))


def waves(seconds: float = 9.0) -> Waveform:
    """Return waves that break on a beach: noise that swells and hisses."""
    time = _times(seconds)
    swell = np.sin(np.pi * (time % 4.5) / 4.5) ** 3
    deep, hiss = _noise(len(time), 80, 900, seed=1), _noise(len(time), 1_000, 6_000, seed=2)
    return _finished((0.15 + swell) * deep + 0.7 * swell**2 * hiss)


def whistle(seconds: float = 4.0) -> Waveform:
    """Return a steam train's whistle: a chord of pipes, with the steam that blows them."""
    time = _times(seconds)
    pipes = [
        np.sin(2 * np.pi * pitch_hz * time) + 0.4 * np.sin(4 * np.pi * pitch_hz * time)
        for pitch_hz in (311, 370, 440, 523)
    ]
    blown = np.minimum(1, 8 * time) * np.minimum(1, 5 * (seconds - time)) * (time % 2.2 < 1.7)
    return _finished(blown * (np.sum(pipes, axis=0) + 0.5 * _noise(len(time), 500, 7_000, seed=3)))


def _times(seconds: float) -> npt.NDArray[np.float64]:
    return np.arange(round(seconds * RATE_HZ)) / RATE_HZ


def _noise(samples: int, low_hz: float, high_hz: float, seed: int) -> npt.NDArray[np.float64]:
    """Return noise of one band of pitch, with standard deviation 1."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(samples))
    pitch_hz = np.fft.rfftfreq(samples, 1 / RATE_HZ)
    noise = np.fft.irfft(np.where((pitch_hz >= low_hz) & (pitch_hz <= high_hz), spectrum, 0), samples)
    return np.asarray(noise / noise.std(), dtype=np.float64)


def _finished(wave: npt.NDArray[np.float64]) -> Waveform:
    return np.asarray(0.7 * wave / np.abs(wave).max(), dtype=np.float32)
