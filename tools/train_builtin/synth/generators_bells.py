# ruff: noqa: D103 - the captions say what a generator makes
"""Bells and other ringing metal, by their partials.

Church bells have hum, prime, tierce, quint and nominal at 0.5, 1, 1.2, 1.5 and 2 (Fletcher and Rossing, "The Physics
of Musical Instruments", section 21); bars follow 1, 2.76, 5.40, 8.93.
"""

import numpy as np

from tools.train_builtin.synth.dsp import (
    RATE,
    Rng,
    Wave,
    around,
    at_random,
    click,
    curve,
    modes,
    noise,
    place,
    pulse_shape,
    repeat,
    samples,
    times,
)
from tools.train_builtin.synth.registry import sound

CHURCH = (0.5, 1.0, 1.2, 1.5, 2.0, 2.5, 2.67, 3.0, 4.0, 5.3, 6.7, 8.1, 9.7, 11.5)
BAR = (1.0, 2.76, 5.40, 8.93)
DOME = (1.0, 2.0, 2.98, 4.5, 5.9)


def bell(rng: Rng, prime: float, ratios: tuple[float, ...], decay: float, clapper: float = 0.2) -> Wave:
    """Return one stroke; every partial is a pair that beats slowly, as no bell is quite round."""
    n = samples(min(5.5, decay * 1.1))
    hertz = [prime * ratio * (1 + split) for ratio in ratios for split in (0.0, rng.uniform(0, 0.003))]
    decays = [decay * (prime / hz) ** 0.7 if hz > prime else decay for hz in hertz]
    gains = [rng.uniform(0.3, 1) / (1 + 0.15 * hz / prime) for hz in hertz]
    strike = np.pad(click(rng, 0.02, 500, 7500), (0, n))[:n]
    return modes(n, hertz, decays, gains) + clapper * len(ratios) * strike


@sound("church bells ringing", "a church bell tolling", "the bells of a cathedral", "a bell tower")
def church_bells(rng: Rng) -> Wave:
    seconds, total = rng.uniform(4, 6), np.zeros(1)
    prime, count = around(rng, 420, 1.7), int(rng.integers(1, 5))
    for i in range(count):
        stroke = bell(rng, prime * (1, 1.19, 1.33, 1.5)[i], CHURCH, around(rng, 4, 1.5), 0.01)
        starts = times(rng, seconds, around(rng, 1.5, 1.4), 0.05, rng.uniform(0, 0.8))
        total = total + repeat(rng, seconds, starts, lambda stroke=stroke: stroke, 0.15)  # type: ignore[misc]
    return total


@sound("a bell ringing", "a hand bell", "a ship's bell", "a bell is struck")
def hand_bell(rng: Rng) -> Wave:
    seconds = rng.uniform(2, 5)
    stroke = bell(rng, around(rng, 1100, 1.8), DOME, around(rng, 2, 1.5))
    return repeat(rng, seconds, times(rng, seconds, around(rng, 0.8, 2), 0.1), lambda: stroke, 0.15)


@sound("a doorbell", "a doorbell rings ding-dong", "ding dong")
def doorbell(rng: Rng) -> Wave:
    high = around(rng, 660, 1.3)
    ding, dong = bell(rng, high, BAR, 1.6, 0.02), bell(rng, high * 0.8, BAR, 2.0, 0.02)
    gap, turns = rng.uniform(0.4, 0.8), int(rng.integers(1, 3))
    strokes = [(0.1 + turn * 2.0 + shift, wave) for turn in range(turns) for shift, wave in ((0, ding), (gap, dong))]
    return place(samples(2.2 * turns + 0.8), strokes)


@sound("a bicycle bell", "a bike bell ringing")
def bicycle_bell(rng: Rng) -> Wave:
    stroke = bell(rng, around(rng, 2400, 1.25), (1.0, 1.02, 1.9, 2.7), around(rng, 1.2, 1.4))
    rings = [start + i * 0.07 for start in times(rng, 3, around(rng, 0.8, 1.4), 0.2) for i in range(rng.integers(1, 5))]
    return repeat(rng, rng.uniform(1.2, 4), rings, lambda: stroke, 0.2)


@sound("wind chimes", "chimes tinkling in the wind", "tinkling bells", "sleigh bells jingling")
def wind_chimes(rng: Rng) -> Wave:
    seconds, base = rng.uniform(3, 6), around(rng, 1300, 1.5)
    tubes = [bell(rng, base * ratio, BAR[:3], around(rng, 2, 1.5), 0.02) for ratio in (1, 1.125, 1.25, 1.5, 1.67)]
    starts = at_random(rng, seconds, around(rng, 3, 2))
    return repeat(rng, seconds, starts, lambda: tubes[int(rng.integers(5))], 0.4)


@sound("a cow bell", "cow bells in the mountains", "goat bells")
def cow_bell(rng: Rng) -> Wave:
    seconds = rng.uniform(2, 5)
    stroke = bell(rng, around(rng, 620, 1.4), (1.0, 1.5, 2.1, 3.3, 4.6), around(rng, 0.5, 1.5), 0.2)
    return repeat(rng, seconds, times(rng, seconds, around(rng, 0.4, 1.5), 0.5), lambda: stroke, 0.4)


@sound("a gong", "a gong being struck", "a large tam-tam")
def gong(rng: Rng) -> Wave:
    ratios = tuple(np.sort(np.concatenate([[1.0], rng.uniform(1.2, 9, 22)])).tolist())
    wave = bell(rng, around(rng, 110, 1.5), ratios, rng.uniform(3.5, 6), 0.0)
    shimmer = noise(rng, len(wave), -2, 800, 5000) * curve(len(wave), 0, 1, 0.4, 0.1, 0)
    return wave + 0.3 * shimmer


@sound("an old telephone ringing", "a telephone ring", "a rotary phone rings")
def telephone_ring(rng: Rng) -> Wave:
    seconds, rate = rng.uniform(2.5, 6), around(rng, 21, 1.2)
    pair = [bell(rng, around(rng, 1500, 1.3) * k, (1.0, 2.1, 3.4), around(rng, 0.7, 1.4), 0.1) for k in (1.0, 1.24)]
    on, off = rng.uniform(0.8, 2), rng.uniform(0.5, 2)
    starts = [t for t in np.arange(0.05, seconds, 1 / rate) if t % (on + off) < on]
    gains = rng.uniform(0.8, 1, len(starts))
    return place(samples(seconds), [(t, pair[i % 2] * g) for i, (t, g) in enumerate(zip(starts, gains, strict=True))])


@sound("an alarm bell", "a school bell", "a fire alarm bell", "an alarm clock with bells")
def alarm_bell(rng: Rng) -> Wave:
    seconds = rng.uniform(2, 6)
    stroke = bell(rng, around(rng, 1700, 1.6), DOME, around(rng, 0.5, 1.6), 0.3)
    return repeat(rng, seconds, times(rng, seconds, 1 / around(rng, 15, 1.5), 0.05), lambda: stroke, 0.1)


@sound("a music box", "a music box playing a lullaby", "a toy piano")
def music_box(rng: Rng) -> Wave:
    seconds, base, pace = rng.uniform(3, 6), around(rng, 900, 1.3), around(rng, 0.25, 1.4)
    scale = 2 ** (np.array([0, 2, 4, 5, 7, 9, 11, 12, 14, 16]) / 12)
    step = (rng.integers(0, 10, 40)).tolist()
    notes = [(i * pace, bell(rng, base * scale[s], (1.0, 6.27), 1.2, 0.03)) for i, s in enumerate(step)]
    return place(samples(seconds), notes)


@sound("a service bell", "a reception bell ding", "a microwave ding", "ding")
def service_bell(rng: Rng) -> Wave:
    seconds = rng.uniform(1.5, 4)
    stroke = bell(rng, around(rng, 2300, 1.4), DOME, around(rng, 1.6, 1.4), 0.3)
    return repeat(rng, seconds, times(rng, seconds, 1.5, 0.5), lambda: stroke, 0.2)


@sound("a spring boing", "a cartoon boing", "a ruler twanging on a table")
def boing(rng: Rng) -> Wave:
    n = samples(rng.uniform(1, 2))
    pitch = around(rng, 130, 1.6) * (curve(n, 1.0, 1.6) + 0.25 * np.sin(2 * np.pi * 9 * np.arange(n) / RATE))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    wave = sum(np.sin(k * phase) / k**0.7 for k in range(1, 12))
    return np.asarray(wave) * pulse_shape(n, 0.003, 1.2 * n / RATE)
