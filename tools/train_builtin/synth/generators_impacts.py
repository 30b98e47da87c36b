# ruff: noqa: D103 - the captions say what a generator makes
"""Things that knock, fall, break and click: short contact noise that rings a body's modes.

Van den Doel and Pai 1998 (modal synthesis); materials differ in how fast modes die (Klatzky, Pai and Krotkov,
"Perception of material from contact sounds", Presence 9, 2000): wood and plastic in 0.1 s, glass 0.5 s, metal 1 s.
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
    high_pass,
    low_pass,
    noise,
    pick,
    place,
    pulse_shape,
    repeat,
    resonances,
    samples,
    struck,
    swell,
    times,
    wander,
)
from tools.train_builtin.synth.registry import sound


def hit(rng: Rng, lowest: float, decay: float, hardness: float = 0.4, count: int = 9) -> Wave:
    """Return one hit on a body whose lowest mode and its decay are given; `hardness` is the share of contact noise."""
    n = samples(max(0.05, 1.3 * decay))
    contact = np.pad(click(rng, 0.012, 80, 7500), (0, n))[:n]
    return struck(rng, n, lowest, count, decay) + hardness * contact


@sound("knocking on a door", "someone knocks on a wooden door", "a knock at the door")
def door_knock(rng: Rng) -> Wave:
    panel, decay, gap = around(rng, 160, 1.6), around(rng, 0.12, 1.5), around(rng, 0.24, 1.5)
    body = [(panel * k, 25.0 + 0.1 * panel * k, 1.0 / k**0.7) for k in (1, 1.9, 2.8, 4.3, 6.1, 9.0)]

    def knock() -> Wave:
        return resonances(np.pad(click(rng, 0.008, 60, around(rng, 3000, 1.5)), (0, samples(decay * 2))), body)

    count = int(rng.integers(2, 7))
    starts = [0.1 + i * gap * rng.uniform(0.95, 1.05) for i in range(count)]
    if rng.random() < 0.5:
        starts += [start + count * gap + rng.uniform(0.4, 1) for start in starts]
    return repeat(rng, starts[-1] + 0.6, starts, knock, 0.15)


@sound(
    "footsteps", "someone walking", "footsteps on a wooden floor", "a person walking in shoes", "footsteps in a hall"
)
def footsteps(rng: Rng) -> Wave:
    seconds, pace = rng.uniform(2, 6), around(rng, 0.55, 1.4)
    floor, heel = around(rng, 130, 1.7), around(rng, 1200, 2)
    body = [(floor * k, 60.0 + 0.15 * floor * k, 1.0 / k) for k in (1, 2.3, 4.1, 7.7)]

    def step() -> Wave:
        strike = np.pad(click(rng, rng.uniform(0.01, 0.05), 60, heel * 3), (0, samples(0.25)))
        sole = 0.3 * np.pad(click(rng, 0.09, 300, 3 * heel), (samples(0.09), 0))
        return resonances(strike, body) + 0.4 * place(len(strike), [(0, strike), (0.0, sole)])

    return repeat(rng, seconds, times(rng, seconds, pace, 0.06), step, 0.2)


@sound("footsteps on gravel", "walking through dry leaves", "walking in snow", "crunching footsteps")
def footsteps_gravel(rng: Rng) -> Wave:
    seconds, pace = rng.uniform(2, 6), around(rng, 0.6, 1.3)
    low, grains = around(rng, 900, 2), int(around(rng, 60, 2))

    def step() -> Wave:
        long = pace * rng.uniform(0.45, 0.7)
        starts = long * rng.beta(1.5, 2.5, grains)
        return place(samples(long), [(t, click(rng, 0.008, low, 7500) * rng.random()) for t in starts])

    return repeat(rng, seconds, times(rng, seconds, pace, 0.06), step, 0.15)


@sound("typing on a keyboard", "someone typing", "a computer keyboard clattering", "keyboard typing")
def keyboard(rng: Rng) -> Wave:
    seconds, speed = rng.uniform(2, 6), around(rng, 0.15, 1.6)
    body = [(around(rng, hz, 1.3), 0.15 * hz, gain) for hz, gain in ((450, 0.8), (1700, 0.6), (3600, 1.0), (5400, 0.6))]

    def key() -> Wave:
        down = click(rng, 0.012, 150, 7500)
        up = 0.45 * click(rng, 0.009, 800, 7800)
        pair = place(samples(0.14), [(0.0, down), (rng.uniform(0.05, 0.1), up)])
        return 0.3 * pair + resonances(pair, body)

    starts = [s for s in times(rng, seconds, speed, 0.6) if rng.random() < 0.9]
    return repeat(rng, seconds, starts or [0.1], key, 0.35)


@sound("a typewriter", "typing on an old typewriter")
def typewriter(rng: Rng) -> Wave:
    seconds = rng.uniform(2, 6)
    metal = [(around(rng, hz, 1.2), 60.0, 1.0) for hz in (700, 1900, 3300, 5200)]

    def key() -> Wave:
        strokes = [(0.0, 0.3 * click(rng, 0.02, 200, 3000)), (0.04, click(rng, 0.015, 300, 7800))]
        return resonances(place(samples(0.15), strokes), metal)

    return repeat(rng, seconds, times(rng, seconds, around(rng, 0.17, 1.3), 0.5), key, 0.2)


@sound("a mouse click", "clicking a computer mouse", "mouse clicks", "a double click")
def mouse_click(rng: Rng) -> Wave:
    seconds, gap = rng.uniform(1.2, 4), rng.uniform(0.06, 0.14)
    case = [(around(rng, hz, 1.25), 0.12 * hz, 1.0) for hz in (1300, 2900, 4700)]

    def press() -> Wave:
        pair = [(0.0, click(rng, 0.004, 700, 7800)), (gap, 0.6 * click(rng, 0.004, 900, 7800))]
        return resonances(place(samples(gap + 0.06), pair), case)

    starts = times(rng, seconds, around(rng, 0.6, 2), 0.5)
    return repeat(rng, seconds, starts, press, 0.15) + 2e-4 * noise(rng, samples(seconds), -2)


@sound("a switch being flipped", "a light switch click", "a pen clicking", "a button being pressed")
def switch(rng: Rng) -> Wave:
    body = [(around(rng, hz, 1.4), 0.15 * hz, 1.0) for hz in (600, 1700, 3500)]
    seconds = rng.uniform(1, 3)
    starts = times(rng, seconds, around(rng, 0.8, 1.6), 0.4, 0.2)
    return repeat(rng, seconds, starts, lambda: resonances(np.pad(click(rng, 0.006, 300, 7800), (0, 1500)), body), 0.3)


@sound("a clock ticking", "a ticking clock", "tick tock", "a wristwatch ticking")
def clock_tick(rng: Rng) -> Wave:
    seconds, period = rng.uniform(3, 6), pick(rng, 0.2, 0.25, 0.5, 0.5, 1.0)
    case = [(around(rng, hz, 1.35), around(rng, 0.08 * hz, 2), gain) for hz, gain in ((900, 0.5), (2400, 1), (4600, 1))]

    def one(brightness: float) -> Wave:
        strike = click(rng, 0.003, 500 * brightness, 7800)
        train = [(0.0, 0.4 * strike), (rng.uniform(0.01, 0.03), strike)]
        return resonances(place(samples(0.12), train), case)

    tick, tock, low = one(1.6), one(1.0), rng.uniform(0.4, 1)
    steps = np.arange(0.05, seconds, period)
    events = [(float(t), tick if i % 2 else low * tock) for i, t in enumerate(steps)]
    wave = place(samples(seconds), events)
    return np.asarray(wave + rng.uniform(0, 0.02) * np.abs(wave).max() * noise(rng, len(wave), -3))


@sound("glass breaking", "a window being smashed", "shattering glass", "a glass falls and breaks")
def glass_breaking(rng: Rng) -> Wave:
    seconds, base = rng.uniform(1.2, 2.5), around(rng, 2300, 1.4)

    def shard() -> Wave:
        ring = struck(rng, samples(0.4), around(rng, base, 1.9), 5, around(rng, 0.18, 2), 1.7)
        return ring + 0.4 * np.pad(click(rng, 0.004, 1500, 7800), (0, len(ring) - samples(0.004)))

    n = samples(seconds)
    smash = noise(rng, n, 1, 700) * pulse_shape(n, 0.001, around(rng, 0.55, 1.7))
    thud = low_pass(noise(rng, n, -3), 400) * pulse_shape(n, 0.001, 0.1)
    starts = 0.1 + rng.exponential(around(rng, 0.25, 1.6), int(rng.integers(15, 45)))
    pieces = place(n, [(0.1 + t - 0.1, shard() * np.exp(-1.5 * t) * rng.exponential()) for t in starts])
    return place(n, [(0.1, 2.5 * smash), (0.1, thud)]) + pieces


@sound("glasses clinking", "clinking glasses", "a toast with wine glasses", "a spoon tapping a glass")
def glass_clink(rng: Rng) -> Wave:
    pitch = around(rng, 2300, 1.5)
    seconds = rng.uniform(1.2, 4)

    def clink() -> Wave:
        return hit(rng, around(rng, pitch, 1.03), around(rng, 0.8, 1.7), 0.2, 4)

    return repeat(rng, seconds, times(rng, seconds, around(rng, 0.9, 1.6), 0.5), clink, 0.3)


@sound("coins dropping", "coins jingling", "counting coins", "a coin falling on a table")
def coins(rng: Rng) -> Wave:
    seconds, pitch = rng.uniform(1.2, 4), around(rng, 3800, 1.3)

    def coin() -> Wave:
        return hit(rng, around(rng, pitch, 1.35), around(rng, 0.3, 1.7), 0.25, 5)

    bounces = [0.1 + 0.35 * (1 - 0.8**i) / 0.2 for i in range(10)]
    starts = bounces if rng.random() < 0.4 else times(rng, seconds, around(rng, 0.13, 2), 0.8)
    return repeat(rng, seconds, starts, coin, 0.5)


@sound("keys jingling", "a bunch of keys", "rattling keys")
def keys(rng: Rng) -> Wave:
    seconds = rng.uniform(1.5, 5)
    shakes = [s + rng.exponential(0.08) for s in times(rng, seconds, around(rng, 0.3, 1.5), 0.3) for _ in range(7)]
    return repeat(rng, seconds, shakes, lambda: hit(rng, around(rng, 4200, 1.5), around(rng, 0.12, 1.6), 0.2, 4), 0.6)


@sound("hammering a nail", "a hammer hitting metal", "hammering", "a blacksmith at the anvil")
def hammering(rng: Rng) -> Wave:
    seconds, metal = rng.uniform(2, 6), rng.random() < 0.5
    lowest, decay = (around(rng, 1300, 1.5), around(rng, 0.9, 1.7)) if metal else (around(rng, 240, 1.5), 0.12)
    return repeat(
        rng, seconds, times(rng, seconds, around(rng, 0.5, 1.5), 0.15), lambda: hit(rng, lowest, decay, 1.2, 7), 0.15
    )


@sound("swords clashing", "a sword fight", "clashing metal blades", "sharpening a knife")
def swords(rng: Rng) -> Wave:
    seconds = rng.uniform(1.5, 4)

    def clash() -> Wave:
        n = samples(1.0)
        scrape = high_pass(noise(rng, n), 3500) * swell(n, 0.5) * pulse_shape(n, 0.1, 0.5)
        ring = np.pad(hit(rng, around(rng, 1700, 1.5), around(rng, 0.6, 1.5), 0.8, 12), (0, n))[:n]
        return ring + rng.uniform(0, 0.5) * scrape

    return repeat(rng, seconds, times(rng, seconds, around(rng, 0.7, 1.5), 0.5), clash, 0.4)


@sound("pots and pans banging", "metal crashing", "cutlery falling on the floor", "a metallic clang")
def metal_crash(rng: Rng) -> Wave:
    seconds = rng.uniform(1.5, 4)

    def clang() -> Wave:
        return hit(rng, around(rng, 600, 2.5), around(rng, 0.7, 2), 0.5, 10)

    return repeat(rng, seconds, times(rng, seconds, around(rng, 0.35, 2), 0.7), clang, 0.6)


@sound("a door slamming", "a door being shut", "a car door closing")
def door_slam(rng: Rng) -> Wave:
    def slam() -> Wave:
        n = samples(0.7)
        latch = place(n, [(0.0, click(rng, 0.02, 600, 5000)), (rng.uniform(0.02, 0.06), click(rng, 0.03, 300, 6000))])
        boom = low_pass(noise(rng, n, -3, 30), around(rng, 250, 1.5)) * pulse_shape(n, 0.003, around(rng, 0.35, 1.5))
        return 3 * boom + latch

    seconds = rng.uniform(1, 3)
    return repeat(rng, seconds, times(rng, seconds, 1.6, 0.3, 0.15), slam)


@sound("a ball bouncing", "a basketball bouncing", "dribbling a ball", "a ping-pong ball")
def ball(rng: Rng) -> Wave:
    body, rest = around(rng, 220, 2.2), rng.uniform(0.75, 0.97)
    gaps = around(rng, 0.6, 1.3) * rest ** np.arange(40)
    starts = [float(s) for s in 0.05 + np.concatenate([[0], np.cumsum(gaps)]) if s < 5]
    waves = [(s, hit(rng, body, 0.08, 0.3, 4) * rest**i) for i, s in enumerate(starts)]
    return place(samples(min(5.5, starts[-1] + 0.3)), waves)


@sound("chopping wood", "an axe hitting wood", "chopping vegetables", "a knife on a cutting board")
def chopping(rng: Rng) -> Wave:
    seconds = rng.uniform(2, 5)
    lowest, pace = around(rng, 260, 1.7), around(rng, 0.45, 2)
    return repeat(rng, seconds, times(rng, seconds, pace, 0.15), lambda: hit(rng, lowest, 0.09, 0.8, 8), 0.25)


@sound("rolling dice", "shaking a box", "a rattle", "marbles in a jar")
def rattle(rng: Rng) -> Wave:
    seconds, lowest = rng.uniform(1.5, 4), around(rng, 1400, 1.8)
    starts = [s + rng.exponential(0.03) for s in times(rng, seconds, around(rng, 0.22, 1.4), 0.3) for _ in range(6)]
    return repeat(rng, seconds, starts, lambda: hit(rng, around(rng, lowest, 1.2), 0.04, 0.6, 4), 0.5)


@sound("a camera shutter", "taking a photo with a camera", "a camera click")
def camera(rng: Rng) -> Wave:
    body = [(around(rng, hz, 1.3), 0.2 * hz, 1.0) for hz in (900, 2600, 4400)]
    gap = rng.uniform(0.04, 0.15)
    parts = [(0.0, click(rng, 0.01, 400, 7800)), (gap, click(rng, 0.015, 300, 7000))]
    whirr = 0.05 * band(noise(rng, 2500), 1500, 5000) * swell(2500)
    shutter = resonances(place(samples(0.4), [*parts, (gap + 0.05, whirr)]), body)
    seconds = rng.uniform(1, 3.5)
    return repeat(rng, seconds, times(rng, seconds, around(rng, 0.9, 1.7), 0.4, 0.15), lambda: shutter, 0.1)


@sound("punching a bag", "a boxing match", "a thud", "something heavy falling on the floor")
def thud(rng: Rng) -> Wave:
    seconds = rng.uniform(1.2, 4)

    def one() -> Wave:
        n = samples(0.4)
        return low_pass(noise(rng, n, -3, 30), around(rng, 180, 1.6)) * pulse_shape(n, 0.003, 0.2) + 0.05 * np.pad(
            click(rng, 0.03, 300, 3000), (0, n - samples(0.03))
        )

    return repeat(rng, seconds, times(rng, seconds, around(rng, 0.9, 1.8), 0.5), one, 0.3)


@sound("bowling pins falling", "a strike in a bowling alley", "wooden blocks falling over")
def bowling(rng: Rng) -> Wave:
    n = samples(rng.uniform(2.5, 4))
    roll = low_pass(noise(rng, n, -4), 500) * curve(n, 0.2, 0.6, 1.0, 0.0, 0.0) * (1 + wander(rng, n, 20, 0.2))
    crash = 0.55 * n / RATE + rng.exponential(0.18, 18)
    return 0.4 * roll + place(n, [(t, hit(rng, around(rng, 520, 1.3), 0.12, 0.7, 6) * rng.random()) for t in crash])
