# ruff: noqa: D103 - the captions say what a generator makes
"""Fire and blasts: crackle as random clicks over a lapping roar; explosions as a shock followed by a falling rumble.

Farnell 2010, practicals 11 (fire), 29 (guns) and 30 (explosions).
"""

import numpy as np

from tools.train_builtin.synth.dsp import (
    RATE,
    Rng,
    Wave,
    around,
    at_random,
    band,
    click,
    curve,
    low_pass,
    noise,
    place,
    pulse_shape,
    repeat,
    resonances,
    samples,
    tone,
    unit,
    wander,
)
from tools.train_builtin.synth.registry import sound


@sound("a crackling fire", "a campfire burning", "wood crackling in a fireplace", "the sound of fire")
def fire(rng: Rng) -> Wave:
    seconds = rng.uniform(3, 6)
    n = samples(seconds)

    def snap() -> Wave:
        return click(rng, around(rng, 0.008, 2.5), around(rng, 900, 2), 7600) * rng.gamma(0.7)

    crackle = repeat(rng, seconds, at_random(rng, seconds, around(rng, 22, 2.5)), snap, 0.6)
    fizz = (rng.random(n) < 60 / RATE) * rng.exponential(0.3, n)
    roar = low_pass(noise(rng, n, -5, 30), around(rng, 400, 2)) * (1 + wander(rng, n, 7, 0.35))
    hiss = noise(rng, n, 1, 2000) * np.clip(wander(rng, n, 2), 0, None)
    mix = rng.uniform(0.02, 0.25)
    return (
        crackle + band(fizz, 1500, 7500) + mix * roar + mix * rng.uniform(0.05, 0.3) * noise(rng, n, -2) + 0.02 * hiss
    )


@sound("food frying in a pan", "sizzling bacon", "frying an egg", "sizzling oil")
def frying(rng: Rng) -> Wave:
    seconds = rng.uniform(3, 6)
    n = samples(seconds)
    sizzle = noise(rng, n, 1, around(rng, 2500), 7800) * (1 + wander(rng, n, 40, 0.25))
    spits = repeat(
        rng, seconds, at_random(rng, seconds, around(rng, 50, 2)), lambda: click(rng, 0.007, 1200, 7800), 0.8
    )
    return sizzle * 0.3 + rng.uniform(0.3, 1.5) * spits


@sound("striking a match", "lighting a match", "lighting a lighter")
def match(rng: Rng) -> Wave:
    n = samples(rng.uniform(1.2, 2.5))
    scratch = noise(rng, n, 1, 1500) * curve(n, *([0, 0.5, 0.8] + [0.0] * 9)) * (1 + wander(rng, n, 200, 0.5))
    flare = noise(rng, n, -2, 200) * np.roll(pulse_shape(n, 0.05, 1.5), n // 6) * (np.arange(n) > n // 6)
    return scratch + flare * (1 + wander(rng, n, 15, 0.3))


def _blast(rng: Rng, seconds: float, corner_hz: float) -> Wave:
    """Return a shock and its rumble; the rumble's corner frequency falls as it dies."""
    n = samples(seconds)
    shock = noise(rng, n, -1, 60) * pulse_shape(n, 0.001, 0.08 * seconds)
    bright = low_pass(noise(rng, n, -3, 25), corner_hz) * pulse_shape(n, 0.004, 0.6 * seconds)
    dark = low_pass(noise(rng, n, -3, 25), 0.15 * corner_hz) * pulse_shape(n, 0.02, 1.2 * seconds)
    return np.asarray(1.2 * shock + unit(bright) * 0.3 + unit(dark) * 0.4)


@sound("an explosion", "a bomb exploding", "a loud blast", "a big bang")
def explosion(rng: Rng) -> Wave:
    wave = np.tanh(_blast(rng, rng.uniform(1.5, 5), around(rng, 900, 2)) * rng.uniform(1, 3))
    debris = place(len(wave), [(t, 0.05 * click(rng, 0.02, 300, 6000)) for t in rng.uniform(0.3, 3, 25)])
    return np.asarray(wave + debris)


@sound("a gunshot", "gunshots", "a gun being fired", "a pistol shot", "rifle shots")
def gunshot(rng: Rng) -> Wave:
    corner, decay = around(rng, 2500, 1.7), around(rng, 0.5, 2)

    def shot() -> Wave:
        n = samples(1.2)
        boom = noise(rng, n, -2, 60, corner) * pulse_shape(n, 0.0005, decay)
        return np.tanh(4 * boom * 0.5) + 0.8 * np.pad(click(rng, 0.012, 500, 7800), (0, n - samples(0.012)))

    seconds = rng.uniform(1.2, 4)
    starts = times_of_shots(rng, seconds)
    return repeat(rng, seconds, starts, shot, 0.1)


def times_of_shots(rng: Rng, seconds: float) -> list[float]:
    """Return one to a few single shots."""
    return [0.05, *np.sort(rng.uniform(0.3, seconds, int(rng.integers(0, 5)))).tolist()]


@sound("a machine gun firing", "automatic gunfire", "a burst of machine gun fire")
def machine_gun(rng: Rng) -> Wave:
    seconds, rate = rng.uniform(1.5, 4), around(rng, 11, 1.4)

    def shot() -> Wave:
        n = samples(0.35)
        return np.tanh(2 * noise(rng, n, -2, 60, 4500) * pulse_shape(n, 0.0005, 0.2))

    starts = [start for start in np.arange(0.05, seconds, 1 / rate) if (start % 1.6) < rng.uniform(0.9, 1.6)]
    return repeat(rng, seconds, starts, shot, 0.08)


@sound("fireworks", "fireworks exploding", "a firework display", "rockets and bangs on new year's eve")
def fireworks(rng: Rng) -> Wave:
    seconds = rng.uniform(3, 6)
    n = samples(seconds)
    bursts = repeat(
        rng,
        seconds,
        at_random(rng, seconds, around(rng, 1.2, 1.6)),
        lambda: _blast(rng, 1.4, around(rng, 1200, 1.8)),
        0.6,
    )
    total = unit(bursts)
    if rng.random() < 0.6:
        m = samples(rng.uniform(0.5, 1.2))
        whistle = tone(around(rng, 2200, 1.4) * curve(m, 0.7, 1.2, 1.1), (1, 0.3)) + 0.3 * noise(rng, m, 0, 1500)
        total += place(n, [(rng.uniform(0, 1), whistle * curve(m, 0.3, 1, 0.4))])
    start = rng.uniform(0.3, 0.6) * seconds
    sparks = np.sort(start + rng.exponential(0.5, int(rng.integers(0, 90))))
    return total + place(n, [(t, 1.2 * click(rng, 0.01, 1000, 7500) * rng.random()) for t in sparks])


@sound("a firecracker", "firecrackers popping", "a string of firecrackers")
def firecrackers(rng: Rng) -> Wave:
    seconds = rng.uniform(1.5, 5)

    def pop() -> Wave:
        return noise(rng, 2500, -1, 200) * pulse_shape(2500, 0.0004, 0.07)

    return repeat(rng, seconds, at_random(rng, seconds, around(rng, 9, 1.8)), pop, 0.5)


@sound("a balloon popping", "a cork popping from a bottle", "a pop")
def pop(rng: Rng) -> Wave:
    n = samples(0.3)
    wave = noise(rng, n, -2, 150) * pulse_shape(n, 0.0004, around(rng, 0.06, 1.6))
    return np.pad(wave + tone(around(rng, 420, 1.5) * curve(n, 1, 1.3)) * pulse_shape(n, 0.001, 0.08), (800, 12000))


@sound("opening a can", "opening a can of soda", "a can being opened with a hiss", "a beer can opening")
def can_opening(rng: Rng) -> Wave:
    n = samples(rng.uniform(1.2, 2.5))
    start = rng.uniform(0.1, 0.4)
    metal = [(around(rng, hz, 1.2), 150.0, 1.0) for hz in (900, 2300, 3900, 5600)]
    snap = resonances(np.pad(click(rng, 0.02, 300, 7800), (0, 3000)), metal)
    hiss = noise(rng, n, 2, 1800) * pulse_shape(n, 0.01, around(rng, 0.7, 1.8))
    crack = resonances(np.pad(click(rng, 0.04, 300, 7500), (0, 3000)), metal)
    snap_gain = 1.0 / np.abs(snap).max()
    bend = [(start + delay, rng.uniform(0.3, 0.9) * snap_gain * crack) for delay in rng.uniform(0.1, 0.45, 4)]
    taps = [(rng.uniform(0, start), 0.3 * snap_gain * snap)]
    fizz = (rng.random(n) < 120 / RATE) * rng.exponential(0.1, n) * (np.arange(n) / RATE > start + 0.3)
    return place(n, [(start, snap_gain * snap), (start + 0.01, 0.25 * hiss), *bend, *taps]) + band(fizz, 2000, 7800)
