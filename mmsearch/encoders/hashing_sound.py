"""What the hashing encoder hears: how loud a sound is, how high, and whether it is a tone or noise."""

import numpy as np
import numpy.typing as npt

from mmsearch.types import Waveform

RATE_HZ = 8_000
_FRAME = 512  # samples, 64 ms
_SILENT, _LOUD = 1e-3, 0.1  # root mean square
_LOW_HZ, _HIGH_HZ = 300, 1_500
_NOISE_FLATNESS = 0.1  # geometric over arithmetic mean of the spectrum: about 0.5 for noise, near 0 for tones
_FLOOR = 1e-10

Spectrum = npt.NDArray[np.float64]  # (257,): mean power from 0 to 4 kHz


def sound_words(wave: Waveform) -> list[str]:
    """Name a sound of at least one sample at 8 kHz: "silence", or such as "loud", "tone", "high"."""
    loudness = float(np.sqrt(np.mean(wave.astype(np.float64) ** 2)))
    if loudness < _SILENT:
        return ["silence"]
    words = ["loud" if loudness >= _LOUD else "quiet"]
    spectrum = _spectrum(wave)
    if np.exp(np.log(spectrum).mean()) > _NOISE_FLATNESS * spectrum.mean():
        return [*words, "noise"]
    pitch_hz = spectrum.argmax() * RATE_HZ / _FRAME
    return [*words, "tone", "low" if pitch_hz < _LOW_HZ else "high" if pitch_hz > _HIGH_HZ else "middle"]


def band_levels(wave: Waveform, bands: int) -> npt.NDArray[np.float32]:
    """Level of each of so many bands of equal width, 0 for silence and about 1 for a full tone: (bands,)."""
    powers = [band.mean() for band in np.array_split(_spectrum(wave), bands)]
    return np.asarray(np.log10(powers) / -np.log10(_FLOOR) + 1, dtype=np.float32)


def _spectrum(wave: Waveform) -> Spectrum:
    """Mean power of each frequency, never 0; silence fills the last frame."""
    padded = np.pad(wave.astype(np.float64), (0, -len(wave) % _FRAME))
    frames = padded.reshape(-1, _FRAME) * np.hanning(_FRAME)
    powers = np.abs(np.fft.rfft(frames) / _FRAME) ** 2
    return np.asarray(np.maximum(powers.mean(axis=0), _FLOOR), dtype=np.float64)
