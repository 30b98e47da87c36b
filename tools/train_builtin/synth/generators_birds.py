# ruff: noqa: D103 - the captions say what a generator makes
"""Birds: a syrinx whistles purer tones than vocal folds do, so songs are tones and only harsh calls are voices.

Syllable shapes after Catchpole and Slater, "Bird Song" (2008); harsh calls are source-filter voices as of mammals.
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
    noise,
    place,
    repeat,
    resonances,
    samples,
    swell,
    times,
    tone,
    voice,
    wander,
)
from tools.train_builtin.synth.registry import sound


@sound("a rooster crowing", "a cock crows cock-a-doodle-doo", "a crowing rooster in the morning")
def rooster(rng: Rng) -> Wave:
    base, rough = around(rng, 650, 1.25), rng.uniform(0.1, 0.5)

    def syllable(seconds: float, *contour: float) -> Wave:
        n = samples(seconds)
        pitch = base * curve(n, *contour) * (1 + wander(rng, n, 25, 0.015))
        shapes = [[900, 1900, 3200], [1200, 2300, 3500], [900, 1900, 3200]]
        return voice(rng, pitch, shapes, breath=0.08, rough=rough, rough_hz=60, damping=0.12) * swell(n, 0.35)

    stretch, rise = around(rng, 1.0, 1.2), rng.uniform(1.15, 1.4)
    crow = [
        (0.0, syllable(0.18 * stretch, 0.75, 0.95, 0.9)),
        (0.28 * stretch, 0.8 * syllable(0.14 * stretch, 0.9, 1.0, 0.95)),
        (0.48 * stretch, syllable(0.35 * stretch, 1.0, rise, rise, 1.05)),
        (0.88 * stretch, syllable(rng.uniform(0.7, 1.2) * stretch, 1.0, rise, 1.1, 1.0, 0.85, 0.6)),
    ]
    return place(samples(2.3 * stretch), crow)


@sound("a hen clucking", "chickens clucking in a coop", "a clucking hen")
def hen_cluck(rng: Rng) -> Wave:
    base = around(rng, 520, 1.3)

    def cluck() -> Wave:
        long = rng.random() < 0.12
        n = samples(rng.uniform(0.3, 0.6) if long else around(rng, 0.07, 1.5))
        pitch = around(rng, base, 1.2) * (curve(n, 0.8, 0.9, 1.7, 1.5) if long else curve(n, 1.2, 1.0, 0.75))
        shapes = [[800, 1700, 3000], [1100, 2000, 3300]]
        return voice(rng, pitch, shapes, breath=0.25, rough=0.35, damping=0.12) * swell(n, 0.6)

    seconds = rng.uniform(2, 6)
    return repeat(rng, seconds, times(rng, seconds, around(rng, 0.4, 1.6), 0.7), cluck, 0.4)


@sound("a crow cawing", "a crow caws", "ravens cawing")
def crow_caw(rng: Rng) -> Wave:
    base, rough = around(rng, 430, 1.35), rng.uniform(0.3, 0.8)

    def caw() -> Wave:
        n = samples(around(rng, 0.32, 1.3))
        pitch = around(rng, base, 1.05) * curve(n, 0.85, 1.1, 1.05, 0.8)
        mouth = [[1000, 1600, 2900], [1350, 1900, 3100], [1100, 1600, 2900]]
        return voice(rng, pitch, mouth, breath=0.3, rough=rough, rough_hz=75, jitter=0.05) * swell(n, 0.4)

    seconds = rng.uniform(1.5, 6)
    return repeat(rng, seconds, times(rng, seconds, around(rng, 0.75, 1.4), 0.3), caw, 0.15)


@sound("birds chirping", "birds singing in the trees", "birdsong in the morning", "chirping birds")
def birds_chirping(rng: Rng) -> Wave:
    seconds = rng.uniform(2.5, 6)
    total = np.zeros(samples(seconds))
    for _ in range(int(rng.integers(1, 5))):
        call = _bird_call(rng, around(rng, 3800, 1.6))
        starts = times(rng, seconds, around(rng, 0.9, 2), 0.5, rng.uniform(0, 1))
        total += around(rng, 1, 2.5) * repeat(rng, seconds, starts, lambda call=call: call, 0.2)  # type: ignore[misc]
    return total


def _bird_call(rng: Rng, base: float) -> Wave:
    """Return a few syllables of one shape, as one bird repeats them."""
    n, count = samples(around(rng, 0.09, 2)), int(rng.integers(1, 7))
    contour = rng.uniform(0.75, 1.3, int(rng.integers(2, 5)))
    trill = rng.uniform(0, 0.08) * np.sin(2 * np.pi * np.arange(n) / RATE * rng.uniform(20, 60))
    syllable = tone(base * curve(n, *contour) * (1 + trill), (1, 0.15, 0.05)) * swell(n, 0.8)
    gap = n / RATE * rng.uniform(1.1, 2)
    return place(samples(gap * count + 0.2), [(i * gap, syllable * rng.uniform(0.6, 1)) for i in range(count)])


@sound("a songbird singing", "a blackbird sings a melody", "a canary whistling", "a nightingale singing")
def songbird(rng: Rng) -> Wave:
    base = around(rng, 2600, 1.4)

    def note() -> Wave:
        n = samples(around(rng, 0.16, 2))
        glide = rng.uniform(0.7, 1.45, 3)
        warble = rng.uniform(0, 0.12) * np.sin(2 * np.pi * np.arange(n) / RATE * rng.uniform(10, 45))
        return tone(base * rng.uniform(0.8, 1.5) * curve(n, *glide) * (1 + warble), (1, 0.2, 0.06)) * swell(n, 0.6)

    seconds = rng.uniform(2, 6)
    return repeat(rng, seconds, times(rng, seconds, 0.28, 0.6), note, 0.35)


@sound("sparrows twittering", "a small bird tweeting", "a chick peeping", "baby birds in a nest")
def peeping(rng: Rng) -> Wave:
    base, drop = around(rng, 4300, 1.35), rng.uniform(0.6, 0.95)

    def peep() -> Wave:
        n = samples(around(rng, 0.08, 1.5))
        return tone(around(rng, base, 1.1) * curve(n, 1.1, 1.0, drop), (1, 0.25, 0.1)) * swell(n, 0.7)

    seconds = rng.uniform(1.5, 6)
    return repeat(rng, seconds, times(rng, seconds, around(rng, 0.28, 1.8), 0.5), peep, 0.3)


@sound("an owl hooting", "the hoot of an owl at night")
def owl(rng: Rng) -> Wave:
    base = around(rng, 380, 1.3)

    def hoot(seconds: float) -> Wave:
        n = samples(seconds)
        return (tone(base * curve(n, 0.95, 1.03, 0.97), (1, 0.1, 0.04)) + 0.03 * noise(rng, n, -4)) * swell(n, 0.6)

    pattern = [(0.0, 0.35), (0.7, 0.15), (0.95, 0.6)] if rng.random() < 0.5 else [(0.0, 0.5), (1.2, 0.5)]
    cycle = rng.uniform(2.2, 3)
    calls = [(turn * cycle + start, hoot(long)) for turn in range(2) for start, long in pattern]
    return place(samples(2 * cycle), calls)


@sound("a cuckoo calling", "a cuckoo clock", "cuckoo")
def cuckoo(rng: Rng) -> Wave:
    base, n = around(rng, 620, 1.15), samples(0.28)
    high, low = (tone(curve(n, hz, 0.98 * hz), (1, 0.12)) * swell(n, 0.5) for hz in (base, base * 0.8))
    cycle = rng.uniform(1.1, 1.6)
    calls = [(turn * cycle + shift, call) for turn in range(4) for shift, call in ((0.1, high), (0.5, low))]
    return place(samples(rng.uniform(2, 5)), calls)


@sound("a duck quacking", "ducks on a pond", "quacking ducks")
def duck_quack(rng: Rng) -> Wave:
    base = around(rng, 260, 1.3)

    def quack() -> Wave:
        n = samples(around(rng, 0.2, 1.3))
        mouth = [[900, 1700, 2900], [1300, 2100, 3100], [900, 1600, 2800]]
        pitch = around(rng, base, 1.06) * curve(n, 0.9, 1.1, 0.85)
        return voice(rng, pitch, mouth, breath=0.15, rough=0.5, rough_hz=90, damping=0.05) * swell(n, 0.5)

    seconds = rng.uniform(1.5, 5)
    return repeat(rng, seconds, times(rng, seconds, around(rng, 0.38, 1.5), 0.4), quack, 0.2)


@sound("a goose honking", "geese honking overhead", "a turkey gobbling")
def goose(rng: Rng) -> Wave:
    base = around(rng, 420, 1.35)

    def honk() -> Wave:
        n = samples(around(rng, 0.22, 1.5))
        pitch = around(rng, base, 1.15) * curve(n, 0.8, 1.15, 1.2, 0.8)
        return voice(rng, pitch, [[1000, 1500, 2700], [1300, 1800, 2900]], breath=0.1, rough=0.3) * swell(n, 0.4)

    seconds = rng.uniform(1.5, 5)
    return repeat(rng, seconds, at_random(rng, seconds, rng.uniform(2, 5)), honk, 0.5)


@sound("seagulls crying", "a seagull screeching at the beach", "gulls calling")
def seagull(rng: Rng) -> Wave:
    base = around(rng, 900, 1.25)

    def cry() -> Wave:
        n = samples(around(rng, 0.4, 1.6))
        pitch = around(rng, base, 1.15) * curve(n, 0.8, 1.35, 1.25, 1.0, 0.85)
        return voice(rng, pitch, [[1500, 2500, 3900]], breath=0.1, rough=0.2, damping=0.15) * swell(n, 0.5)

    seconds = rng.uniform(2, 6)
    return repeat(rng, seconds, times(rng, seconds, around(rng, 0.6, 1.5), 0.6), cry, 0.5)


@sound("a pigeon cooing", "doves cooing", "a cooing pigeon")
def pigeon(rng: Rng) -> Wave:
    base = around(rng, 380, 1.25)

    def coo() -> Wave:
        n = samples(around(rng, 0.6, 1.3))
        roll = 1 + 0.5 * np.sin(2 * np.pi * np.arange(n) / RATE * rng.uniform(14, 28))
        return tone(base * curve(n, 0.85, 1.1, 1.05, 0.85), (1, 0.15, 0.05)) * roll * swell(n, 0.7)

    seconds = rng.uniform(2, 6)
    return repeat(rng, seconds, times(rng, seconds, around(rng, 0.95, 1.2), 0.3), coo, 0.3)


@sound("a woodpecker drumming on a tree", "a woodpecker pecking")
def woodpecker(rng: Rng) -> Wave:
    body = [(around(rng, hz, 1.3), 80.0, gain) for hz, gain in ((700, 1.0), (1500, 0.6), (2600, 0.3))]
    strokes, rate = int(rng.integers(8, 22)), rng.uniform(14, 24)
    drum = [(i / rate, resonances(click(rng, 0.02, 200, 6000), body)) for i in range(strokes)]
    n = samples(strokes / rate + 0.2)
    wave = place(n, drum) * curve(n, 1, 0.9, 0.4)
    seconds = rng.uniform(2, 5)
    return repeat(rng, seconds, times(rng, seconds, 2.0, 0.3), lambda: wave)


@sound("a parrot screeching", "a hawk screams", "an eagle screeching", "a peacock calling")
def screech(rng: Rng) -> Wave:
    base = around(rng, 1300, 1.5)

    def scream() -> Wave:
        n = samples(around(rng, 0.7, 1.7))
        pitch = base * curve(n, 0.8, 1.2, 1.1, 0.8)
        return voice(rng, pitch, [[1800, 2900, 4200]], breath=0.25, rough=0.6, rough_hz=100, damping=0.2) * swell(
            n, 0.5
        )

    seconds = rng.uniform(1.5, 5)
    return repeat(rng, seconds, times(rng, seconds, 1.3, 0.4), scream)


@sound("flapping wings", "a bird flapping its wings", "pigeons taking off")
def wings(rng: Rng) -> Wave:
    seconds, rate = rng.uniform(1, 4), around(rng, 9, 1.5)

    def flap() -> Wave:
        n = samples(0.7 / rate)
        return noise(rng, n, -4, 100, around(rng, 2500, 1.4)) * swell(n, 2)

    return repeat(rng, seconds, times(rng, seconds, 1 / rate, 0.08), flap, 0.2) * swell(samples(seconds), 0.4)
