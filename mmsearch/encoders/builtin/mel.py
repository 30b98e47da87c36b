"""Sounds to Whisper's picture of them: the loudness of 80 bands of pitch, a column for each hundredth of a second.

Sources: Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision", section 2.2; the mel scale
and the equal area of its triangles are those of Slaney's Auditory Toolbox (1998), as in librosa's `filters.mel`.
"""

from functools import cache

import numpy as np

from mmsearch.encoders.builtin.weights import Tensor
from mmsearch.types import Waveform

RATE_HZ = 16_000
HOP = 160  # samples from one column to the next
MELS = 80
WINDOW = 400  # samples that one column is made of
LINEAR_HZ_PER_MEL = 200 / 3  # up to 1000 Hz, which is 15 mel
MELS_PER_LOG = 27 / np.log(6.4)  # above
FLOOR = np.float32(1e-10)
RANGE = np.float32(8)  # what is 80 dB below the loudest is silence


def log_mel(wave: Waveform) -> Tensor:
    """Return the log-mel spectrogram of a sound of at least 201 samples at 16 kHz: (80, samples // 160)."""
    reflected = np.pad(wave, WINDOW // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(reflected, WINDOW)[: len(wave) // HOP * HOP : HOP]
    spectrum = np.fft.rfft(windows * _hann())
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)  # (columns, 201)
    levels = np.log10(np.maximum(_filters() @ power.T, FLOOR))
    return np.asarray((np.maximum(levels, levels.max() - RANGE) + 4) / 4, dtype=np.float32)


@cache
def _hann() -> Tensor:
    return np.hanning(WINDOW + 1)[:-1].astype(np.float32)


@cache
def _filters() -> Tensor:
    """Triangles over the spectrum's bins, each from the middle of the one below to that of the one above: (80, 201)."""
    corners = _mel_to_hz(np.linspace(0, _hz_to_mel(RATE_HZ / 2), MELS + 2))  # (82,)
    lower, middle, upper = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    bins = np.fft.rfftfreq(WINDOW, 1 / RATE_HZ)
    triangles = np.minimum((bins - lower) / (middle - lower), (upper - bins) / (upper - middle))
    return np.asarray(np.maximum(triangles, 0) * 2 / (upper - lower), dtype=np.float32)


def _hz_to_mel(hz: float) -> float:
    """Turn a pitch of at least 1000 Hz into mel."""
    return float(1000 / LINEAR_HZ_PER_MEL + np.log(hz / 1000) * MELS_PER_LOG)


def _mel_to_hz(mel: np.typing.NDArray[np.float64]) -> np.typing.NDArray[np.float64]:
    bend = 1000 / LINEAR_HZ_PER_MEL
    return np.where(mel < bend, mel * LINEAR_HZ_PER_MEL, 1000 * np.exp((mel - bend) / MELS_PER_LOG))
