# ruff: noqa: D103 - the captions say what a generator makes
"""Vehicles: firing pulses through an exhaust, blades that slap, wheels on joints, and the Doppler shift of passing.

Farnell 2010, practicals 45 (cars), 47 (helicopter) and 48 (jet).
"""

import numpy as np

from tools.train_builtin.synth.dsp import (
    RATE,
    Rng,
    Wave,
    around,
    click,
    curve,
    glottis,
    high_pass,
    low_pass,
    noise,
    pick,
    place,
    pulse_shape,
    repeat,
    resonances,
    samples,
    times,
    tone,
    unit,
    wander,
)
from tools.train_builtin.synth.generators_machines import motor
from tools.train_builtin.synth.registry import sound


def firing(rng: Rng, rate: Wave, cylinders: int, rough: float) -> Wave:
    """Return exhaust pulses with deviation 1 at a rate in hertz; every cylinder is a little different."""
    phase = np.cumsum(rate * (1 + wander(rng, len(rate), 20, 0.01 * rough))) / RATE
    gains = np.exp(0.3 * rough * rng.standard_normal(cylinders))[np.floor(phase).astype(np.int64) % cylinders]
    pulses = gains * np.exp(-(phase % 1.0) * rng.uniform(4, 10))
    hiss = pulses * noise(rng, len(rate), -2, 100)
    pipes = [(around(rng, hz, 1.5), 0.3 * hz, gain) for hz, gain in ((90, 1.5), (240, 1.0), (620, 0.7), (1500, 0.4))]
    wave = high_pass(pulses, 25)
    wave = unit(wave) + rng.uniform(0.3, 1.2) * unit(hiss)
    wave = resonances(wave, pipes) + 0.3 * wave
    return unit(wave)


def passing(rng: Rng, n: int) -> tuple[Wave, Wave]:
    """Return the loudness and the frequency factor (Doppler) of something that passes by."""
    speed, nearest = around(rng, 18, 1.7), around(rng, 8, 1.8)
    time = np.arange(n) / RATE - n / RATE * rng.uniform(0.35, 0.65)
    distance = np.hypot(nearest, speed * time)
    return nearest / distance, 1 / (1 + speed**2 * time / distance / 340.0)


@sound("an engine idling", "a car engine running", "an engine", "a truck idling", "a diesel engine")
def engine_idle(rng: Rng) -> Wave:
    n = samples(rng.uniform(3, 6))
    wave = firing(rng, around(rng, 26, 1.7) * (1 + wander(rng, n, 1, 0.02)), int(rng.integers(1, 7)), 1.0)
    return low_pass(wave, around(rng, 4000, 1.8)) + rng.uniform(0.05, 0.3) * noise(rng, n, -4)


@sound("a car accelerating", "revving an engine", "a sports car", "a racing car")
def engine_rev(rng: Rng) -> Wave:
    n = samples(rng.uniform(2.5, 6))
    contour = [curve(n, 0.3, 1, 0.5, 1.0), curve(n, 0.3, 0.5, 0.8, 1.0), curve(n, 0.35, 1, 0.3, 1, 0.3)]
    throttle = contour[int(rng.integers(3))]
    wave = firing(rng, around(rng, 140, 1.6) * throttle, 4, 0.6)
    return np.tanh(wave) * (0.3 + throttle) + 0.2 * noise(rng, n, -3) * throttle


@sound("starting a car", "a car engine starting", "the ignition of a car")
def engine_start(rng: Rng) -> Wave:
    n, crank = samples(rng.uniform(2.5, 5)), rng.uniform(0.7, 1.5)
    k = samples(crank)
    turning = motor(rng, np.full(k, around(rng, 170)), 0.7, 20) * (
        0.6 + 0.4 * np.sin(np.arange(k) / RATE * 2 * np.pi * 5.5)
    )
    m = n - k
    running = firing(rng, around(rng, 28, 1.3) * curve(m, 1.0, 2.2, 1.3, 1.0, 1.0), 4, 0.8)
    return np.concatenate([0.6 * turning, running]) + 0.1 * noise(rng, n, -4)


@sound("a motorcycle", "a motorbike driving by", "a motorcycle accelerating", "a moped")
def motorcycle(rng: Rng) -> Wave:
    n = samples(rng.uniform(3, 6))
    loud, shift = passing(rng, n) if rng.random() < 0.6 else (np.ones(n), curve(n, 0.4, 1, 0.7, 1))
    wave = firing(rng, around(rng, 75, 1.8) * shift * (1 + wander(rng, n, 1, 0.08)), 2, 1.0)
    return np.tanh(1.5 * wave) * loud + 0.1 * noise(rng, n, -3)


@sound("a car passing by", "cars driving past", "road traffic", "a busy street", "traffic on a highway")
def car_passing(rng: Rng) -> Wave:
    n = samples(rng.uniform(3.5, 6))
    total = np.zeros(n)
    for _ in range(int(rng.integers(1, 4))):
        loud, shift = passing(rng, n)
        tyres = noise(rng, n, -2, 150, 4500) + 0.5 * noise(rng, n, -6)
        total += np.roll(
            loud**1.3 * (tyres + 0.4 * motor(rng, around(rng, 80, 1.4) * shift, 1.0)), int(rng.integers(n))
        )
    return total + 0.1 * noise(rng, n, -5)


@sound("a tractor", "a farm tractor driving", "an old diesel tractor", "a generator running")
def tractor(rng: Rng) -> Wave:
    n = samples(rng.uniform(3, 6))
    wave = firing(rng, around(rng, 14, 1.6) * (1 + wander(rng, n, 0.6, 0.08)), 2, 1.2)
    return low_pass(wave, 1800) + 0.3 * motor(rng, np.full(n, around(rng, 95)), 1.0) + 0.3 * noise(rng, n, -3)


@sound("a helicopter", "a helicopter flying overhead", "helicopter rotor blades", "a helicopter hovering")
def helicopter(rng: Rng) -> Wave:
    n, rate = samples(rng.uniform(3, 6)), around(rng, 14, 1.6)
    phase = np.cumsum(rate * (1 + wander(rng, n, 1, 0.01))) / RATE % 1.0
    slap = np.exp(-phase * rng.uniform(4, 9))
    thump = slap * noise(rng, n, -3, 40, around(rng, 2500, 1.6)) + 1.2 * high_pass(slap, 20) * rng.uniform(0.3, 1.5)
    turbine = motor(rng, np.full(n, around(rng, 900, 1.6)), 1.2, 8) * rng.uniform(0, 0.2)
    distance = curve(n, *rng.uniform(0.3, 1.0, 3))
    return low_pass(thump + turbine + 0.25 * noise(rng, n, -4), around(rng, 2800, 2)) * distance


@sound("a jet airplane", "an airplane flying overhead", "a plane taking off", "a jet plane passing")
def airplane_jet(rng: Rng) -> Wave:
    n = samples(rng.uniform(4, 6))
    loud, shift = passing(rng, n)
    loud = loud**0.5
    roar = noise(rng, n, -4, 40, around(rng, 3500, 1.5))
    hiss = noise(rng, n, 0, 1500, 7000) * loud**2
    whine = tone(around(rng, 2200, 1.5) * shift * (1 + wander(rng, n, 2, 0.01)), (1, 0.4))
    return loud * roar + rng.uniform(0.05, 0.4) * hiss + rng.uniform(0, 0.25) * whine * loud


@sound("a propeller plane", "a small airplane", "an old aircraft flying by", "a drone flying")
def propeller_plane(rng: Rng) -> Wave:
    n = samples(rng.uniform(4, 6))
    loud, shift = passing(rng, n)
    drone = motor(rng, around(rng, 95, 1.5) * (0.6 + 0.4 * shift), 0.9, 40, 0.6)
    beat = 1 + 0.3 * np.sin(2 * np.pi * rng.uniform(0.5, 4) * np.arange(n) / RATE)
    return (low_pass(drone, around(rng, 2500)) * beat + 0.3 * noise(rng, n, -4)) * (0.2 + loud**0.5)


@sound(
    "a train passing", "a train on the tracks", "a train rattling over the rails", "riding on a train", "a subway train"
)
def train(rng: Rng) -> Wave:
    seconds, pace = rng.uniform(4, 6), around(rng, 1.1, 1.6)
    n, body = samples(seconds), [(around(rng, hz, 1.3), 0.2 * hz, 1.0) for hz in (120, 480, 1300)]
    joints = [start + beat * pace for start in times(rng, seconds, pace, 0.02) for beat in (0, 0.16, 0.45, 0.61)]
    clack = resonances(repeat(rng, seconds, joints, lambda: click(rng, 0.03, 80, 5000), 0.25), body)
    roll = noise(rng, n, -4, 40, 5000) * (1 + wander(rng, n, 3, 0.15))
    squeal = tone(around(rng, 2900, 1.3) * (1 + wander(rng, n, 5, 0.01)), (1, 0.3)) * np.clip(wander(rng, n, 1), 0, 1)
    loud = passing(rng, n)[0] ** 0.4 if rng.random() < 0.5 else 1.0
    return (1.2 * unit(clack) + roll + rng.uniform(0, 0.4) * squeal) * loud


@sound("a steam train", "a steam locomotive chuffing", "an old train puffing")
def steam_train(rng: Rng) -> Wave:
    seconds, rate = rng.uniform(4, 6), around(rng, 3, 1.8)

    def chuff() -> Wave:
        n = samples(0.9 / rate)
        return noise(rng, n, -2, 120, 5000) * pulse_shape(n, 0.03, 1.0 / rate)

    wave = repeat(rng, seconds, times(rng, seconds, 1 / rate, 0.03), chuff, 0.15)
    return wave + 0.15 * noise(rng, len(wave), -3)


@sound("a train whistle", "a train horn", "a locomotive blowing its whistle", "a steam whistle")
def train_whistle(rng: Rng) -> Wave:
    def blast() -> Wave:
        n = samples(rng.uniform(0.5, 2))
        chord = around(rng, 330, 1.4) * np.array([1, 1.26, 1.5, 1.89])
        bend = curve(n, 0.93, 1, 1, 1, 0.95)
        wave = sum(tone(hz * bend, (1, 0.6, 0.4, 0.25, 0.15, 0.1)) for hz in chord)
        return (wave + 0.5 * noise(rng, n, -1, 400)) * np.minimum(1, 6 * curve(n, 0, 1, 1, 1, 0))

    seconds = rng.uniform(2, 5)
    return repeat(rng, seconds, times(rng, seconds, 2.0, 0.3), blast, 0.1)


@sound("a car horn", "a car honking", "drivers honking", "a vehicle horn beeping")
def car_horn(rng: Rng) -> Wave:
    base, third = around(rng, 400, 1.3), pick(rng, 1.0, 1.2, 1.26)

    def honk() -> Wave:
        n = samples(pick(rng, rng.uniform(0.12, 0.4), rng.uniform(0.5, 2)))
        horn = [glottis(rng, np.full(n, hz), 0.001, 0.5) for hz in (base, base * third)]
        wave = resonances(horn[0] + horn[1], [(around(rng, hz, 1.05), 700, 1.0) for hz in (1100, 2200, 3500)])
        return (wave + 0.2 * (horn[0] + horn[1])) * np.minimum(1, np.minimum(np.arange(n), np.arange(n)[::-1]) / 250)

    seconds = rng.uniform(1.2, 5)
    return repeat(rng, seconds, times(rng, seconds, around(rng, 0.9, 1.8), 0.5), honk, 0.05)


@sound("a ship's horn", "a foghorn", "a ferry blowing its horn", "a truck horn")
def ship_horn(rng: Rng) -> Wave:
    n = samples(rng.uniform(2, 5))
    pitch = around(rng, 110, 1.5) * curve(n, 0.97, 1, 1, 0.97)
    reed = glottis(rng, pitch, 0.002, 0.5) + 0.6 * glottis(rng, pitch * pick(rng, 1.0, 1.25, 1.5), 0.002, 0.5)
    wave = resonances(reed, [(around(rng, hz, 1.1), 0.5 * hz, 1.0) for hz in (300, 700, 1500)])
    return low_pass(wave, 2500) * np.minimum(1, 8 * curve(n, 0, 1, 1, 1, 0)) + 0.002 * noise(rng, n, -4)


@sound("brakes squealing", "a car skidding", "screeching tyres", "a train braking")
def brakes(rng: Rng) -> Wave:
    n = samples(rng.uniform(1, 3))
    pitch = around(rng, 1500, 1.8) * curve(n, 1.05, 1.0, 0.9) * (1 + wander(rng, n, 30, 0.02))
    squeal = tone(pitch, (1, 0.5, 0.35, 0.2)) * (1 + wander(rng, n, 60, 0.3))
    return (squeal + 0.4 * noise(rng, n, 0, 700)) * curve(n, 0.2, 1, 1, 0.8, 0)


@sound("rowing a boat", "paddling in a canoe", "oars in the water")
def rowing(rng: Rng) -> Wave:
    seconds = rng.uniform(3, 6)

    def stroke() -> Wave:
        n = samples(0.9)
        creak = tone(around(rng, 300, 1.4) * curve(n, 1, 1.4), (1, 0.6, 0.4)) * pulse_shape(n, 0.1, 0.3) * 0.2
        return noise(rng, n, -3, 150, 4000) * pulse_shape(n, 0.15, 0.8) + creak

    return repeat(rng, seconds, times(rng, seconds, around(rng, 1.5, 1.2), 0.1), stroke, 0.2) + 0.03 * noise(
        rng, samples(seconds), -3
    )


@sound("a spaceship", "a rocket launch", "a rocket engine", "a spacecraft taking off")
def rocket(rng: Rng) -> Wave:
    n = samples(rng.uniform(3, 6))
    crackle = np.abs(noise(rng, n, -3, 30, 2500)) ** 1.6 * np.sign(noise(rng, n, -3, 30, 2500))
    return crackle * curve(n, 0.1, 0.8, 1, 0.9, 0.6) + place(n, [(0.2, 2 * click(rng, 0.4, 40, 900))])
