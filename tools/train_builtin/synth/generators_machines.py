# ruff: noqa: D103 - the captions say what a generator makes
"""Machines in the house and the workshop: a rotor's harmonics, the noise of air and rubbing, and a cycle of work.

Farnell 2010, practicals 34 (fans) and 36 (motors).
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
    high_pass,
    low_pass,
    noise,
    pick,
    place,
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


def motor(rng: Rng, pitch: Wave, tilt: float = 1.0, count: int = 40, uneven: float = 0.5) -> Wave:
    """Return a rotor with deviation 1: harmonics of a pitch in hertz that fall off as k^-tilt, some stronger."""
    strengths = np.exp(uneven * rng.standard_normal(count)) / np.arange(1, count + 1) ** tilt
    wave = tone(pitch * (1 + wander(rng, len(pitch), 15, 0.003)), strengths.tolist())
    return unit(wave)


def start_stop(rng: Rng, n: int) -> Wave:
    """Return a speed between 0.3 and 1: either constant, or running up, or running down."""
    return [curve(n, 1, 1), curve(n, 0.3, 0.9, *[1.0] * 5), curve(n, *[1.0] * 5, 0.8, 0.3)][int(rng.integers(3))]


@sound("a vacuum cleaner", "someone vacuuming", "a hoover running", "vacuum cleaning the carpet")
def vacuum_cleaner(rng: Rng) -> Wave:
    n = samples(rng.uniform(3, 6))
    speed = start_stop(rng, n) if rng.random() < 0.3 else 1 + wander(rng, n, 0.7, 0.02)
    whine = motor(rng, around(rng, 320, 1.6) * speed, 0.7, 20, 0.8)
    air = noise(rng, n, rng.uniform(-4, -0.5), around(rng, 150, 2), 7800)
    body = resonances(air, [(around(rng, hz, 1.4), 0.25 * hz, 1.5) for hz in (450, 1300, 3000)])
    return (rng.uniform(0.15, 0.8) * whine + air + unit(body)) * speed**1.5


@sound("a hair dryer", "blow-drying hair", "a hand dryer", "a heat gun")
def hair_dryer(rng: Rng) -> Wave:
    n = samples(rng.uniform(3, 6))
    speed = start_stop(rng, n)
    whine = motor(rng, around(rng, 480, 1.5) * speed, 1.0, 12, 0.8)
    return (0.4 * whine + noise(rng, n, -1, around(rng, 350, 1.6))) * speed**1.5


@sound("a washing machine", "a washing machine spinning", "laundry turning in a washing machine", "a tumble dryer")
def washing_machine(rng: Rng) -> Wave:
    seconds = rng.uniform(4, 6)
    n = samples(seconds)
    spin, drum = rng.random() < 0.5, around(rng, 1.1, 1.5)
    pitch = around(rng, 150 if spin else 50, 1.6) * (curve(n, 0.7, 1.0) if spin else curve(n, 1, 1))
    turn = 1 + 0.4 * np.sin(2 * np.pi * drum * (4 if spin else 1) * np.arange(n) / RATE)
    hum = motor(rng, pitch, 1.1, 30) * turn
    swash = noise(rng, n, -4, 80, 3500) * np.maximum(0.1, np.sin(2 * np.pi * drum * np.arange(n) / RATE)) ** 2
    knocks = repeat(rng, seconds, times(rng, seconds, 1 / drum, 0.1), lambda: low_pass(click(rng, 0.2, 40, 900), 500))
    return np.asarray(hum + rng.uniform(0.3, 1.2) * swash + 0.8 * knocks + 0.3 * noise(rng, n, -4))


@sound("an electric fan", "a fan whirring", "air conditioning", "a ventilation fan", "a computer fan humming")
def fan(rng: Rng) -> Wave:
    n = samples(rng.uniform(3, 6))
    blades = around(rng, 70, 2)
    air = noise(rng, n, rng.uniform(-6, -2), 50, around(rng, 4000, 1.6))
    chop = 1 + 0.3 * np.sin(2 * np.pi * np.cumsum(blades * np.ones(n)) / RATE)
    return air * chop + rng.uniform(0.1, 0.7) * motor(rng, np.full(n, blades), 1.2, 15)


@sound("an electric drill", "drilling a hole", "a power drill", "a cordless screwdriver")
def drill(rng: Rng) -> Wave:
    n = samples(rng.uniform(1.5, 5))
    load = np.clip(np.minimum(1, 3 * swell(n, 0.5)) * (1 + wander(rng, n, 2, 0.08)), 0.05, None)
    pitch = around(rng, 380, 1.7) * load
    grind = noise(rng, n, 0, 800) * (1 + wander(rng, n, 90, 0.3)) * load
    return (motor(rng, pitch, 0.6, 25) + rng.uniform(0.2, 1.0) * grind) * np.minimum(1, 2 * load)


@sound("a jackhammer", "a pneumatic drill", "drilling concrete on a construction site", "road works")
def jackhammer(rng: Rng) -> Wave:
    seconds, rate = rng.uniform(2.5, 6), around(rng, 22, 1.4)
    body = [(around(rng, hz, 1.3), 0.2 * hz, 1.0) for hz in (180, 800, 2400)]
    blows = repeat(rng, seconds, times(rng, seconds, 1 / rate, 0.04), lambda: click(rng, 0.03, 80, 7000), 0.15)
    return resonances(blows, body) + 0.5 * blows + 0.03 * noise(rng, len(blows), -2)


@sound("a blender", "a kitchen mixer", "a food processor", "a coffee grinder")
def blender(rng: Rng) -> Wave:
    n = samples(rng.uniform(2, 5))
    speed = start_stop(rng, n) * (1 + wander(rng, n, 5, 0.03))
    rubble = noise(rng, n, -1, 300) * np.exp(wander(rng, n, 30, 0.5))
    return (motor(rng, around(rng, 280, 1.5) * speed, 0.5, 30) + rng.uniform(0.3, 1.5) * rubble) * speed


@sound("an electric shaver", "a hair clipper", "an electric toothbrush", "a tattoo machine")
def shaver(rng: Rng) -> Wave:
    n = samples(rng.uniform(2, 6))
    pitch = around(rng, 115, 1.5) * (1 + wander(rng, n, 2, 0.02))
    buzz = motor(rng, pitch, 0.3, 50, 0.7)
    return band(buzz, 150, around(rng, 5000)) * (1 + wander(rng, n, 3, 0.15)) + 0.2 * noise(rng, n, 0, 1500)


@sound("a sewing machine", "sewing on a machine")
def sewing_machine(rng: Rng) -> Wave:
    seconds, rate = rng.uniform(2.5, 6), around(rng, 11, 1.5)
    body = [(around(rng, hz, 1.3), 0.15 * hz, 1.0) for hz in (300, 1200, 2900)]
    ticks = repeat(rng, seconds, times(rng, seconds, 0.5 / rate, 0.05), lambda: click(rng, 0.015, 150, 7000), 0.3)
    hum = motor(rng, np.full(len(ticks), 9 * rate), 1.0, 20)
    return resonances(ticks, body) + 0.4 * ticks + 0.03 * hum


@sound("a printer printing", "an inkjet printer", "a dot matrix printer", "a photocopier", "a scanner")
def printer(rng: Rng) -> Wave:
    seconds = rng.uniform(3, 6)
    n, sweep = samples(seconds), around(rng, 0.8, 1.5)
    carriage = np.sin(2 * np.pi * np.arange(n) / RATE / sweep)
    pitch = around(rng, 420, 1.7) * (0.4 + np.abs(carriage) ** 0.3)
    whirr = motor(rng, pitch, 0.6, 15) * (np.abs(carriage) > 0.2) + 0.4 * noise(rng, n, 0, 900)
    turns = [t for t in np.arange(0.1, seconds, sweep / 2)]
    clunks = repeat(rng, seconds, turns, lambda: click(rng, 0.04, 200, 5000), 0.2)
    feed = motor(rng, around(rng, 150) * curve(n, 1, 1), 0.5, 30) * (np.sin(np.arange(n) / RATE * 2) > 0.8)
    return 0.3 * whirr + clunks + 0.2 * feed


@sound("an electric hum", "mains hum", "the hum of a transformer", "a refrigerator humming")
def hum(rng: Rng) -> Wave:
    n = samples(rng.uniform(3, 6))
    mains = pick(rng, 50, 60, 100, 120)
    return motor(rng, np.full(n, mains), 1.1, 15, 0.9) + rng.uniform(0.02, 0.4) * noise(rng, n, -5)


@sound("electric sparks", "an electric arc", "a welding torch", "electricity crackling")
def sparks(rng: Rng) -> Wave:
    n, mains = samples(rng.uniform(2, 5)), pick(rng, 100, 120)
    buzz = np.abs(np.sin(np.pi * mains * np.arange(n) / RATE)) ** 8 * noise(rng, n, 0, 600)
    on = wander(rng, n, 7) > rng.uniform(-0.5, 0.7)
    snaps = place(n, [(t, 2 * click(rng, 0.01, 500, 7800)) for t in at_random(rng, n / RATE, 12)])
    return low_pass(buzz * on, 6500) + 0.5 * snaps


@sound("a chainsaw", "cutting down a tree with a chainsaw", "a chainsaw cutting wood")
def chainsaw(rng: Rng) -> Wave:
    n = samples(rng.uniform(3, 6))
    throttle = np.clip(0.8 + wander(rng, n, 0.8, 0.35), 0.3, 1.15)
    pitch = around(rng, 130, 1.3) * throttle * (1 + wander(rng, n, 70, 0.02))
    exhaust = motor(rng, pitch, 0.4, 55, 0.6)
    exhaust = resonances(exhaust, [(around(rng, hz, 1.3), 0.35 * hz, 1.5) for hz in (500, 1500, 3200)]) + 0.4 * exhaust
    rasp = noise(rng, n, 0, 1200) * (1 + wander(rng, n, 120, 0.4))
    return np.tanh(exhaust * 1.2) * throttle + rng.uniform(0.15, 0.6) * rasp * throttle**2


@sound("a lawn mower", "mowing the lawn", "a leaf blower", "a hedge trimmer")
def lawn_mower(rng: Rng) -> Wave:
    n = samples(rng.uniform(3, 6))
    pitch = around(rng, 55, 1.4) * (1 + wander(rng, n, 1, 0.03) + wander(rng, n, 40, 0.02))
    engine = motor(rng, pitch, 0.5, 70, 0.6)
    return low_pass(np.tanh(engine), around(rng, 3500)) + 0.5 * noise(rng, n, -2, 150, 6000)


@sound("a circular saw", "a table saw cutting wood", "an angle grinder", "grinding metal")
def power_saw(rng: Rng) -> Wave:
    n = samples(rng.uniform(2, 6))
    load = np.clip(wander(rng, n, 1.2, 0.6) + 0.6, 0, 1.2)
    scream = tone(around(rng, 1600, 1.5) * (1.1 - 0.12 * load), (1, 0.6, 0.5, 0.3))
    whine = motor(rng, around(rng, 300, 1.4) * (1.1 - 0.12 * load), 0.6, 25)
    return 0.3 * scream * (0.3 + load) + whine + load * high_pass(noise(rng, n), around(rng, 1500, 1.6)) * 1.2


@sound("a robot moving", "a servo motor", "an elevator moving", "an automatic door")
def servo(rng: Rng) -> Wave:
    def move() -> Wave:
        n = samples(rng.uniform(0.2, 1.1))
        return motor(rng, around(rng, 420, 1.7) * np.minimum(1, 3 * swell(n, 0.6) + 0.2), 0.7, 20) * swell(n, 0.2)

    seconds = rng.uniform(1.5, 5)
    return repeat(rng, seconds, times(rng, seconds, 1.0, 0.4), move, 0.2)
