# ruff: noqa: D103 - the captions say what a generator makes
"""Crowds: many hands or voices of different people, each heard from its own distance.

Hand claps after Repp, "The sound of two hands clapping" (JASA 81, 1987): a resonance between 0.5 and 2.5 kHz.
"""

import numpy as np

from tools.train_builtin.synth.dsp import (
    Rng,
    Wave,
    around,
    click,
    curve,
    noise,
    place,
    repeat,
    resonances,
    samples,
    swell,
    times,
    tract,
    unit,
    voice,
    wander,
)
from tools.train_builtin.synth.generators_people import AH, EE, EH, OH, OO, UH, mouth
from tools.train_builtin.synth.registry import sound


def _clap(rng: Rng, cavity_hz: float) -> Wave:
    body = [(around(rng, cavity_hz, 1.1), 0.35 * cavity_hz, 1.0), (around(rng, 2.4 * cavity_hz, 1.2), 900.0, 0.4)]
    return resonances(np.pad(click(rng, 0.025, 150, 7000), (0, 400)), body)


@sound("a person clapping", "clapping hands", "someone claps")
def clapping(rng: Rng) -> Wave:
    seconds, rate, cavity = rng.uniform(1.5, 5), around(rng, 3.6, 1.5), around(rng, 1100, 1.7)
    total = np.zeros(samples(seconds))
    for _ in range(int(rng.integers(1, 5))):
        starts = times(rng, seconds, 1 / rate, 0.06, rng.uniform(0, 0.1))
        total += around(rng, 1, 2) * repeat(rng, seconds, starts, lambda: _clap(rng, cavity), 0.15)
    return total


@sound("an audience applauding", "applause", "a crowd clapping", "people applaud after a concert")
def applause(rng: Rng) -> Wave:
    seconds, people = rng.uniform(3, 6), int(rng.integers(15, 60))
    n, total = samples(seconds), np.zeros(samples(seconds))
    for _ in range(people):
        clap = _clap(rng, around(rng, 1100, 1.9)) * around(rng, 1, 3)
        starts = times(rng, seconds, around(rng, 0.26, 1.35), 0.15, rng.uniform(0, 0.3))
        total += place(n, [(start, clap * rng.uniform(0.6, 1)) for start in starts])
    return unit(total) + rng.uniform(0.1, 0.6) * noise(rng, n, -1, 500, 6000)


def _babble(rng: Rng, n: int, people: int, base_hz: float, excitement: float) -> Wave:
    """Return people who speak in random syllables at once; excited ones raise and hold their voices."""
    total, vowels = np.zeros(n), [AH, EH, EE, OH, OO, UH]
    for _ in range(people):
        pitch = around(rng, base_hz, 1.7) * (1 + excitement) * np.exp(wander(rng, n, 2.5, 0.12))
        shapes = [vowels[int(i)] for i in rng.integers(0, 6, 12)]
        speech = voice(rng, pitch, mouth(*shapes, size=rng.uniform(0.8, 1.05)), breath=0.15, rough=0.3 * excitement)
        syllables = np.maximum(0, wander(rng, n, 5, 1) + 0.3 + excitement)
        total += around(rng, 1, 2) * speech * syllables * np.clip(wander(rng, n, 0.7) + 1, 0, 1)
    return unit(total)


@sound("a crowd of people talking", "the chatter of a crowd", "people talking in a restaurant", "a busy cafe")
def crowd_talking(rng: Rng) -> Wave:
    n = samples(rng.uniform(3, 6))
    return _babble(rng, n, int(rng.integers(5, 11)), 160, 0.0) + rng.uniform(0.1, 0.5) * noise(rng, n, -5)


@sound("a crowd cheering", "fans cheering in a stadium", "a cheering audience", "people shouting and cheering")
def crowd_cheering(rng: Rng) -> Wave:
    n = samples(rng.uniform(3, 6))
    roar = tract(noise(rng, n, -2, 200), [800, 1400, 2700], 0.4)
    voices = _babble(rng, n, int(rng.integers(5, 10)), 260, 0.6)
    return (voices + 1.2 * unit(roar)) * (0.3 + swell(n, 0.5)) + 0.2 * noise(rng, n, 0, 800, 5000)


@sound("children playing", "children shouting in a playground", "kids laughing and playing")
def children(rng: Rng) -> Wave:
    n = samples(rng.uniform(3, 6))
    return _babble(rng, n, int(rng.integers(4, 8)), 330, 0.3) * (0.6 + 0.4 * curve(n, *rng.uniform(0, 1, 6)))


@sound("an audience laughing", "canned laughter", "a group of people laughing")
def crowd_laughing(rng: Rng) -> Wave:
    n = samples(rng.uniform(2, 5))
    total = np.zeros(n)
    for _ in range(int(rng.integers(5, 10))):
        rate = around(rng, 4.8, 1.25)
        beat = np.maximum(0, np.sin(2 * np.pi * (np.arange(n) / 16_000 * rate + rng.uniform()))) ** 1.5
        pitch = around(rng, 260, 1.6) * curve(n, 1.2, 1.1, 0.8) * (1 + 0.1 * beat)
        laugh = voice(rng, pitch, mouth([AH, EH, UH][int(rng.integers(3))], size=rng.uniform(0.8, 1)), breath=0.25)
        total += around(rng, 1, 2) * laugh * beat
    return total * swell(n, 0.6)
