"""The few signal-processing parts that the generators are built from. All at 16 kHz, one channel, float64.

Sources and filters follow Farnell, "Designing Sound" (MIT Press 2010); the voice is Fant's source-filter model
("Acoustic Theory of Speech Production", 1960) with Klatt's resonators (JASA 67, 1980); struck things are sums of
decaying modes (van den Doel and Pai, "The sounds of physical shapes", Presence 7, 1998).
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, lfilter, sosfilt

RATE = 16_000
T60 = np.log(1000.0)  # a decay by 60 dB in nepers
Wave = npt.NDArray[np.float64]  # (samples,), of any scale
Rng = np.random.Generator


def samples(seconds: float) -> int:
    """Return the number of samples in a time; at least one."""
    return max(1, round(seconds * RATE))


def around(rng: Rng, value: float, factor: float = 1.3) -> float:
    """Draw log-uniformly between value / factor and value * factor."""
    return float(value * factor ** rng.uniform(-1, 1))


def pick(rng: Rng, *values: float) -> float:
    """Draw one of the values; one that is named twice is twice as likely."""
    return values[int(rng.integers(len(values)))]


def unit(wave: Wave) -> Wave:
    """Scale to deviation 1; silence stays silent."""
    return np.asarray(wave / (wave.std() + 1e-9))


def curve(n: int, *values: float) -> Wave:
    """Return n values along straight lines through equally spaced points."""
    return np.interp(np.linspace(0, 1, n), np.linspace(0, 1, len(values)), values)


def wander(rng: Rng, n: int, hz: float, depth: float = 1.0) -> Wave:
    """Return a smooth random curve around 0 with deviation `depth`, changing about `hz` times a second."""
    knots = rng.standard_normal(int(n / RATE * hz) + 3)
    position = np.arange(n) * (hz / RATE) + rng.uniform()
    whole = position.astype(np.int64)
    blend = 0.5 - 0.5 * np.cos(np.pi * (position - whole))
    return np.asarray(depth * (knots[whole] * (1 - blend) + knots[whole + 1] * blend))


def pulse_shape(n: int, attack: float, decay: float) -> Wave:
    """Return a rise over `attack` seconds and an exponential decay to -60 dB in `decay` seconds."""
    time = np.arange(n) / RATE
    return np.asarray(np.minimum(1.0, time / max(attack, 1e-4)) * np.exp(-T60 * np.maximum(0, time - attack) / decay))


def swell(n: int, power: float = 1.0) -> Wave:
    """Return half a sine wave to a power: rises and falls again."""
    return np.asarray(np.sin(np.linspace(0, np.pi, n)) ** power)


def noise(rng: Rng, n: int, slope_db: float = 0.0, low: float = 30.0, high: float = 7900.0) -> Wave:
    """Return noise of deviation 1 between two frequencies, falling by -`slope_db` dB an octave (0 white, -3 pink)."""
    frequency = np.fft.rfftfreq(n, 1 / RATE) + 1e-3
    gain = (frequency / 1000.0) ** (slope_db / 6.02)
    gain /= np.sqrt((1 + (low / frequency) ** 6) * (1 + (frequency / high) ** 6))
    shaped = np.fft.irfft(np.fft.rfft(rng.standard_normal(n)) * gain, n)
    return unit(shaped)


def band(wave: Wave, low: float, high: float, order: int = 2) -> Wave:
    """Filter between two frequencies with a Butterworth band-pass."""
    edges = [max(low, 10.0), min(high, 0.49 * RATE)]
    return np.asarray(sosfilt(butter(order, edges, "bandpass", fs=RATE, output="sos"), wave))


def low_pass(wave: Wave, hz: float, order: int = 2) -> Wave:
    """Filter with a Butterworth low-pass."""
    return np.asarray(sosfilt(butter(order, min(hz, 0.49 * RATE), "lowpass", fs=RATE, output="sos"), wave))


def high_pass(wave: Wave, hz: float, order: int = 2) -> Wave:
    """Filter with a Butterworth high-pass."""
    return np.asarray(sosfilt(butter(order, min(hz, 0.49 * RATE), "highpass", fs=RATE, output="sos"), wave))


def resonator(hz: float, width_hz: float) -> tuple[list[float], list[float]]:
    """Return numerator and denominator of a two-pole resonance with gain 1 at 0 Hz (Klatt 1980, equation 1)."""
    radius = np.exp(-np.pi * width_hz / RATE)
    first = 2 * radius * np.cos(2 * np.pi * min(hz, 0.48 * RATE) / RATE)
    second = -radius * radius
    return [1 - first - second], [1.0, -first, -second]


def tract(wave: Wave, formants: Sequence[float], damping: float = 0.07) -> Wave:
    """Send a source through resonances in a row, each 50 Hz + `damping` times its frequency wide.

    Above the last formant given, more follow at distances of 1 to 1.2 kHz, as in any tube: without them the sound
    would be dull.
    """
    higher = np.arange(formants[-1] + max(1000.0, 0.3 * formants[-1]), 0.47 * RATE, 1100.0)
    sections = []
    for hz in [*formants, *higher]:
        numerator, denominator = resonator(hz, 50.0 + damping * hz)
        sections.append([numerator[0], 0.0, 0.0, *denominator])
    return np.asarray(sosfilt(sections, wave))


def moving_tract(wave: Wave, shapes: Sequence[Sequence[float]], damping: float = 0.07) -> Wave:
    """Send a source through a tract that moves between shapes at equal times, by fading between fixed filters."""
    if len(shapes) == 1:
        return tract(wave, shapes[0], damping)
    total = np.zeros_like(wave)
    step, settle = len(wave) / (len(shapes) - 1), samples(0.05)
    for i, shape in enumerate(shapes):
        start, end = max(0, int((i - 1) * step)), min(len(wave), int((i + 1) * step) + 1)
        warm = max(0, start - settle)  # lets the filter ring before it is heard
        weight = np.maximum(0.0, 1 - np.abs(np.arange(start, end) / step - i))
        total[start:end] += weight * tract(wave[warm:end], shape, damping)[start - warm :]
    return total


def resonances(wave: Wave, modes: Iterable[tuple[float, float, float]]) -> Wave:
    """Send a source through parallel band-pass resonances given as (hertz, width in hertz, gain at the peak)."""
    total = np.zeros_like(wave)
    for hz, width_hz, gain in modes:
        _, denominator = resonator(hz, width_hz)
        total += lfilter([gain * np.pi * width_hz / RATE, 0.0, -gain * np.pi * width_hz / RATE], denominator, wave)
    return total


def glottis(rng: Rng, pitch: Wave, jitter: float = 0.01, open_part: float = 0.6) -> Wave:
    """Return the derivative of the flow through vocal folds (Rosenberg's pulse, JASA 49, 1971) at a pitch in hertz."""
    phase = np.cumsum(pitch * (1 + wander(rng, len(pitch), 90.0, jitter))) / RATE
    within = phase % 1.0
    rising = np.sin(np.pi * within / (2 * open_part / 1.5))
    flow = np.where(
        within < open_part / 1.5, rising**2, np.cos(np.pi / 2 * (within - open_part / 1.5) / (open_part / 3))
    )
    return np.diff(np.where(within < open_part, np.maximum(flow, 0), 0.0), prepend=0.0) * (RATE / 1000)


def voice(
    rng: Rng,
    pitch: Wave,
    shapes: Sequence[Sequence[float]],
    *,
    breath: float = 0.1,
    rough: float = 0.0,
    rough_hz: float = 60.0,
    jitter: float = 0.015,
    damping: float = 0.07,
) -> Wave:
    """Return a voice with deviation 1.

    Args:
        rng: Where the randomness comes from.
        pitch: Fundamental in hertz at each sample.
        shapes: Formants in hertz of the shapes that the mouth moves through.
        breath: Share of noise in the source.
        rough: Depth of irregular loudness and pitch, as in a growl.
        rough_hz: How fast these are.
        jitter: Deviation of the period.
        damping: Width of the formants relative to their frequency.
    """
    n = len(pitch)
    growl = wander(rng, n, 2 * rough_hz)
    source = glottis(rng, pitch * (1 + 0.25 * rough * growl), jitter)
    source = unit(source)
    source = source + rng.uniform(0, 3) * np.diff(source, prepend=0.0)  # from a soft to a pressed voice
    source = (1 - breath) * source * np.maximum(0, 1 + rough * growl) + breath * noise(rng, n, -1.0, 100.0)
    wave = moving_tract(source, shapes, damping)
    return unit(wave)


def tone(pitch: Wave, harmonics: Sequence[float] = (1.0,)) -> Wave:
    """Return a sum of harmonics of a pitch in hertz, none above 7.8 kHz."""
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    total = np.zeros_like(phase)
    for number, gain in enumerate(harmonics, 1):
        if gain and number * pitch.min() < 7800.0:
            total += gain * np.sin(number * phase) * (number * pitch < 7800.0)
    return total


def modes(n: int, hertz: Sequence[float], decays: Sequence[float], gains: Sequence[float]) -> Wave:
    """Return a struck body: decaying sines, each with its frequency, time to -60 dB in seconds, and gain."""
    time = np.arange(n) / RATE
    total = np.zeros(n)
    for hz, decay, gain in zip(hertz, decays, gains, strict=True):
        if hz < 7800.0:
            length = min(n, samples(1.2 * decay))
            total[:length] += gain * np.exp(-T60 * time[:length] / decay) * np.sin(2 * np.pi * hz * time[:length])
    return total


def struck(rng: Rng, n: int, lowest: float, count: int, decay: float, spread: float = 1.6) -> Wave:
    """Return a struck body of random modes from `lowest` hertz up, the higher the shorter and softer."""
    hertz = lowest * np.cumprod(np.concatenate([[1.0], rng.uniform(1.05, spread, count - 1)]))
    decays = decay * (lowest / hertz) ** rng.uniform(0.3, 1.0)
    return modes(n, hertz.tolist(), decays.tolist(), (rng.uniform(0.3, 1, count) * (lowest / hertz) ** 0.4).tolist())


def click(rng: Rng, seconds: float, low: float, high: float) -> Wave:
    """Return a burst of noise that has died away after `seconds`, between two frequencies."""
    n = samples(seconds)
    return noise(rng, n, 0.0, low, high) * pulse_shape(n, 0.0005, seconds)


def place(n: int, events: Iterable[tuple[float, Wave]]) -> Wave:
    """Add up events at their times in seconds; what lies past the end is cut off."""
    total = np.zeros(n)
    for start_s, event in events:
        start = int(start_s * RATE)
        if 0 <= start < n:
            end = min(n, start + len(event))
            total[start:end] += event[: end - start]
    return total


def times(rng: Rng, seconds: float, every: float, spread: float = 0.2, first: float = 0.05) -> list[float]:
    """Return times in seconds at about regular distances, the first at about `first`."""
    gaps = every * (1 + spread * rng.uniform(-1, 1, int(seconds / every) + 2))
    starts = first + np.concatenate([[0.0], np.cumsum(np.maximum(gaps, 0.02))])
    return [float(start) for start in starts if start < seconds]


def at_random(rng: Rng, seconds: float, per_second: float) -> list[float]:
    """Return times of independent events at a mean rate; at least one."""
    count = max(1, int(rng.poisson(per_second * seconds)))
    return [float(start) for start in np.sort(rng.uniform(0, seconds, count))]


def repeat(rng: Rng, seconds: float, starts: Sequence[float], make: Callable[[], Wave], loudness: float = 0.3) -> Wave:
    """Add up new takes of one event at the times given, with loudness varying by e to the deviation given."""
    gains = np.exp(loudness * rng.standard_normal(len(starts)))
    return place(samples(seconds), ((start, gain * make()) for start, gain in zip(starts, gains, strict=True)))


def saturate(wave: Wave, drive: float) -> Wave:
    """Overdrive softly, as loud sources and cheap loudspeakers do."""
    return np.asarray(np.tanh(drive * wave / (np.abs(wave).max() + 1e-9)))
