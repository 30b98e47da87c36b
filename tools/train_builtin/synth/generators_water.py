# ruff: noqa: D103 - the captions say what a generator makes
"""Water: what we hear of it are bubbles, each a decaying sine that rises a little as it nears the surface.

Minnaert's frequency of a bubble of radius r is about 3 / r hertz with r in metres; damping and rise after van den
Doel, "Physically based models for liquid sounds" (ACM Transactions on Applied Perception 2, 2005), sections 3 and 4.
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
    noise,
    pick,
    place,
    pulse_shape,
    repeat,
    resonances,
    samples,
    swell,
    times,
    tone,
    unit,
    wander,
)
from tools.train_builtin.synth.registry import sound


def bubble(rng: Rng, radius_mm: float, rise: float = 0.1) -> Wave:
    """Return one bubble: hertz = 3000 / mm, damping 0.13 / r + 0.0072 r^-1.5 a second with r in metres."""
    radius = radius_mm / 1000.0
    hertz, damping = 3.0 / radius, 0.13 / radius + 0.0072 * radius**-1.5
    n = min(samples(5.0 / damping), samples(0.25))
    time = np.arange(n) / RATE
    phase = 2 * np.pi * hertz * time * (1 + 0.5 * rise * damping * time)
    return np.asarray(np.sin(phase) * np.exp(-damping * time) * np.minimum(1, time * hertz))


def bubbles(rng: Rng, seconds: float, per_second: float, smallest_mm: float, largest_mm: float) -> Wave:
    """Return many independent bubbles; small ones are more frequent, large ones louder."""
    events = []
    for start in at_random(rng, seconds, per_second):
        radius = smallest_mm * (largest_mm / smallest_mm) ** rng.beta(1, 1.6)
        rise = pick(rng, 0.0, 0.1, 0.25)
        events.append((start, bubble(rng, radius, rise) * (radius / largest_mm) ** 1.2 * rng.exponential()))
    wave = place(samples(seconds), events)
    return unit(wave)


@sound("water dripping", "water drops falling", "a dripping tap", "drip, drip, drip")
def water_drops(rng: Rng) -> Wave:
    base, rise = around(rng, 2.6, 1.8), rng.uniform(0.05, 0.3)

    def drop() -> Wave:
        ring = np.pad(bubble(rng, around(rng, base, 1.25), rise), (samples(rng.uniform(0.01, 0.05)), 0))
        return place(samples(0.3), [(0.0, 0.35 * click(rng, 0.006, 1500, 7500)), (0.0, ring)])

    seconds = rng.uniform(1.5, 6)
    starts = times(rng, seconds, around(rng, 0.6, 2), rng.uniform(0.05, 0.6))
    return repeat(rng, seconds, starts, drop, 0.3) + 0.003 * rng.random() * noise(rng, samples(seconds), -3)


@sound("a stream flowing", "a babbling brook", "a small river", "water flowing over stones")
def stream(rng: Rng) -> Wave:
    seconds = rng.uniform(3, 6)
    babble = bubbles(rng, seconds, around(rng, 160, 1.7), 0.7, around(rng, 5, 1.3))
    return babble + rng.uniform(0.1, 0.7) * noise(rng, len(babble), -2, 300, 6000)


@sound("a waterfall", "rushing water", "a river in flood", "white water")
def waterfall(rng: Rng) -> Wave:
    seconds = rng.uniform(3, 6)
    n = samples(seconds)
    roar = noise(rng, n, rng.uniform(-5, -2), 60, 7500) * (1 + wander(rng, n, 6, 0.05))
    return roar + 0.3 * bubbles(rng, seconds, 120, 1, 8)


@sound("pouring water into a glass", "water being poured", "filling a bottle with water", "pouring a drink")
def pouring(rng: Rng) -> Wave:
    seconds = rng.uniform(2.5, 6)
    n = samples(seconds)
    depth = curve(n, 1, 0.35)  # air column that is left: its resonance rises while the vessel fills
    hertz, steps = around(rng, 450, 1.6) / depth, 8
    source = bubbles(rng, seconds, around(rng, 150, 1.5), 0.6, 4) + 0.5 * noise(rng, n, -1, 300, 6000)
    total = 0.35 * source
    for i in range(steps):
        centre = float(hertz[int((i + 0.5) * n / steps)])
        weight = np.clip(1 - np.abs(np.arange(n) / n * steps - 0.5 - i), 0, 1)
        total += weight * resonances(source, [(centre, 0.12 * centre, 2.0), (2.9 * centre, 0.3 * centre, 0.8)])
    return total * np.minimum(1, swell(n, 0.25) * 1.2) * (1 + wander(rng, n, 8, 0.12))


@sound("a running tap", "water running from a faucet", "someone taking a shower", "filling a bathtub")
def tap(rng: Rng) -> Wave:
    seconds = rng.uniform(3, 6)
    n = samples(seconds)
    basin = [(around(rng, hz, 1.3), 0.25 * hz, 1.5) for hz in (380, 1100, 2600)]
    source = bubbles(rng, seconds, around(rng, 110, 1.7), 0.6, 5) + rng.uniform(0.5, 2) * noise(rng, n, 0, 500, 7500)
    return source + resonances(source, basin)


@sound("flushing a toilet", "a toilet flush", "a toilet being flushed")
def toilet_flush(rng: Rng) -> Wave:
    seconds = rng.uniform(4, 6)
    n = samples(seconds)
    rush = noise(rng, n, -3, 80, 6500) + 0.5 * resonances(noise(rng, n), [(around(rng, 350), 90, 4.0)])
    gurgle = bubbles(rng, seconds, 90, 2, 12) * curve(n, 0.2, 0.4, 1, 0.8, 0.2)
    refill = noise(rng, n, 1, 1500, 7000) * curve(n, 0, 0.1, 0.3, 0.35, 0.35)
    flow = curve(n, 0.05, 0.9, 1.0, 0.8, 0.45, 0.2, 0.1) * (1 + wander(rng, n, 7, 0.15))
    lever = place(n, [(0.05, 2 * click(rng, 0.05, 300, 4000)), (0.2, click(rng, 0.08, 200, 3000))])
    return flow * unit(rush) + 0.6 * gurgle + rng.uniform(0.2, 1) * refill + lever


@sound("boiling water", "a pot boiling on the stove", "a kettle boiling", "bubbling liquid")
def boiling(rng: Rng) -> Wave:
    seconds = rng.uniform(3, 6)
    roll = bubbles(rng, seconds, around(rng, 90, 1.6), 2.5, around(rng, 13, 1.3))
    return roll * (1 + wander(rng, len(roll), 4, 0.3)) + rng.uniform(0.1, 0.6) * noise(rng, len(roll), -3, 150)


@sound("bubbles rising under water", "a diver breathing under water", "blowing bubbles through a straw", "gurgling")
def underwater(rng: Rng) -> Wave:
    seconds = rng.uniform(2, 6)
    n = samples(seconds)
    bursts = np.clip(wander(rng, n, 1.2) + 0.5, 0.03, None)
    return bubbles(rng, seconds, around(rng, 60, 1.7), 3, 16) * bursts + 0.1 * noise(rng, n, -9)


@sound("a splash", "something falling into water", "a person jumping into a pool", "swimming and splashing")
def splash(rng: Rng) -> Wave:
    def one() -> Wave:
        n = samples(1.5)
        crown = noise(rng, n, -2, 200, 7500) * pulse_shape(n, 0.02, around(rng, 0.8, 1.5))
        cavity = tone(around(rng, 160, 1.5) * curve(n, 1, 1.6), (1, 0.3)) * pulse_shape(n, 0.05, 0.35)
        return crown + cavity + 0.5 * bubbles(rng, 1.5, 80, 1, 8) * pulse_shape(n, 0.15, 1.6)

    seconds = rng.uniform(1.5, 5)
    return repeat(rng, seconds, times(rng, seconds, around(rng, 1.3, 1.6), 0.4), one, 0.4)


@sound("a kettle whistling", "a whistling tea kettle", "steam escaping")
def kettle(rng: Rng) -> Wave:
    n = samples(rng.uniform(3, 6))
    pitch = around(rng, 1900, 1.3) * curve(n, 0.7, 0.95, 1.0, 1.02) * (1 + wander(rng, n, 20, 0.004))
    steam = noise(rng, n, 0, 1000, 7500)
    return tone(pitch, (1, 0.35, 0.1)) * curve(n, 0.1, 0.8, 1, 1) + rng.uniform(0.1, 0.5) * steam


@sound("steam hissing", "a leaking pipe hissing", "air escaping from a tyre", "spraying from a can")
def hissing(rng: Rng) -> Wave:
    n = samples(rng.uniform(1.5, 5))
    jet = noise(rng, n, 2, around(rng, 1500, 1.6), 7800)
    return jet * np.minimum(1, 1.5 * swell(n, 0.4)) * (1 + wander(rng, n, 10, 0.1))


@sound("washing dishes", "dishes in a sink", "someone washing the dishes")
def dishes(rng: Rng) -> Wave:
    seconds = rng.uniform(3, 6)

    def clink() -> Wave:
        lowest = around(rng, 1500, 1.6)
        return resonances(
            np.pad(click(rng, 0.004, 300, 7800), (0, 4000)), [(lowest * k, 25.0, 1.0 / k) for k in (1, 1.7, 2.6)]
        )

    water = bubbles(rng, seconds, 90, 0.8, 7) + 0.5 * noise(rng, samples(seconds), -1, 300)
    clinks = repeat(rng, seconds, at_random(rng, seconds, 2.5), clink, 0.6)
    return water * 0.3 + 2 * unit(clinks) * 0.3


@sound("stirring a cup of tea", "a spoon clinking in a cup", "stirring coffee")
def stirring(rng: Rng) -> Wave:
    pitch = around(rng, 2600, 1.4)
    cup = [(pitch * k, 30.0 * k, 1.0 / k) for k in (1.0, 1.52, 2.4)]
    seconds = rng.uniform(2, 5)
    taps = repeat(
        rng, seconds, times(rng, seconds, around(rng, 0.2, 1.4), 0.25), lambda: click(rng, 0.004, 500, 7800), 0.5
    )
    return resonances(taps, cup) + 0.02 * band(noise(rng, len(taps)), 800, 4000) * (1 + wander(rng, len(taps), 6, 0.5))
