# ruff: noqa: D103 - the captions say what a generator makes
"""Insects, frogs and snakes: wings as pulse trains, stridulation as chirps, croaks as trains of resonant pulses.

Bennet-Clark 1989 (crickets and cicadas: each tooth of the file rings a resonant wing), Gerhardt 1994 (frogs).
"""

import numpy as np

from tools.train_builtin.synth.dsp import (
    RATE,
    Rng,
    Wave,
    around,
    at_random,
    band,
    curve,
    glottis,
    noise,
    place,
    pulse_shape,
    repeat,
    samples,
    swell,
    times,
    tone,
    tract,
    wander,
)
from tools.train_builtin.synth.registry import sound


def _cricket(rng: Rng, seconds: float) -> Wave:
    n = samples(seconds)
    pulses, rate, every = int(rng.integers(2, 6)), around(rng, 32, 1.4), around(rng, 0.55, 1.8)
    pulse = tone(np.full(samples(0.7 / rate), around(rng, 4400, 1.25)), (1, 0.05)) * swell(samples(0.7 / rate))
    chirp = place(samples(pulses / rate + 0.01), [(i / rate, pulse) for i in range(pulses)])
    return place(n, [(start, chirp) for start in times(rng, seconds, every, 0.08, rng.uniform(0, every))])


@sound("crickets chirping", "crickets at night", "a cricket chirps", "a summer night with crickets")
def crickets(rng: Rng) -> Wave:
    seconds = rng.uniform(3, 6)
    chorus = sum((around(rng, 1, 3) * _cricket(rng, seconds) for _ in range(rng.integers(1, 7))), np.zeros(1))
    return chorus + rng.uniform(0, 0.05) * noise(rng, samples(seconds), -2, 200)


@sound("cicadas buzzing", "cicadas in the trees", "grasshoppers chirping in a meadow", "insects in summer")
def cicadas(rng: Rng) -> Wave:
    n = samples(rng.uniform(3, 6))
    centre, rate = around(rng, 5200, 1.25), around(rng, 110, 2.2)
    clicks = np.maximum(0, np.sin(2 * np.pi * np.cumsum(rate * (1 + wander(rng, n, 30, 0.05))) / RATE)) ** 2
    return band(noise(rng, n), 0.75 * centre, 1.3 * centre) * (0.15 + clicks) * (1.1 + wander(rng, n, 1.5, 0.4))


@sound("a bee buzzing", "bees buzzing around a hive", "a buzzing bumblebee", "insects buzzing")
def bees(rng: Rng) -> Wave:
    n = samples(rng.uniform(2, 6))
    total = 0.05 * noise(rng, n, -3)
    for _ in range(int(rng.integers(1, 8))):
        wings = glottis(rng, around(rng, 200, 1.3) * (1 + wander(rng, n, 3, 0.05)), 0.02, 0.8)
        near = np.exp(wander(rng, n, 0.8, 0.7))
        total += near * tract(wings, [around(rng, 500), around(rng, 1800)], 0.4)
    return total


@sound("a fly buzzing", "a fly flying around", "a housefly buzzing past", "a wasp")
def fly(rng: Rng) -> Wave:
    n = samples(rng.uniform(2, 6))
    distance = np.exp(wander(rng, n, around(rng, 2, 1.7), 1.0))
    pitch = around(rng, 190, 1.3) * (1 + wander(rng, n, 2.5, 0.07))
    return tone(pitch, tuple(1 / k**0.8 for k in range(1, 22))) * distance * (1 + wander(rng, n, 40, 0.15))


@sound("a mosquito buzzing", "a mosquito near the ear", "the whine of a mosquito")
def mosquito(rng: Rng) -> Wave:
    n = samples(rng.uniform(2, 6))
    pitch = around(rng, 560, 1.25) * (1 + wander(rng, n, 3, 0.06))
    return tone(pitch, (1, 0.7, 0.5, 0.4, 0.25, 0.2, 0.1)) * np.exp(wander(rng, n, 1.2, 0.8))


@sound("a frog croaking", "a frog croaks", "a toad", "ribbit")
def frog_croak(rng: Rng) -> Wave:
    carrier, rate, long = around(rng, 1100, 2), around(rng, 38, 2.0), around(rng, 0.35, 1.8)

    def croak() -> Wave:
        n = samples(long)
        pulses = np.maximum(0, np.sin(np.pi * np.cumsum(rate * curve(n, 0.9, 1.1, 1.0)) / RATE)) ** 4
        ring = tone(carrier * curve(n, 0.9, 1.08, 1.0), (0.5, 1, 0.4, 0.2)) + 0.2 * noise(rng, n, -3)
        return (0.05 + pulses) * ring * swell(n, 0.5)

    seconds = rng.uniform(1.5, 5)
    return repeat(rng, seconds, times(rng, seconds, long * rng.uniform(1.3, 3), 0.25), croak, 0.15)


@sound("frogs croaking in a pond", "a chorus of frogs", "many frogs at night")
def frog_chorus(rng: Rng) -> Wave:
    seconds = rng.uniform(3, 6)
    n, total = samples(seconds), np.zeros(samples(seconds))
    for _ in range(int(rng.integers(4, 12))):
        m = samples(around(rng, 0.12, 1.7))
        pulses = 0.5 + 0.5 * np.sin(2 * np.pi * np.arange(m) / RATE * around(rng, 60, 2))
        call = tone(around(rng, 1500, 1.9) * curve(m, 0.9, 1.1), (1, 0.4, 0.2)) * pulses * swell(m, 0.6)
        starts = times(rng, seconds, around(rng, 0.5, 1.7), 0.3, rng.uniform(0, 0.5))
        total += around(rng, 1, 2) * place(n, [(start, call) for start in starts])
    return total


@sound("a snake hissing", "the hiss of a snake")
def snake_hiss(rng: Rng) -> Wave:
    n = samples(rng.uniform(1.5, 4))
    return noise(rng, n, 1, around(rng, 2500), 7800) * np.maximum(0.02, swell(n, 0.6) + wander(rng, n, 4, 0.1))


@sound("a rattlesnake", "the rattle of a snake")
def rattlesnake(rng: Rng) -> Wave:
    n, rate = samples(rng.uniform(1.5, 4)), around(rng, 55, 1.4)
    grains = place(n, [(start, pulse_shape(200, 0.0005, 0.01)) for start in times(rng, n / RATE, 1 / rate, 0.3)])
    return band(noise(rng, n), 2500, 7500) * grains * np.exp(wander(rng, n, 4, 0.2))


@sound("insects rustling", "many insects crawling", "a locust swarm")
def rustling_insects(rng: Rng) -> Wave:
    seconds = rng.uniform(2, 6)
    wave = repeat(
        rng,
        seconds,
        at_random(rng, seconds, around(rng, 90, 2)),
        lambda: noise(rng, 60) * pulse_shape(60, 0.0003, 0.004),
    )
    return band(wave, 1500, 7000)
