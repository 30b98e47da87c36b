# ruff: noqa: D103 - the captions say what a generator makes
"""People without words: the same source and filter as for animals, with the formants of vowels, and much breath.

Vowel formants after Peterson and Barney (JASA 24, 1952); laughter after Bachorowski et al. (JASA 110, 2001).
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
    moving_tract,
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
    tract,
    unit,
    voice,
    wander,
)
from tools.train_builtin.synth.registry import sound

AH, EH, EE, OH, OO, UH = (
    [730.0, 1090.0, 2440.0],
    [530.0, 1840.0, 2480.0],
    [270.0, 2290.0, 3010.0],
    [570.0, 840.0, 2410.0],
    [300.0, 870.0, 2240.0],
    [640.0, 1190.0, 2390.0],
)


def mouth(*vowels: list[float], size: float) -> list[list[float]]:
    """Return vowels, with a fourth formant, of a head of relative size (1 is a man's, 0.6 a baby's)."""
    return [[hz / size for hz in [*vowel, 3500.0]] for vowel in vowels]


@sound("a baby crying", "a crying baby", "an infant wails", "a newborn crying")
def crying_baby(rng: Rng) -> Wave:
    base, size = around(rng, 440, 1.2), rng.uniform(0.55, 0.7)

    def wail() -> Wave:
        n = samples(rng.uniform(0.5, 1.5))
        pitch = around(rng, base, 1.08) * curve(n, 0.75, 1.1, 1.15, 1.1, 1.0, 0.75) * (1 + wander(rng, n, 12, 0.015))
        rough = rng.uniform(0.0, 0.5)
        cry = voice(rng, pitch, mouth(EH, AH, AH, UH, size=size), breath=0.07, rough=rough, rough_hz=80) * swell(n, 0.4)
        gasp = noise(rng, samples(0.18), -3, 800, 5000) * swell(samples(0.18), 2) * rng.uniform(0, 0.15)
        return np.concatenate([cry, np.zeros(samples(0.08)), gasp])

    seconds = rng.uniform(2.5, 6)
    return repeat(rng, seconds, times(rng, seconds, rng.uniform(1.2, 1.9), 0.2), wail, 0.15)


@sound("a person sneezing", "someone sneezes", "a sneeze", "achoo")
def sneeze(rng: Rng) -> Wave:
    size, base = rng.uniform(0.75, 1.05), around(rng, 220, 1.6)
    m = samples(rng.uniform(0.25, 0.7))
    inhale = moving_tract(noise(rng, m, -2, 200), mouth(OH, AH, size=size)) * curve(m, 0, 0.4, 1) ** 2
    k = samples(rng.uniform(0.12, 0.3))
    ah = voice(rng, base * curve(k, 0.9, 1.2), mouth(AH, EH, size=size), breath=0.3) * swell(k)
    n = samples(rng.uniform(0.25, 0.6))
    burst = (noise(rng, n, -1, 900, 7800) + 0.6 * tract(noise(rng, n), [1800 / size, 3500])) * pulse_shape(n, 0.01, 0.5)
    choo = voice(rng, base * curve(n, 1.3, 0.9, 0.7), mouth(EE, OO, size=size), breath=0.3) * pulse_shape(n, 0.03, 0.6)
    out = unit(burst) + rng.uniform(0.2, 1) * choo
    lengths = (m + samples(0.02), m + k + samples(0.06))
    parts = [(0.0, 0.3 * unit(inhale)), (lengths[0] / RATE, 0.5 * ah), (lengths[1] / RATE, 1.6 * out)]
    return place(lengths[1] + n + samples(0.3), parts)


@sound("a person coughing", "someone coughs", "coughing", "a dry cough")
def cough(rng: Rng) -> Wave:
    size, base, voiced = rng.uniform(0.75, 1.1), around(rng, 190, 1.6), rng.uniform(0.1, 0.8)

    def one() -> Wave:
        n = samples(around(rng, 0.3, 1.3))
        burst = tract(noise(rng, n, -1, 150), [650 / size, 1400 / size, 2700 / size, 4000]) * pulse_shape(
            n, 0.006, 0.25
        )
        pitch = base * curve(n, 1.2, 1.0, 0.8)
        tail = voice(rng, pitch, mouth(UH, UH, size=size), breath=0.4, rough=0.6, jitter=0.08) * pulse_shape(
            n, 0.05, 0.3
        )
        return unit(burst) + voiced * tail

    group, gap = int(rng.integers(1, 5)), around(rng, 0.4, 1.25)
    starts = [turn + i * gap for turn in (0.05, group * gap + rng.uniform(0.5, 1.2)) for i in range(group)]
    return repeat(rng, min(6.0, starts[-1] + 0.7), starts, one, 0.3)


@sound("a person breathing", "heavy breathing", "someone breathes in and out", "panting")
def breathing(rng: Rng) -> Wave:
    seconds, cycle, size = rng.uniform(3, 6), around(rng, 1.6, 2.2), rng.uniform(0.8, 1.1)

    def breath(shape: list[float], brightness: float) -> Wave:
        n = samples(cycle * rng.uniform(0.3, 0.42))
        wave = tract(noise(rng, n, brightness, 250), mouth(shape, size=size)[0], 0.25)
        return unit(wave) * swell(n, 1.2) * (1 + wander(rng, n, 30, 0.1))

    turns = times(rng, seconds, cycle, 0.08)
    ins = [(start, rng.uniform(0.5, 1) * breath(UH, 2)) for start in turns]
    outs = [(start + 0.48 * cycle, breath(AH, -1)) for start in turns]
    return place(samples(seconds), ins + outs)


@sound("a person snoring", "someone snores", "snoring in bed", "loud snoring")
def snoring(rng: Rng) -> Wave:
    seconds, cycle, rate = rng.uniform(3, 6), around(rng, 3.2, 1.3), around(rng, 38, 1.6)

    def snore() -> Wave:
        n = samples(cycle * rng.uniform(0.3, 0.45))
        pitch = rate * curve(n, 0.9, 1.15, 1.0) * (1 + wander(rng, n, 20, 0.08))
        shapes = [[250, 900, 2100], [420, 1150, 2300], [300, 1000, 2200]]
        return voice(rng, pitch, shapes, breath=rng.uniform(0.2, 0.7), rough=0.4, rough_hz=25, jitter=0.06) * swell(
            n, 0.7
        )

    def exhale() -> Wave:
        n = samples(cycle * 0.3)
        return 0.08 * noise(rng, n, -4, 150, 5000) * swell(n, 2)

    starts = times(rng, seconds, cycle, 0.08)
    return place(
        samples(seconds),
        [(s, snore()) for s in starts] + [(s + cycle * rng.uniform(0.5, 0.6), exhale()) for s in starts],
    )


@sound("a person laughing", "someone laughs out loud", "laughter", "a woman giggling", "a man laughing")
def laughing(rng: Rng) -> Wave:
    base = around(rng, 230, 1.6)
    size, vowel = rng.uniform(0.8, 1.0), [AH, UH, EH, OH][int(rng.integers(4))]
    rate, fall, voiced = around(rng, 4.8, 1.2), rng.uniform(0.6, 0.95), rng.uniform(0.3, 1)

    def ha(part: float) -> Wave:
        n = samples(0.8 / rate)
        h = tract(noise(rng, n, -1, 300), mouth(vowel, size=size)[0], 0.2)
        pitch = around(rng, base, 1.08) * (1 + part * (fall - 1)) * curve(n, 1.15, 1.25, 0.95)
        tone_ = voice(rng, pitch, mouth(vowel, size=size), breath=0.15) * np.roll(swell(n, 1.5), n // 8)
        return (voiced * tone_ + 0.35 * unit(h) * swell(n, 0.8)) * (1 - 0.5 * part)

    total, start = [], 0.1
    while start < 4.0:
        count = int(rng.integers(3, 10))
        total += [(start + i / rate, ha(i / count)) for i in range(count)]
        start += count / rate + rng.uniform(0.3, 0.9)
    return place(samples(min(6.0, start + 0.3)), total)


@sound("a person screaming", "a woman screams", "a scream of horror", "someone shouting")
def scream(rng: Rng) -> Wave:
    n = samples(rng.uniform(0.8, 2.5))
    pitch = around(rng, 750, 1.5) * curve(n, 0.75, 1.1, 1.15, 1.05, 0.75) * (1 + wander(rng, n, 18, 0.03))
    return voice(rng, pitch, mouth(AH, AH, EH, size=0.85), breath=0.12, rough=0.5, rough_hz=90) * swell(n, 0.3)


@sound("a person sighing", "someone yawns", "a yawn", "a moan")
def sigh(rng: Rng) -> Wave:
    n, size = samples(rng.uniform(1.0, 2.5)), rng.uniform(0.8, 1.05)
    pitch = around(rng, 200, 1.6) * curve(n, 0.9, 1.2, 1.1, 0.8, 0.6)
    return voice(rng, pitch, mouth(UH, AH, OH, UH, size=size), breath=rng.uniform(0.3, 0.8)) * swell(n, 0.8)


@sound("a person humming", "someone hums a tune", "humming a melody")
def humming(rng: Rng) -> Wave:
    base = around(rng, 190, 1.6)

    def note() -> Wave:
        n = samples(rng.uniform(0.3, 0.7))
        pitch = base * 2 ** (pick(rng, 0, 2, 4, 5, 7, 9) / 12) * (1 + 0.01 * np.sin(np.arange(n) / RATE * 33))
        return voice(rng, pitch, [[250, 1100, 2200]], breath=0.03, damping=0.2) * swell(n, 0.3)

    seconds = rng.uniform(2.5, 6)
    return repeat(rng, seconds, times(rng, seconds, 0.5, 0.3), note, 0.1)


@sound("a person singing", "a singer singing a note", "an opera singer", "singing la la la", "a woman singing")
def singing(rng: Rng) -> Wave:
    base, size = around(rng, 260, 1.7), rng.uniform(0.78, 1.05)

    def note() -> Wave:
        n = samples(rng.uniform(0.35, 1.4))
        vibrato = np.sin(2 * np.pi * np.arange(n) / RATE * rng.uniform(5, 6.5)) * curve(n, 0, 1, 1)
        pitch = base * 2 ** (pick(rng, -3, 0, 2, 4, 5, 7, 9, 12) / 12) * (1 + rng.uniform(0, 0.03) * vibrato)
        vowels = [[AH, OH, EE, EH, OO][int(i)] for i in rng.integers(0, 5, 2)]
        return voice(rng, pitch, mouth(*vowels, size=size), breath=0.03, jitter=0.005) * swell(n, 0.25)

    seconds = rng.uniform(2.5, 6)
    return repeat(rng, seconds, times(rng, seconds, rng.uniform(0.4, 1), 0.3), note, 0.15)


@sound("a choir singing", "a choir singing ah", "people singing together in a church")
def choir(rng: Rng) -> Wave:
    n, vowel = samples(rng.uniform(3, 6)), [AH, OH, OO][int(rng.integers(3))]
    chord = around(rng, 180, 1.3) * 2 ** (np.array([0, 4 if rng.random() < 0.6 else 3, 7, 12]) / 12)
    total = np.zeros(n)
    for hz in np.repeat(chord, 3):
        pitch = around(rng, hz, 1.006) * (1 + 0.01 * np.sin(2 * np.pi * np.arange(n) / RATE * rng.uniform(4.5, 6)))
        total += voice(rng, pitch, mouth(vowel, size=rng.uniform(0.8, 1)), breath=0.06)
    return total * swell(n, 0.4)


@sound("a person whistling", "someone whistles a tune", "whistling a melody", "a wolf whistle")
def whistling(rng: Rng) -> Wave:
    base = around(rng, 1400, 1.4)

    def note() -> Wave:
        n = samples(rng.uniform(0.15, 0.6))
        start, end = 2 ** (rng.choice([-5, -3, 0, 2, 4, 7], 2) / 12)
        pitch = base * curve(n, start, end, end, end) * (1 + 0.01 * np.sin(np.arange(n) / RATE * 36))
        return (tone(pitch, (1, 0.06, 0.02)) + 0.05 * band(noise(rng, n), 1000, 4000)) * swell(n, 0.3)

    seconds = rng.uniform(1.5, 6)
    return repeat(rng, seconds, times(rng, seconds, 0.42, 0.3), note, 0.1)


@sound("a person drinking", "someone sipping a drink", "slurping", "gulping down water")
def drinking(rng: Rng) -> Wave:
    def sip() -> Wave:
        n = samples(rng.uniform(0.3, 0.9))
        suction = band(noise(rng, n), 1200, 5500) * swell(n) * (1 + 0.9 * np.sign(wander(rng, n, 70)))
        return unit(suction)

    def gulp() -> Wave:
        n = samples(rng.uniform(0.08, 0.16))
        swallow = tone(around(rng, 350, 1.4) * curve(n, 1.5, 0.8, 1.3), (1, 0.3)) * swell(n, 2)
        return 2 * swallow + np.pad(click(rng, 0.02, 400, 3000), (0, n - samples(0.02)))

    seconds = rng.uniform(2, 5)
    sips = repeat(rng, seconds, times(rng, seconds, 1.5, 0.3), sip, 0.2) * rng.uniform(0, 1)
    return sips + rng.uniform(0.3, 1) * repeat(rng, seconds, times(rng, seconds, 0.75, 0.3, 0.8), gulp, 0.3)


@sound("someone eating", "chewing crunchy food", "a person eating chips", "biting an apple")
def chewing(rng: Rng) -> Wave:
    def crunch() -> Wave:
        n = samples(rng.uniform(0.1, 0.25))
        grains = place(n, [(t, click(rng, 0.006, 900, 7000) * rng.uniform()) for t in rng.uniform(0, n / RATE, 35)])
        return resonances(grains, [(around(rng, 1500), 900, 1.0), (around(rng, 400), 200, 1.0)]) * swell(n, 0.6)

    seconds = rng.uniform(2, 5)
    return repeat(rng, seconds, times(rng, seconds, around(rng, 0.5, 1.3), 0.25), crunch, 0.3)


@sound("a burp", "a person burping", "a loud belch")
def burp(rng: Rng) -> Wave:
    n = samples(rng.uniform(0.3, 1.2))
    pitch = around(rng, 90, 1.3) * curve(n, 1.1, 0.9, 1.0) * (1 + wander(rng, n, 25, 0.1))
    return voice(rng, pitch, mouth(UH, OH, size=1.0), breath=0.2, rough=0.6, rough_hz=40, jitter=0.06) * swell(n, 0.4)


@sound("hiccups", "a person with the hiccups")
def hiccup(rng: Rng) -> Wave:
    def hic() -> Wave:
        n = samples(rng.uniform(0.08, 0.16))
        return voice(rng, around(rng, 330, 1.3) * curve(n, 0.7, 1.3), mouth(EE, EH, size=0.85), breath=0.3) * swell(
            n, 0.4
        )

    seconds = rng.uniform(1.5, 5)
    return repeat(rng, seconds, times(rng, seconds, 1.4, 0.3, 0.2), hic)


@sound("a kiss", "someone kissing", "smacking lips")
def kiss(rng: Rng) -> Wave:
    def smack() -> Wave:
        n = samples(0.12)
        squeak = tone(around(rng, 1900, 1.4) * curve(n, 0.8, 1.3), (1, 0.4)) * swell(n, 3) * 0.5
        return squeak + np.pad(click(rng, 0.03, 1000, 6000), (n // 2, n - n // 2 - samples(0.03)))

    seconds = rng.uniform(1, 3)
    return repeat(rng, seconds, times(rng, seconds, 0.7, 0.4), smack)
