"""Make a clean sound sound recorded: another speed, microphone, room and background, cut or looped to a few seconds.

Rooms are noise that decays exponentially after some early reflections (Moorer, "About this reverberation business",
Computer Music Journal 3, 1979).
"""

from collections.abc import Callable

import numpy as np
from scipy.signal import fftconvolve, resample_poly

from mmsearch.types import Waveform
from tools.train_builtin.synth.dsp import RATE, T60, Rng, Wave, band, high_pass, low_pass, noise, pick, samples

SHORTEST_S, LONGEST_S = 1.0, 10.0
LOOP_S = 5.0


def augment(wave: Waveform, rng: Rng) -> Waveform:
    """Return a version as another microphone might have heard it.

    Guarantees: 1 to 10 s at 16 kHz, finite, within [-1, 1]; the same for the same state of `rng`.
    """
    steps: tuple[tuple[float, Callable[[Wave, Rng], Wave]], ...] = (
        (0.6, speed),
        (1.0, fit),
        (0.3, distant_band),
        (0.5, room),
        (0.7, equalise),
        (0.65, background),
        (0.15, clip),
        (0.2, codec),
    )
    result = np.asarray(wave, dtype=np.float64)
    for chance, step in steps:
        if rng.random() < chance:
            result = step(result, rng)
    loudest = np.abs(result).max() + 1e-9
    return np.asarray(result / loudest * rng.uniform(0.08, 1.0), dtype=np.float32)


def mix(wave: Waveform, other: Waveform, ratio_db: float) -> Waveform:
    """Add another sound, repeated or cut to the same length, `ratio_db` softer; the sum is scaled to a peak of 0.95."""
    behind = np.resize(other, len(wave)).astype(np.float64)
    scale = _power(wave) / (_power(behind) + 1e-12) * 10 ** (-ratio_db / 10)
    total = wave + np.sqrt(scale) * behind
    return np.asarray(0.95 * total / (np.abs(total).max() + 1e-9), dtype=np.float32)


def speed(wave: Wave, rng: Rng) -> Wave:
    """Play faster or slower by up to 18 %, which moves the pitch as well."""
    return np.asarray(resample_poly(wave, int(rng.integers(41, 60)), 50))


def fit(wave: Wave, rng: Rng) -> Wave:
    """Bring to 1 to 10 s: cut what is longer; loop, repeat with gaps, pad with silence or leave what is shorter."""
    longest = samples(LONGEST_S)
    if len(wave) > longest:
        start = int(rng.integers(len(wave) - longest))
        return wave[start : start + longest]
    missing = samples(LOOP_S) - len(wave)
    kind = rng.random()
    if missing > 0 and kind < 0.25:
        return np.resize(wave, samples(LOOP_S))
    if missing > 0 and kind < 0.45:
        return np.resize(np.pad(wave, (0, int(rng.integers(RATE)))), samples(LOOP_S))
    if missing > 0 and kind < 0.7:
        before = int(rng.integers(missing)) if rng.random() < 0.3 else 0
        return np.pad(wave, (before, missing - before))
    return np.pad(wave, (0, max(0, samples(SHORTEST_S) - len(wave))))


def distant_band(wave: Wave, rng: Rng) -> Wave:
    """Limit the band as a telephone, a cheap loudspeaker, a wall or a lossy codec does."""
    kind = int(rng.integers(4))
    if kind == 0:
        return band(wave, 300, 3400)
    if kind == 1:
        return high_pass(wave, rng.uniform(120, 500))
    return low_pass(wave, rng.uniform(1500, 3500) if kind == 2 else rng.uniform(3500, 7000), 4)


def room(wave: Wave, rng: Rng) -> Wave:
    """Put into a room of 0.1 to 2.5 s reverberation, near or far; the length is kept."""
    seconds = 0.1 * 25 ** rng.uniform()
    n = samples(min(seconds, 2.0))
    time = np.arange(n) / RATE
    tail = noise(rng, n, rng.uniform(-4, 0)) * np.exp(-T60 * time / seconds) * np.sqrt(1 / (0.05 * RATE * seconds + 1))
    early = rng.integers(samples(0.002), samples(0.03), 6)
    response = rng.uniform(0.1, 1.2) * tail
    response[early[early < n]] += rng.uniform(-0.5, 0.5, int((early < n).sum()))
    response[0] = 1.0
    return np.asarray(fftconvolve(wave, response)[: len(wave)])


def equalise(wave: Wave, rng: Rng) -> Wave:
    """Change the spectrum by a smooth random curve of about 5 dB deviation, as microphones and distance do."""
    frequency = np.fft.rfftfreq(len(wave), 1 / RATE)
    octaves = np.log2(np.maximum(frequency, 40.0) / 40.0)
    curve_db = np.interp(octaves, np.linspace(0, 8, 7), rng.normal(0, 5, 7))
    return np.asarray(np.fft.irfft(np.fft.rfft(wave) * 10 ** (curve_db / 20), len(wave)))


def background(wave: Wave, rng: Rng) -> Wave:
    """Add noise of a random colour, 5 to 45 dB softer than the sound, and sometimes mains hum."""
    ratio_db = rng.uniform(5, 45)
    behind = noise(rng, len(wave), rng.uniform(-7, 0), 20 * 10 ** rng.uniform())
    if rng.random() < 0.15:
        behind = behind + np.sin(2 * np.pi * pick(rng, 50, 60, 100, 120) * np.arange(len(wave)) / RATE)
    return np.asarray(wave + behind * np.sqrt(_power(wave) * 10 ** (-ratio_db / 10) / _power(behind)))


def clip(wave: Wave, rng: Rng) -> Wave:
    """Overload the input, hard or softly."""
    driven = wave / (np.abs(wave).max() + 1e-9) * rng.uniform(1.2, 5)
    return np.asarray(np.clip(driven, -1, 1) if rng.random() < 0.5 else np.tanh(driven))


def codec(wave: Wave, rng: Rng) -> Wave:
    """Quantise to 6 to 8 bits on a logarithmic scale (mu-law, ITU-T G.711), as cheap codecs do."""
    levels = 2.0 ** int(rng.integers(5, 8))
    scaled = wave / (np.abs(wave).max() + 1e-9)
    compressed = np.sign(scaled) * np.log1p(255 * np.abs(scaled)) / np.log(256)
    quantised = np.round(compressed * levels) / levels
    return np.asarray(np.sign(quantised) * (256 ** np.abs(quantised) - 1) / 255)


def _power(wave: Wave | Waveform) -> float:
    """Return the mean square of the loud parts, so that padding with silence does not count."""
    squares = np.square(wave, dtype=np.float64)
    loud = squares > 1e-4 * squares.max()
    return float(squares[loud].mean()) if loud.any() else 1e-12
