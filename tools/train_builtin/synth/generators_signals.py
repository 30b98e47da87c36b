# ruff: noqa: D103 - the captions say what a generator makes
"""Signals that people made to be heard: sirens, beeps, alarms, phones, games. Pure and square tones in patterns.

Farnell 2010, practicals 24-28 (alarms, police siren, telephone tones, DTMF); tone plans of ITU-T E.180 and Q.23.
"""

import numpy as np

from tools.train_builtin.synth.dsp import (
    RATE,
    Rng,
    Wave,
    around,
    band,
    curve,
    low_pass,
    noise,
    pick,
    place,
    resonances,
    samples,
    saturate,
    swell,
    tone,
    unit,
    wander,
)
from tools.train_builtin.synth.registry import sound

SQUARE = tuple(1 / k if k % 2 else 0.0 for k in range(1, 16))
BRIGHT = (1.0, 0.6, 0.45, 0.3, 0.2, 0.1)
SHAPES = ((1.0,), (1.0, 0.3, 0.1), SQUARE, BRIGHT)


def timbre(rng: Rng) -> tuple[float, ...]:
    """Return harmonics: a sine, a soft or a bright tone, or a square wave."""
    return SHAPES[int(rng.integers(len(SHAPES)))]


def beep(hertz: float, seconds: float, harmonics: tuple[float, ...]) -> Wave:
    """Return a steady tone with ends of 3 ms."""
    n = samples(seconds)
    edge = np.minimum(1.0, np.minimum(np.arange(n), np.arange(n)[::-1]) / 48)
    return tone(np.full(n, hertz), harmonics) * edge


@sound("a siren", "a police siren wailing", "an ambulance siren", "a fire engine with its siren on")
def siren(rng: Rng) -> Wave:
    n = samples(rng.uniform(3, 6))
    turn = np.arange(n) / RATE
    kind = int(rng.integers(4))
    if kind == 0:  # wail
        sweep = 0.5 - 0.5 * np.cos(2 * np.pi * turn / rng.uniform(2, 5))
    elif kind == 1:  # yelp
        sweep = 1 - (turn * rng.uniform(2.5, 4.5)) % 1.0
    elif kind == 2:  # two tones, as in Europe
        sweep = ((turn * rng.uniform(0.7, 1.4)) % 1.0 < 0.5).astype(np.float64)
    else:  # a motor siren that runs up
        sweep = np.clip(turn / rng.uniform(2, 4), 0, 1) ** 0.6
    low, ratio = around(rng, 520, 1.3), rng.uniform(1.3, 2.4)
    pitch = low * (1 + (ratio - 1) * low_pass(sweep, 30)) * curve(n, rng.uniform(0.97, 1.03), 1.0)
    horn = resonances(tone(pitch, BRIGHT), [(around(rng, hz, 1.1), 600, 1.0) for hz in (900, 1800)])
    street = rng.uniform(0.02, 0.5) * noise(rng, n, -5)
    return (unit(horn) + street) * curve(n, *rng.uniform(0.4, 1, 3))


@sound("an alarm clock beeping", "an alarm clock", "a digital alarm", "beep beep beep beep")
def alarm_clock(rng: Rng) -> Wave:
    hertz, shape = around(rng, 2000, 1.8), timbre(rng)
    short, count = rng.uniform(0.04, 0.15), int(rng.integers(1, 5))
    pause = rng.uniform(0.15, 0.6)
    group = [(i * 2 * short, beep(hertz, short, shape)) for i in range(count)]
    cycle = count * 2 * short + pause
    beeps = [(turn * cycle + start, wave) for turn in range(int(6 / cycle) + 1) for start, wave in group]
    return place(samples(rng.uniform(2, 6)), beeps)


@sound("a smoke alarm", "a smoke detector beeping", "a fire alarm", "a burglar alarm", "a loud alarm")
def smoke_alarm(rng: Rng) -> Wave:
    hertz = around(rng, 3000, 1.2)
    long = rng.uniform(0.2, 0.6)
    pattern = [i * 2 * long for i in range(3)] if rng.random() < 0.5 else [0.0]
    cycle = pattern[-1] + long * rng.uniform(1.3, 3)
    starts = [turn * cycle + start for turn in range(int(6 / cycle) + 1) for start in pattern]
    return place(samples(rng.uniform(3, 6)), [(start, beep(hertz, long, SQUARE[:3])) for start in starts])


@sound("a car alarm", "a car alarm going off")
def car_alarm(rng: Rng) -> Wave:
    n = samples(rng.uniform(3, 6))
    rate = rng.uniform(2, 7)
    sweep = (np.arange(n) / RATE * rate) % 1.0
    if rng.random() < 0.5:
        sweep = np.abs(2 * sweep - 1)
    return saturate(tone(around(rng, 900, 1.4) * (1 + rng.uniform(0.4, 1.4) * sweep), BRIGHT), 2.0)


@sound("a mobile phone ringing", "a cell phone ringtone", "a phone ring", "an electronic ringtone")
def ringtone(rng: Rng) -> Wave:
    base, shape, pace = around(rng, 900, 1.6), timbre(rng), around(rng, 0.12, 1.6)
    melody = base * 2 ** (rng.choice([0, 2, 4, 5, 7, 9, 12], int(rng.integers(3, 9))) / 12)
    notes = [(i * pace, beep(hz, 0.9 * pace, shape)) for i, hz in enumerate(melody)]
    cycle = len(melody) * pace + rng.uniform(0.0, 0.8)
    events = [(turn * cycle + start, wave) for turn in range(int(6 / cycle) + 1) for start, wave in notes]
    return place(samples(rng.uniform(2, 6)), events)


@sound("an electronic telephone ringing", "an office phone ringing", "a cordless phone warbling")
def phone_warble(rng: Rng) -> Wave:
    n = samples(rng.uniform(3, 6))
    time = np.arange(n) / RATE
    low, rate = around(rng, 1000, 1.4), rng.uniform(12, 28)
    pitch = np.where((time * rate) % 1.0 < 0.5, low, low * rng.uniform(1.1, 1.35))
    return tone(pitch, timbre(rng)) * ((time % rng.uniform(1.8, 3.5)) < rng.uniform(0.8, 1.6))


@sound("a dial tone", "a telephone dial tone", "a busy signal on the phone", "an engaged tone")
def dial_tone(rng: Rng) -> Wave:
    n = samples(rng.uniform(3, 6))
    pair = [(425.0,), (350.0, 440.0), (480.0, 620.0), (440.0, 480.0)][int(rng.integers(4))]
    wave = sum((tone(np.full(n, hz)) for hz in pair), np.zeros(n))
    period = pick(rng, 0.5, 1.0, 4.0, 100.0)
    return wave * ((np.arange(n) / RATE) % period < 0.5 * min(period, 100.0)) + 0.01 * noise(rng, n)


@sound("dialling a phone number", "touch tones of a telephone", "pressing the keys of a phone")
def dtmf(rng: Rng) -> Wave:
    rows, columns = (697, 770, 852, 941), (1209, 1336, 1477)
    on, pace = rng.uniform(0.08, 0.2), rng.uniform(0.2, 0.45)

    def key() -> Wave:
        return beep(pick(rng, *rows), on, (1.0,)) + beep(pick(rng, *columns), on, (1.0,))

    count = int(rng.integers(4, 12))
    return place(samples(count * pace + 0.3), [(i * pace, key()) for i in range(count)])


@sound("a modem connecting", "a dial-up modem", "a fax machine")
def modem(rng: Rng) -> Wave:
    def piece() -> Wave:
        n, kind = samples(rng.uniform(0.2, 0.9)), rng.random()
        if kind < 0.3:
            return beep(around(rng, 2100, 1.2), n / RATE, (1.0,))
        switching = np.where(rng.random(n // 27 + 1) < 0.5, 1200.0, 2400.0).repeat(27)[:n]
        return tone(switching) if kind < 0.65 else 0.7 * band(noise(rng, n), 500, 3400)

    return np.concatenate([piece() for _ in range(rng.integers(5, 10))])


@sound("a truck reversing", "reversing beeps", "a backup beeper")
def reversing(rng: Rng) -> Wave:
    cycle = rng.uniform(0.8, 1.2)
    wave = place(
        samples(rng.uniform(3, 6)), [(i * cycle, beep(around(rng, 1250, 1.15), cycle / 2, SQUARE)) for i in range(7)]
    )
    return low_pass(wave, 4000) + rng.uniform(0, 0.15) * noise(rng, len(wave), -6)


@sound(
    "a single beep", "a short beep", "a computer beep", "an error beep", "a censor bleep", "a supermarket scanner beep"
)
def single_beep(rng: Rng) -> Wave:
    hertz, shape, count = around(rng, 1000, 2), timbre(rng), int(rng.integers(1, 4))
    long = around(rng, 0.18, 2)
    return place(samples(rng.uniform(1, 2.5)), [(0.1 + i * 2 * long, beep(hertz, long, shape)) for i in range(count)])


@sound("a notification sound", "a message tone", "a computer chime", "a positive chime", "a success jingle")
def notification(rng: Rng) -> Wave:
    base, shape = around(rng, 700, 1.7), SHAPES[int(rng.integers(2))]
    steps = np.cumsum(rng.choice([3, 4, 5, 7, -3], int(rng.integers(1, 5))))
    notes = [(0.05 + i * 0.12, base * 2 ** (s / 12)) for i, s in enumerate([0, *steps.tolist()])]
    fade = np.exp(-np.arange(samples(0.9)) / RATE * rng.uniform(4, 9))
    return place(samples(2), [(start, beep(hz, 0.9, shape) * fade) for start, hz in notes])


@sound("a buzzer", "a wrong answer buzzer", "a game show buzzer", "a door buzzer")
def buzzer(rng: Rng) -> Wave:
    n = samples(rng.uniform(0.4, 1.5))
    rasp = tone(np.full(n, around(rng, 120, 1.6)), tuple(1 / k**0.4 for k in range(1, 40)))
    return np.pad(rasp, (1600, 4800))


@sound("a heart monitor beeping", "a hospital monitor", "an ECG machine")
def heart_monitor(rng: Rng) -> Wave:
    hertz, pace = around(rng, 900, 1.3), around(rng, 0.8, 1.3)
    beats = [(0.1 + i * pace, beep(hertz, 0.1, (1.0, 0.1))) for i in range(8)]
    wave = place(samples(rng.uniform(3, 6)), beats)
    return wave + 0.02 * noise(rng, len(wave), -4)


@sound("a heartbeat", "a beating heart", "heart beats")
def heartbeat(rng: Rng) -> Wave:
    seconds, pace = rng.uniform(3, 6), around(rng, 0.8, 1.4)
    n = samples(0.18)
    lub, dub = (tone(np.full(n, around(rng, hz, 1.15)) * curve(n, 1.3, 0.8), (1, 0.3)) * swell(n, 2) for hz in (48, 62))
    beats = [(t + shift, wave) for t in np.arange(0.1, seconds, pace) for shift, wave in ((0, lub), (0.3 * pace, dub))]
    wave = place(samples(seconds), beats)
    return wave + rng.uniform(0.01, 0.1) * low_pass(noise(rng, len(wave), -4), 400)


@sound("morse code", "a telegraph sending morse code", "radio beeps")
def morse(rng: Rng) -> Wave:
    hertz, dot = around(rng, 700, 1.3), rng.uniform(0.05, 0.1)
    start, events = 0.05, []
    while start < 5.0:
        long = dot * (3 if rng.random() < 0.45 else 1)
        events.append((start, beep(hertz, long, (1.0,))))
        start += long + dot * (3 if rng.random() < 0.3 else 1)
    wave = place(samples(rng.uniform(3, 5)), events)
    return wave + rng.uniform(0, 0.2) * band(noise(rng, len(wave)), 300, 3000)


@sound("radio static", "white noise", "a badly tuned radio", "static on the television")
def static(rng: Rng) -> Wave:
    n = samples(rng.uniform(2, 6))
    whistle = tone(around(rng, 1500, 1.8) * np.exp(wander(rng, n, 0.6, 0.4))) * pick(rng, 0.0, 0.3)
    crackle = (rng.random(n) < 30 / RATE) * rng.standard_normal(n) * 5
    return noise(rng, n, rng.uniform(-3, 1), 100, around(rng, 5000, 1.5)) + whistle + pick(rng, 0, 1) * crackle


@sound("a laser gun", "a science fiction laser", "a video game shot", "an arcade game", "a retro game sound")
def laser(rng: Rng) -> Wave:
    def zap() -> Wave:
        n = samples(around(rng, 0.2, 1.8))
        glide = np.geomspace(1, pick(rng, 0.08, 0.2, 4.0), n)
        return tone(around(rng, 1800, 1.8) * np.clip(glide, 0, 3), timbre(rng)) * curve(n, 1, 0.7, 0)

    seconds = rng.uniform(1, 4)
    return place(samples(seconds), [(t, zap()) for t in np.arange(0.05, seconds, around(rng, 0.45, 1.7))])


@sound("a coin in a video game", "a power-up in a video game", "a jump in an arcade game", "8-bit game music")
def game_jingle(rng: Rng) -> Wave:
    base, pace = around(rng, 500, 1.6), around(rng, 0.09, 1.5)
    steps = np.cumsum(rng.choice([0, 2, 3, 4, 5, -2, -5, 7], int(rng.integers(2, 24))))
    return place(
        samples(max(1.0, len(steps) * pace + 0.3)),
        [(i * pace, beep(base * 2 ** ((s % 24) / 12), pace, SQUARE)) for i, s in enumerate(steps.tolist())],
    )


@sound("a theremin", "an eerie electronic sound", "a ufo", "a science fiction sound effect", "a synthesizer sweep")
def science_fiction(rng: Rng) -> Wave:
    n = samples(rng.uniform(2, 6))
    vibrato = 1 + rng.uniform(0.01, 0.2) * np.sin(2 * np.pi * rng.uniform(3, 12) * np.arange(n) / RATE)
    return tone(around(rng, 500, 1.7) * np.exp(wander(rng, n, 0.8, 0.4)) * vibrato, timbre(rng)) * swell(n, 0.3)


@sound("a slide whistle", "a cartoon slide whistle", "a falling whistle")
def slide_whistle(rng: Rng) -> Wave:
    n = samples(rng.uniform(0.6, 1.8))
    ends = (0.6, 1.8) if rng.random() < 0.5 else (1.8, 0.6)
    return tone(around(rng, 1100, 1.3) * np.geomspace(*ends, n), (1, 0.15, 0.05)) * swell(n, 0.2) + 0.05 * noise(rng, n)


@sound("a referee whistle", "blowing a whistle", "a police whistle", "a sports whistle")
def referee_whistle(rng: Rng) -> Wave:
    def blow() -> Wave:
        n = samples(pick(rng, rng.uniform(0.15, 0.3), rng.uniform(0.5, 1.2)))
        pea = np.sin(2 * np.pi * np.cumsum(around(rng, 35, 1.3) + wander(rng, n, 10, 4)) / RATE)
        pitch = around(rng, 2600, 1.2) * (1 + 0.04 * pea)
        return (tone(pitch, (1, 0.2)) * (1 + 0.5 * pea) + 0.2 * noise(rng, n, 0, 1500)) * swell(n, 0.15)

    seconds = rng.uniform(1.2, 4)
    return place(samples(seconds), [(t, blow()) for t in np.arange(0.1, seconds, rng.uniform(0.5, 1.5))])
