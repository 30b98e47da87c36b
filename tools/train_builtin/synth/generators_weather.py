# ruff: noqa: D103 - the captions say what a generator makes
"""Weather: wind and waves are noise whose colour and loudness follow slow gusts; rain is many small impacts.

Farnell 2010, practicals 14-18 (rain, thunder, wind); thunder as many N-waves of a crooked channel: Few, "Power
spectrum of thunder" (JGR 74, 1969).
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
    pick,
    place,
    pulse_shape,
    repeat,
    resonances,
    samples,
    swell,
    unit,
    wander,
)
from tools.train_builtin.synth.registry import sound


def _drizzle(rng: Rng, n: int, per_second: float, low: float, high: float) -> Wave:
    """Return sparse random impulses of very different strength, coloured between two frequencies."""
    hits = (rng.random(n) < per_second / RATE) * rng.exponential(1.0, n) ** 1.5 * rng.choice([-1.0, 1.0], n)
    wave = band(hits, low, high)
    return unit(wave)


@sound("rain falling", "heavy rain", "the sound of rain", "a rain shower", "it is raining")
def rain(rng: Rng) -> Wave:
    n = samples(rng.uniform(3, 6))
    drops = _drizzle(rng, n, around(rng, 300, 4), around(rng, 900), around(rng, 6500, 1.15))
    hiss = noise(rng, n, rng.uniform(-3, 1), around(rng, 400, 1.6), 7800)
    mix = rng.uniform(0.15, 0.9)
    return (mix * hiss + (1 - mix) * drops) * (1 + wander(rng, n, 0.8, 0.12)) + rng.uniform(0, 0.3) * noise(rng, n, -8)


@sound("rain on a roof", "rain drumming on a metal roof", "rain on a window", "rain on a tent")
def rain_on_roof(rng: Rng) -> Wave:
    seconds = rng.uniform(3, 6)
    n, body = samples(seconds), [(around(rng, hz, 1.4), 0.3 * hz, 1.0) for hz in (350, 900, 2200)]
    drops = resonances(_drizzle(rng, n, around(rng, 90, 2.5), 100, 6000), body)
    return unit(drops) + rng.uniform(0.1, 0.6) * noise(rng, n, -2, 300, 7000)


@sound("hail falling", "hailstones hitting a car", "hail on a window")
def hail(rng: Rng) -> Wave:
    seconds = rng.uniform(2.5, 6)
    body = [(around(rng, hz, 1.4), 120.0, 1.0) for hz in (900, 2100, 3900)]
    knocks = repeat(
        rng, seconds, at_random(rng, seconds, around(rng, 35, 2)), lambda: click(rng, 0.012, 500, 7500), 0.7
    )
    return knocks + 0.6 * resonances(knocks, body) + 0.02 * noise(rng, len(knocks), -1, 500)


@sound("thunder", "a thunderstorm", "thunder rumbling in the distance", "a clap of thunder and rain")
def thunder(rng: Rng) -> Wave:
    seconds, near = rng.uniform(3, 6), rng.uniform(0, 1)
    n = samples(seconds)
    strikes = rng.exponential(0.7, int(rng.integers(15, 50))) + rng.uniform(0, 0.6)
    rumble = place(n, [(t, noise(rng, 9000, -7, 25) * pulse_shape(9000, 0.02, 0.8) * np.exp(-t)) for t in strikes])
    rumble = low_pass(rumble, 200 + 1500 * near**2) + 0.3 * low_pass(noise(rng, n, -6, 25), 90) * swell(n)
    crack = [(s, noise(rng, 2500, -2, 80) * pulse_shape(2500, 0.001, 0.15)) for s in rng.uniform(0.1, 0.5, 9)]
    wet = pick(rng, 0.0, 0.05, 0.15) * (noise(rng, n, -1, 500) + _drizzle(rng, n, 150, 800, 6000))
    return unit(rumble) + 2.5 * near**3 * place(n, crack) + wet


@sound("wind blowing", "strong wind howling", "a gust of wind", "a howling storm")
def wind(rng: Rng) -> Wave:
    n = samples(rng.uniform(3, 6))
    gusts = np.exp(wander(rng, n, 0.7, 0.5) + wander(rng, n, 3, 0.12))
    body = noise(rng, n, rng.uniform(-8, -3), 40, around(rng, 2500, 2)) * gusts
    centre, howl = around(rng, 550, 1.6), np.zeros(n)
    for i in range(4):
        near = np.exp(-((np.log2(gusts) * 0.8 + 0.75 - 0.5 * i) ** 2) / 0.1)
        howl += near * resonances(noise(rng, n), [(centre * 2 ** (0.3 * i), around(rng, 40), 1.0)])
    return body + pick(rng, 0.0, 0.0, 0.5, 1.5) * unit(howl) * gusts


@sound("wind on a microphone", "a stormy day outdoors", "rumbling wind noise")
def wind_noise(rng: Rng) -> Wave:
    n = samples(rng.uniform(3, 6))
    buffets = np.exp(wander(rng, n, 5, 0.8) + wander(rng, n, 0.6, 0.5))
    return np.tanh(low_pass(noise(rng, n, -6, 20), around(rng, 250, 1.8)) * buffets * 3)


@sound("leaves rustling in the wind", "rustling trees", "wind in the leaves")
def leaves(rng: Rng) -> Wave:
    n = samples(rng.uniform(3, 6))
    gusts = np.exp(wander(rng, n, 0.9, 0.6))
    return (noise(rng, n, 0, 1500, 7500) + _drizzle(rng, n, 250, 1500, 7500)) * gusts + 0.4 * noise(rng, n, -6) * gusts


@sound("sea waves", "waves breaking on the beach", "the sound of the ocean", "surf rolling onto the shore")
def sea_waves(rng: Rng) -> Wave:
    seconds = rng.uniform(4, 6)
    n, total = samples(seconds), np.zeros(samples(seconds))
    for start in [-1.0, *np.cumsum(rng.uniform(1.5, 4, 3)).tolist()]:
        rise, fall = rng.uniform(0.5, 1.8), rng.uniform(1.5, 4)
        time = np.arange(n) / RATE - start
        swash = np.where(time < rise, np.clip(time / rise, 0, 1) ** 2, np.exp(-(time - rise) / fall * 2.5))
        crash = swash * np.clip(1.5 - 0.5 * (time - rise), 0.3, 1.5)
        total += rng.uniform(0.4, 1) * (
            swash * noise(rng, n, -3, 60, 7000) + 0.6 * crash * noise(rng, n, 0, 1200, 7800)
        )
    return total + rng.uniform(0.2, 0.5) * noise(rng, n, -5, 40, 3000)


@sound("a quiet room", "silence", "background noise", "room tone")
def room_tone(rng: Rng) -> Wave:
    n = samples(rng.uniform(3, 6))
    hum = np.sin(2 * np.pi * pick(rng, 50, 60, 100) * np.arange(n) / RATE) * rng.uniform(0, 0.5)
    return noise(rng, n, rng.uniform(-7, -2)) + hum + curve(n, 0, 0)
