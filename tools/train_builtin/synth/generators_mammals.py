# ruff: noqa: D103 - the captions say what a generator makes
"""Mammals by source and filter: a pitch contour through vocal folds, roughness, breath, and a moving mouth.

Fundamentals and formants are typical of published recordings: Riede and Fitch 1999 (dogs), Nicastro 2004 (cats),
Padilla de la Torre et al. 2015 (cattle), Briefer 2012 (a review of mammals).
"""

import numpy as np

from tools.train_builtin.synth.dsp import (
    Rng,
    Wave,
    around,
    at_random,
    band,
    click,
    curve,
    noise,
    place,
    pulse_shape,
    repeat,
    samples,
    swell,
    times,
    tone,
    voice,
    wander,
)
from tools.train_builtin.synth.registry import sound


@sound("a dog barking", "a barking dog", "a dog barks", "barking")
def dog_bark(rng: Rng) -> Wave:
    size, rough = around(rng, 1.0, 1.8), rng.uniform(0.1, 0.6)
    base, breath = around(rng, 420 / size, 1.3), rng.uniform(0.1, 0.45)

    def bark() -> Wave:
        n = samples(around(rng, 0.16, 1.5))
        pitch = around(rng, base, 1.08) * curve(n, 0.7, 1.3, 1.25, 0.9, 0.55)
        mouth = [[550 / size, 1500 / size, 3000], [950 / size, 1800 / size, 3200], [600 / size, 1500 / size, 2900]]
        return voice(rng, pitch, mouth, breath=breath, rough=rough, rough_hz=70, damping=0.1) * swell(n, 0.6)

    seconds = rng.uniform(1.2, 5)
    starts = times(rng, seconds, around(rng, 0.55, 1.7), 0.5)
    if rng.random() < 0.4:
        starts = starts[: int(rng.integers(1, 4))]
    return repeat(rng, seconds, starts, bark, 0.15)


@sound("a dog growling", "an angry dog growls", "growling")
def dog_growl(rng: Rng) -> Wave:
    n = samples(rng.uniform(1.5, 4))
    pitch = around(rng, 75, 1.4) * (1 + wander(rng, n, 3, 0.08))
    shapes = [[350, 900, 2300], [500, 1200, 2500], [400, 1000, 2300]]
    return voice(rng, pitch, shapes, breath=0.3, rough=0.8, rough_hz=45, jitter=0.06) * swell(n, 0.5)


@sound("a wolf howling", "a dog howling", "a howling wolf in the distance", "a long howl")
def howl(rng: Rng) -> Wave:
    n = samples(rng.uniform(2, 5))
    pitch = around(rng, 480, 1.3) * curve(n, 0.55, 0.95, 1.05, 1.0, 0.98, 0.9, 0.6) * (1 + wander(rng, n, 5, 0.01))
    return voice(rng, pitch, [[450, 900, 2500], [600, 1100, 2600], [400, 800, 2400]], breath=0.04) * swell(n, 0.7)


@sound("a dog whimpering", "a puppy whining", "a whining dog")
def dog_whine(rng: Rng) -> Wave:
    def whine() -> Wave:
        n = samples(around(rng, 0.45, 1.6))
        pitch = around(rng, 950, 1.3) * curve(n, 0.8, 1.15, 1.0, 0.75)
        return tone(pitch * (1 + wander(rng, n, 25, 0.02)), (1, 0.5, 0.25, 0.1)) * swell(n, 0.8)

    seconds = rng.uniform(1.5, 4)
    return repeat(rng, seconds, times(rng, seconds, 0.8, 0.4), whine)


@sound("a cat meowing", "a meowing cat", "a cat says meow", "a kitten mewing")
def cat_meow(rng: Rng) -> Wave:
    base, size = around(rng, 520, 1.5), around(rng, 1.0, 1.2)

    def meow() -> Wave:
        n = samples(around(rng, 0.75, 1.6))
        pitch = around(rng, base, 1.1) * curve(n, 0.8, 1.1, 1.25, 1.15, 0.95, 0.75) * (1 + wander(rng, n, 12, 0.015))
        shapes = [[400, 2300, 3300], [1000, 2100, 3400], [1150, 1800, 3400], [700, 1200, 3000], [400, 900, 2800]]
        mouth = [[hz / size for hz in shape] for shape in shapes]
        return voice(rng, pitch, mouth, breath=0.08, rough=rng.uniform(0, 0.25), damping=0.1) * swell(n, 0.7)

    seconds = rng.uniform(1.2, 5)
    return repeat(rng, seconds, times(rng, seconds, around(rng, 1.5, 1.4), 0.3), meow)


@sound("a cat purring", "a purring cat")
def cat_purr(rng: Rng) -> Wave:
    n = samples(rng.uniform(3, 6))
    breathing = 0.7 + 0.3 * np.sin(2 * np.pi * np.cumsum(around(rng, 0.8, 1.3) + wander(rng, n, 1, 0.1)) / 16_000)
    phase = np.cumsum(around(rng, 26, 1.15) * (0.9 + 0.2 * breathing)) / 16_000
    beats = np.maximum(0, np.sin(2 * np.pi * phase)) ** 3
    return (0.1 + beats) * breathing * band(noise(rng, n, -5), 60, around(rng, 900, 1.5))


@sound("a cat hissing", "an angry cat hisses and spits")
def cat_hiss(rng: Rng) -> Wave:
    n = samples(rng.uniform(0.8, 1.8))
    wave = noise(rng, n, 0, around(rng, 1500), 7500) + 0.6 * band(noise(rng, n), 2500, 4500)
    return wave * pulse_shape(n, 0.05, around(rng, 1.8, 1.3)) * (1 + wander(rng, n, 60, 0.3))


@sound("a cow mooing", "a cow moos", "a mooing cow in a field", "cattle lowing")
def cow_moo(rng: Rng) -> Wave:
    def moo() -> Wave:
        n = samples(rng.uniform(1.0, 2.6))
        pitch = around(rng, 150, 1.6) * curve(n, 0.75, 1.0, 1.15, 1.2, 1.1, 0.8) * (1 + wander(rng, n, 8, 0.01))
        shapes = [[230, 750, 2000], [350, 900, 2100], [600, 1050, 2300], [550, 1000, 2300], [350, 850, 2100]]
        return voice(rng, pitch, shapes, breath=0.06, rough=rng.uniform(0, 0.4), rough_hz=40) * swell(n, 0.4)

    seconds = rng.uniform(2, 6)
    return repeat(rng, seconds, times(rng, seconds, 3.0, 0.3), moo)


@sound("a sheep bleating", "a sheep says baa", "a bleating goat", "a lamb bleating")
def sheep_bleat(rng: Rng) -> Wave:
    base, size = around(rng, 260, 1.7), around(rng, 1.0, 1.25)

    def baa() -> Wave:
        n = samples(rng.uniform(0.5, 1.3))
        quaver = np.sin(2 * np.pi * np.cumsum(around(rng, 8, 1.2) + wander(rng, n, 4, 0.8)) / 16_000)
        pitch = around(rng, base, 1.08) * curve(n, 0.9, 1.05, 1.05, 0.95, 0.85) * (1 + 0.05 * quaver)
        mouth = [[600 / size, 1600 / size, 2600], [850 / size, 1750 / size, 2700], [750 / size, 1650 / size, 2600]]
        wave = voice(rng, pitch, mouth, breath=0.12, rough=0.3, rough_hz=50)
        return wave * (1 + 0.5 * quaver) * swell(n, 0.4)

    seconds = rng.uniform(1.5, 5)
    return repeat(rng, seconds, times(rng, seconds, around(rng, 1.7, 1.4), 0.4), baa)


@sound("a pig grunting", "a pig oinks", "pigs grunting and snorting in a sty")
def pig_grunt(rng: Rng) -> Wave:
    base, size = around(rng, 85, 1.4), around(rng, 1.0, 1.2)

    def grunt() -> Wave:
        n = samples(around(rng, 0.22, 1.7))
        pitch = around(rng, base, 1.2) * curve(n, 0.8, 1.1, 0.8)
        mouth = [[350 / size, 1000 / size, 2400 / size], [500 / size, 1400 / size, 2500 / size]]
        return voice(rng, pitch, mouth, breath=0.4, rough=0.7, rough_hz=60, jitter=0.08) * swell(n, 0.6)

    seconds = rng.uniform(1.5, 5)
    return repeat(rng, seconds, times(rng, seconds, around(rng, 0.5, 1.6), 0.6), grunt, 0.4)


@sound("a pig squealing", "a squealing piglet")
def pig_squeal(rng: Rng) -> Wave:
    def squeal() -> Wave:
        n = samples(rng.uniform(0.4, 1.2))
        pitch = around(rng, 1000, 1.4) * curve(n, 0.6, 1.1, 1.2, 1.0, 0.6) * (1 + wander(rng, n, 20, 0.04))
        return voice(rng, pitch, [[1200, 2600, 3800]], breath=0.2, rough=0.5, rough_hz=90) * swell(n, 0.5)

    seconds = rng.uniform(1.2, 4)
    return repeat(rng, seconds, times(rng, seconds, 1.1, 0.5), squeal)


@sound("a horse neighing", "a horse whinnies", "a neighing horse")
def horse_neigh(rng: Rng) -> Wave:
    n = samples(rng.uniform(1.2, 2.4))
    quaver = np.sin(2 * np.pi * np.cumsum(curve(n, 14, 11, 8)) / 16_000)
    pitch = around(rng, 900, 1.25) * curve(n, 0.7, 1.3, 1.2, 0.9, 0.6, 0.35) * (1 + 0.08 * quaver)
    shapes = [[900, 1900, 3200], [1100, 2100, 3300], [700, 1500, 2800]]
    return voice(rng, pitch, shapes, breath=0.25, rough=0.4) * (1 + 0.6 * quaver) * swell(n, 0.5)


@sound("horse hooves", "a horse galloping", "a horse trotting on a road", "clip-clop of a horse")
def horse_hooves(rng: Rng) -> Wave:
    hardness, stride = around(rng, 900, 1.6), around(rng, 0.45, 1.4)
    beats = [0.0, 0.22, 0.4] if rng.random() < 0.5 else [0.0, 0.5]

    def hoof() -> Wave:
        return click(rng, 0.1, 0.5 * hardness, 3 * hardness) + 0.7 * click(rng, 0.1, 60, 300)

    seconds = rng.uniform(2, 6)
    starts = [start + beat * stride for start in times(rng, seconds, stride, 0.05) for beat in beats]
    return repeat(rng, seconds, starts, hoof, 0.25)


@sound("a donkey braying", "a donkey says hee-haw")
def donkey_bray(rng: Rng) -> Wave:
    def bray(inwards: bool) -> Wave:
        n = samples(rng.uniform(0.45, 0.8))
        pitch = around(rng, 700 if inwards else 330, 1.15) * curve(n, 0.8, 1.1, 1.0)
        mouth = [[500, 2000, 3000]] if inwards else [[800, 1300, 2600], [700, 1200, 2500]]
        return voice(rng, pitch, mouth, breath=0.3, rough=0.6, rough_hz=50) * swell(n, 0.4)

    step = rng.uniform(0.6, 0.8)
    count = int(rng.integers(4, 8))
    return place(samples(step * count + 0.8), [(i * step, bray(i % 2 == 0)) for i in range(count)])


@sound("a lion roaring", "a tiger roars", "the roar of a big cat")
def lion_roar(rng: Rng) -> Wave:
    def roar() -> Wave:
        n = samples(rng.uniform(0.9, 2.2))
        pitch = around(rng, 110, 1.4) * curve(n, 0.8, 1.3, 1.2, 0.9, 0.6)
        mouth = [[350, 700, 2000], [650, 1100, 2300], [600, 1000, 2200], [300, 700, 2000]]
        return voice(rng, pitch, mouth, breath=0.35, rough=0.8, rough_hz=55, jitter=0.05, damping=0.15) * swell(n, 0.6)

    seconds = rng.uniform(2, 6)
    return repeat(rng, seconds, times(rng, seconds, rng.uniform(1.4, 2.8), 0.3), roar)


@sound("a monkey screeching", "chattering monkeys", "a chimpanzee hooting")
def monkey(rng: Rng) -> Wave:
    base, rise = around(rng, 650, 1.5), rng.uniform(0.8, 1.8)

    def hoot() -> Wave:
        n = samples(around(rng, 0.18, 1.5))
        pitch = around(rng, base, 1.2) * curve(n, 0.8, rise, 0.9 * rise)
        return voice(rng, pitch, [[700, 1400, 3000], [1100, 1900, 3200]], breath=0.25, rough=0.4) * swell(n, 0.6)

    seconds = rng.uniform(1.5, 5)
    return repeat(rng, seconds, times(rng, seconds, around(rng, 0.32, 1.4), 0.3), hoot, 0.4)


@sound("an elephant trumpeting", "the trumpet call of an elephant")
def elephant(rng: Rng) -> Wave:
    n = samples(rng.uniform(1.0, 2.2))
    pitch = around(rng, 420, 1.25) * curve(n, 0.6, 1.1, 1.2, 1.1, 0.7) * (1 + wander(rng, n, 30, 0.04))
    return voice(rng, pitch, [[800, 1600, 2700, 3700]], breath=0.2, rough=0.5, rough_hz=80) * swell(n, 0.4)


@sound("a mouse squeaking", "a squeaking rodent", "bats squeaking")
def mouse_squeak(rng: Rng) -> Wave:
    def squeak() -> Wave:
        n = samples(around(rng, 0.07, 1.8))
        return tone(around(rng, 4200, 1.4) * curve(n, 0.85, 1.1, 0.9), (1, 0.3)) * swell(n)

    seconds = rng.uniform(1, 4)
    return repeat(rng, seconds, at_random(rng, seconds, 4), squeak, 0.5)
