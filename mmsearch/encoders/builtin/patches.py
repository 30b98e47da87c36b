"""Sounds to YAMNet's pictures of them: patches of 0.96 s, each the loudness of 64 bands of pitch in 96 columns.

Source: YAMNet (Plakal and Ellis, github.com/tensorflow/models, research/audioset/yamnet, params.py and features.py);
the mel scale is that of HTK (Young et al. 2006, "The HTK Book", section 5.4).
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from mmsearch.encoders.builtin.weights import Tensor
from mmsearch.types import Waveform

RATE_HZ = 16_000
WINDOW, HOP, FFT = 400, 160, 512  # samples: a column is made of 25 ms, the next begins 10 ms later
COLUMNS, MELS = 96, 64
PATCH_HOP = 48  # columns: each patch overlaps the next by one half
LOWEST_HZ, HIGHEST_HZ = 125.0, 7_500.0
OFFSET = np.float32(0.001)  # keeps the logarithm finite
PATCH_SAMPLES = (COLUMNS - 1) * HOP + WINDOW
PATCH_HOP_SAMPLES = PATCH_HOP * HOP


def log_mel_patches(wave: Waveform) -> Tensor:
    """Return the patches of a sound of at least one sample at 16 kHz: (n, 96, 64) float32.

    Silence is put behind it until the last patch is full.
    """
    patches = 1 + max(0, -(-(len(wave) - PATCH_SAMPLES) // PATCH_HOP_SAMPLES))
    padded = np.zeros(PATCH_SAMPLES + (patches - 1) * PATCH_HOP_SAMPLES, dtype=np.float32)
    padded[: len(wave)] = wave
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    magnitudes = np.abs(np.fft.rfft(windows * _hann(), FFT)).astype(np.float32, copy=False)  # (columns, 257)
    levels = np.log(magnitudes @ _filters() + OFFSET)  # (columns, 64)
    starts = np.lib.stride_tricks.sliding_window_view(levels, COLUMNS, axis=0)[::PATCH_HOP]  # (n, 64, 96)
    return np.ascontiguousarray(starts.transpose(0, 2, 1))


@cache
def _hann() -> Tensor:
    return np.hanning(WINDOW + 1)[:-1].astype(np.float32)


@cache
def _filters() -> Tensor:
    """Triangles over the spectrum's bins, straight in mel and one mel high: (257, 64)."""
    corners = np.linspace(_mel(LOWEST_HZ), _mel(HIGHEST_HZ), MELS + 2)
    lower, middle, upper = corners[:-2], corners[1:-1], corners[2:]
    bins = _mel(np.fft.rfftfreq(FFT, 1 / RATE_HZ))[:, None]
    triangles = np.minimum((bins - lower) / (middle - lower), (upper - bins) / (upper - middle))
    return np.maximum(triangles, 0).astype(np.float32)


def _mel(hz: npt.ArrayLike) -> npt.NDArray[np.float64]:
    return np.asarray(1127 * np.log1p(np.asarray(hz, dtype=np.float64) / 700))
