# ruff: noqa: D103 - the captions say what a generator makes
"""Things that rub: stick and slip as a pulse train through a body, or grains of noise in strokes.

Stick-slip after Farnell 2010, practical 32 (creaking), and Avanzini, Serafin and Rocchesso, "Friction sounds" (2002).
"""

import numpy as np

from tools.train_builtin.synth.dsp import (
    RATE,
    Rng,
    Wave,
    around,
    band,
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
    unit,
    wander,
)
from tools.train_builtin.synth.registry import sound


def stick_slip(rng: Rng, rate: Wave, regularity: float) -> Wave:
    """Return one impulse a slip at a rate in hertz; the less regular, the more its times and strengths vary."""
    phase = np.cumsum(rate * np.exp(wander(rng, len(rate), 60, 1 - regularity))) / RATE
    slips = np.diff(np.floor(phase), prepend=0.0) > 0
    return np.asarray(slips * np.exp((1 - regularity) * rng.standard_normal(len(rate))))


@sound("a door creaking", "a creaky wooden door", "a squeaky door hinge", "a creaking floor")
def door_creak(rng: Rng) -> Wave:
    body = [
        (around(rng, hz, 1.5), 0.05 * hz, gain) for hz, gain in ((380, 1), (900, 1), (1700, 1), (3100, 1), (5200, 1))
    ]
    base = around(rng, 170, 3.5)

    def creak() -> Wave:
        n = samples(rng.uniform(0.4, 2.2))
        rate = base * np.exp(wander(rng, n, 4, 0.4)) * curve(n, *rng.uniform(0.4, 1.6, 4))
        return resonances(stick_slip(rng, rate, rng.uniform(0.75, 0.97)), body) * swell(n, 0.4)

    seconds = rng.uniform(1.5, 5)
    return repeat(rng, seconds, times(rng, seconds, around(rng, 1.6, 1.4), 0.4), creak, 0.3)


@sound("squeaking", "a squeaky wheel", "rubbing a balloon", "squeaky shoes on a floor", "a rubber duck")
def squeak(rng: Rng) -> Wave:
    base = around(rng, 1300, 1.7)

    def one() -> Wave:
        n = samples(around(rng, 0.2, 2))
        pitch = base * curve(n, *rng.uniform(0.75, 1.3, 3)) * (1 + wander(rng, n, 40, 0.015))
        return tone(pitch, (1, 0.6, 0.5, 0.3, 0.15)) * swell(n, 0.5) + 0.1 * noise(rng, n, 0, 1500)

    seconds = rng.uniform(1.2, 4)
    return repeat(rng, seconds, times(rng, seconds, around(rng, 0.5, 1.7), 0.4), one, 0.3)


def strokes(rng: Rng, pace: float, sound_of: Wave, back: float) -> Wave:
    """Shape a steady sound into strokes to and fro; the way back has loudness `back`."""
    n = len(sound_of)
    phase = np.cumsum(np.exp(wander(rng, n, 1, 0.08)) / pace) / RATE
    way = np.sin(np.pi * phase)
    return np.asarray(
        sound_of * np.abs(way) ** 1.3 * np.where(way > 0, 1.0, back) * (1 + wander(rng, n, 1.5 / pace, 0.2))
    )


@sound("sawing wood", "a hand saw cutting wood", "someone sawing a board by hand")
def hand_saw(rng: Rng) -> Wave:
    n, pace = samples(rng.uniform(3, 6)), around(rng, 0.3, 1.4)
    teeth = stick_slip(rng, np.full(n, around(rng, 260, 1.6)), 0.7)
    board = [(around(rng, hz, 1.3), 0.2 * hz, gain) for hz, gain in ((350, 0.8), (1100, 1), (2400, 1), (4200, 0.7))]
    rasp = resonances(teeth, board)
    rasp = unit(rasp) + rng.uniform(0.5, 1.5) * noise(rng, n, -1, 600, around(rng, 6000, 1.2))
    return strokes(rng, pace, rasp, rng.uniform(0.2, 0.9))


@sound("brushing teeth", "someone brushing their teeth", "a toothbrush scrubbing")
def brushing_teeth(rng: Rng) -> Wave:
    n, pace = samples(rng.uniform(3, 6)), around(rng, 0.13, 1.4)
    bristles = noise(rng, n, rng.uniform(0, 2), around(rng, 1600, 1.4), 7800)
    mouth = resonances(bristles, [(around(rng, hz, 1.3), 0.3 * hz, 1.0) for hz in (900, 2600, 5200)])
    pauses = np.clip(wander(rng, n, 1, 1.0) + 1.2, 0.05, 1)
    return strokes(rng, pace, bristles + unit(mouth), rng.uniform(0.4, 1)) * pauses


@sound("scrubbing with a brush", "sanding wood", "sandpaper", "sweeping the floor with a broom", "polishing")
def scrubbing(rng: Rng) -> Wave:
    n = samples(rng.uniform(2.5, 6))
    grit = noise(rng, n, rng.uniform(-2, 1), around(rng, 700, 1.7), 7500) * (1 + wander(rng, n, 150, 0.4))
    return strokes(rng, around(rng, 0.4, 1.7), grit, rng.uniform(0.3, 1))


@sound("scratching", "a cat scratching", "scratching a surface", "writing with chalk", "scraping")
def scratching(rng: Rng) -> Wave:
    n = samples(rng.uniform(1.5, 4))
    grains = stick_slip(rng, np.full(n, around(rng, 130, 1.8)), 0.4)
    body = [(around(rng, hz, 1.3), 0.25 * hz, 1.0) for hz in (1200, 2800, 5000)]
    return strokes(rng, around(rng, 0.22, 1.6), resonances(grains, body), rng.uniform(0, 1))


@sound("writing with a pencil", "someone writing on paper", "a pencil drawing on paper")
def writing(rng: Rng) -> Wave:
    n = samples(rng.uniform(3, 6))
    rub = band(noise(rng, n), around(rng, 1500, 1.3), 7000) * (1 + wander(rng, n, 250, 0.5))
    speed = np.abs(wander(rng, n, around(rng, 9, 1.3))) * (wander(rng, n, 1.5) > -0.7)
    taps = [(t, 3 * click(rng, 0.01, 200, 4000)) for t in times(rng, n / RATE, 0.5, 0.7)]
    return np.asarray(rub * speed + place(n, taps))


@sound("a zipper", "zipping up a jacket", "unzipping a bag", "closing a zip")
def zipper(rng: Rng) -> Wave:
    def zip_() -> Wave:
        n = samples(around(rng, 0.5, 1.7))
        rate = around(rng, 130, 1.5) * curve(n, *rng.uniform(0.5, 1.5, 4)) * (curve(n, 0.7, 1.5))
        teeth = resonances(
            stick_slip(rng, rate, 0.85), [(around(rng, hz, 1.2), 0.3 * hz, 1) for hz in (1900, 3600, 5800)]
        )
        return unit(teeth) * swell(n, 0.3) + 0.2 * noise(rng, n, 1, 2000) * swell(n, 0.3)

    seconds = rng.uniform(1.2, 4)
    return repeat(rng, seconds, times(rng, seconds, 1.0, 0.4), zip_, 0.2)


@sound("crumpling paper", "crinkling a plastic bag", "rustling paper", "opening a bag of chips", "unwrapping a gift")
def crumpling(rng: Rng) -> Wave:
    seconds = rng.uniform(2, 5)
    n = samples(seconds)
    grains = (rng.random(n) < around(rng, 350, 2) / RATE * np.exp(wander(rng, n, 5, 1.0))) * rng.standard_normal(n) ** 3
    sheet = [(around(rng, hz, 1.3), 0.5 * hz, 1.0) for hz in (1100, 2700, 5200)]
    return resonances(grains, sheet) + 0.5 * band(grains, 800, 7800)


@sound("tearing paper", "ripping paper", "ripping cloth", "opening velcro", "tearing off sticky tape")
def tearing(rng: Rng) -> Wave:
    def rip() -> Wave:
        n = samples(around(rng, 0.6, 1.8))
        slips = stick_slip(rng, around(rng, 500, 2) * curve(n, 0.6, 1.0, 1.6), 0.5)
        return (band(slips, 1000, 7800) * 4 + 0.1 * noise(rng, n, 0, 1500)) * swell(n, 0.3)

    seconds = rng.uniform(1.2, 3.5)
    return repeat(rng, seconds, times(rng, seconds, 1.0, 0.5), rip, 0.3)


@sound("turning the pages of a book", "flipping through a book", "a page being turned", "shuffling cards")
def page_turn(rng: Rng) -> Wave:
    pace = around(rng, 0.5, 3)

    def page() -> Wave:
        n = samples(min(0.4, 0.9 * pace))
        sweep = noise(rng, n, 0, 700, 7500) * swell(n, 1.5) * (1 + wander(rng, n, 80, 0.4))
        return sweep + 0.5 * np.pad(click(rng, 0.02, 300, 6000), (n - samples(0.02), 0))

    seconds = rng.uniform(1.5, 5)
    return repeat(rng, seconds, times(rng, seconds, pace, 0.2), page, 0.3)


@sound("cutting with scissors", "scissors snipping", "a haircut with scissors")
def scissors(rng: Rng) -> Wave:
    def snip() -> Wave:
        n = samples(0.25)
        slide = band(noise(rng, n), 3000, 7500) * curve(n, 0.2, 0.8, 0)
        shut = resonances(np.pad(click(rng, 0.004, 1000, 7800), (0, 1500)), [(around(rng, 4300, 1.2), 150, 2.0)])
        return place(n + 1600, [(0.0, slide), (0.17, 2 * shut)])

    seconds = rng.uniform(1.5, 5)
    return repeat(rng, seconds, times(rng, seconds, around(rng, 0.5, 1.5), 0.3), snip, 0.2)


@sound("a whoosh", "something swishing through the air", "a whip cracking", "a sword swing")
def whoosh(rng: Rng) -> Wave:
    def swish() -> Wave:
        n = samples(around(rng, 0.4, 1.8))
        centre, air = around(rng, 900, 2), noise(rng, n)
        low, high = band(air, 0.5 * centre, 1.3 * centre), band(air, 1.2 * centre, min(7500.0, 3 * centre))
        return (low * swell(n, 2) + high * swell(n, 5)) * 1.0

    seconds = rng.uniform(1, 3)
    return repeat(rng, seconds, times(rng, seconds, 0.9, 0.4), swish, 0.3)


@sound("a skateboard rolling", "roller skates", "rolling a suitcase", "a shopping cart", "a ball rolling")
def rolling(rng: Rng) -> Wave:
    n = samples(rng.uniform(2.5, 6))
    rumble = noise(rng, n, -3, 80, around(rng, 3500, 1.6)) * (1 + wander(rng, n, around(rng, 25, 2), 0.4))
    gaps = [(t, 2 * click(rng, 0.03, 100, 4000)) for t in times(rng, n / RATE, around(rng, 0.5, 2), 0.1)]
    return (rumble + place(n, gaps)) * curve(n, *rng.uniform(0.4, 1, 4))
