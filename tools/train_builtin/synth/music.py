"""What General MIDI instruments play: notes, scales, melodies, chords, drum hits, grooves and small bands."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tools.train_builtin.synth.dsp import Rng, Wave, around
from tools.train_builtin.synth.soundfont import DRUMS, Note, SoundFont

MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
PENTATONIC = (0, 2, 4, 7, 9)
CHORDS = ((0, 4, 7), (0, 3, 7), (0, 4, 7, 10), (0, 3, 7, 10), (0, 4, 7, 12))
KICK, SNARE, CLOSED, OPEN, RIDE, CRASH, CLAP = 36, 38, 42, 46, 51, 49, 39


@dataclass(frozen=True, slots=True)
class Piece:
    """One rendered example: its sound, captions, and what it is an example of."""

    wave: Wave
    captions: tuple[str, ...]
    group: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """A program or a drum; `kind` is s (one sustained voice), c (chords), m (short notes), e (effect), d (drum)."""

    number: int
    low: int
    high: int
    kind: str
    weight: int
    names: tuple[str, ...]


def instruments() -> list[Instrument]:
    """Return the 128 programs of General MIDI, with the range in which people play them."""
    return [
        Instrument(int(row["program"]), int(row["low"]), int(row["high"]), row["kind"], int(row["weight"]), _names(row))
        for row in _table("instruments.tsv")
    ]


def drums() -> list[Instrument]:
    """Return the drums that lie on the keys of General MIDI's drum channel."""
    keys = ((int(row["key"]), int(row["weight"]), _names(row)) for row in _table("drums.tsv"))
    return [Instrument(key, key, key, "d", weight, names) for key, weight, names in keys]


def _table(name: str) -> Iterator[dict[str, str]]:
    with Path(__file__).with_name(name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, delimiter="\t")


def _names(row: dict[str, str]) -> tuple[str, ...]:
    return tuple(row["names"].split(";"))


def play_instrument(font: SoundFont, instrument: Instrument, rng: Rng) -> Piece:
    """Render one example of a program: what is played depends on the kind of instrument."""
    score, what = _score(instrument, rng)
    wave = font.play(score, {0: instrument.number}, tail_s=rng.uniform(0.3, 1.2))
    return Piece(wave, _captions(instrument, what, rng), f"program {instrument.number}")


def _score(instrument: Instrument, rng: Rng) -> tuple[list[Note], str]:
    if instrument.kind == "e":
        key = int(rng.integers(instrument.low, instrument.high + 1))
        return [Note(0.05, rng.uniform(1.0, 4.5), key, int(rng.integers(70, 127)))], ""
    makers = [_single, _scale, _melody, _melody]
    if instrument.kind == "c":
        makers += [_chords, _chords, _broken_chords]
    if instrument.kind == "m":
        makers += [_repeated, _broken_chords]
    return makers[int(rng.integers(len(makers)))](instrument, rng)


def _single(instrument: Instrument, rng: Rng) -> tuple[list[Note], str]:
    length = rng.uniform(0.2, 0.8) if instrument.kind == "m" else rng.uniform(0.5, 3.5)
    key = int(rng.integers(instrument.low, instrument.high + 1))
    return [Note(0.05, length, key, int(rng.integers(50, 127)))], "playing a single note"


def _repeated(instrument: Instrument, rng: Rng) -> tuple[list[Note], str]:
    key, gap = int(rng.integers(instrument.low, instrument.high + 1)), around(rng, 0.3, 1.8)
    hits = [Note(0.05 + i * gap, 0.9 * gap, key, int(rng.integers(60, 120))) for i in range(int(rng.integers(2, 9)))]
    return hits, "playing a repeated note"


def _keys(instrument: Instrument, rng: Rng, octaves: int) -> list[int]:
    """Return the keys of a random scale within the instrument's range, at least a few."""
    steps = (MAJOR, MINOR, PENTATONIC)[int(rng.integers(3))]
    root = int(rng.integers(instrument.low, max(instrument.low + 1, instrument.high - 12 * octaves)))
    keys = [root + 12 * octave + step for octave in range(octaves + 1) for step in steps]
    return [key for key in keys if key <= instrument.high]


def _scale(instrument: Instrument, rng: Rng) -> tuple[list[Note], str]:
    keys, gap = _keys(instrument, rng, 1)[:10], around(rng, 0.25, 1.8)
    if rng.random() < 0.5:
        keys = keys[::-1]
    return _legato(keys, [gap] * len(keys), rng), "playing a scale"


def _melody(instrument: Instrument, rng: Rng) -> tuple[list[Note], str]:
    keys, slow = _keys(instrument, rng, 1), rng.random() < 0.5
    steps = np.cumsum(rng.integers(-2, 3, 24)) + len(keys) // 2
    beat = around(rng, 0.55 if slow else 0.18, 1.3)
    lengths = (beat * rng.choice([1.0, 1.0, 0.5, 2.0], 24)).tolist()
    tune = [keys[int(step) % len(keys)] for step in steps]
    return _legato(tune, lengths, rng), f"playing a {'slow' if slow else 'fast'} melody"


def _legato(keys: Sequence[int], lengths: Sequence[float], rng: Rng, until_s: float = 4.8) -> list[Note]:
    """Return the keys one after the other, joined or detached, as many as fit before `until_s`."""
    touch, loud, now, notes = rng.uniform(0.5, 1.05), int(rng.integers(60, 110)), 0.05, []
    for key, length in zip(keys, lengths, strict=True):
        if now + length > until_s:
            break
        notes.append(Note(now, touch * length, key, int(np.clip(loud + rng.integers(-12, 13), 20, 127))))
        now += length
    return notes or [Note(0.05, 2.0, keys[0], loud)]


def _chords(instrument: Instrument, rng: Rng) -> tuple[list[Note], str]:
    gap, strum, notes = around(rng, 0.8, 1.7), rng.uniform(0, 0.04), []
    root = int(rng.integers(instrument.low, max(instrument.low + 1, instrument.high - 16)))
    for turn in range(int(np.clip(4.5 / gap, 1, 8))):
        base = root + int(rng.choice([0, 0, 5, 7, 9, -3]))
        chord = CHORDS[int(rng.integers(len(CHORDS)))]
        notes += [
            Note(0.05 + turn * gap + i * strum, 0.95 * gap, base + step, int(rng.integers(60, 115)))
            for i, step in enumerate(chord)
        ]
    return notes, "playing chords"


def _broken_chords(instrument: Instrument, rng: Rng) -> tuple[list[Note], str]:
    root = int(rng.integers(instrument.low, max(instrument.low + 1, instrument.high - 16)))
    chord, gap = CHORDS[int(rng.integers(len(CHORDS)))], around(rng, 0.17, 1.6)
    keys = [root + step for step in (*chord, 12, *chord[::-1])] * 4
    return _legato(keys, [gap] * len(keys), rng), "playing an arpeggio"


def _captions(instrument: Instrument, what: str, rng: Rng) -> tuple[str, ...]:
    names = instrument.names
    if not what:
        return (*names, f"the sound of {names[0]}")
    return (*names, f"{names[int(rng.integers(len(names)))]} {what}", f"someone playing {names[0]}")


def play_drum(font: SoundFont, drum: Instrument, rng: Rng) -> Piece:
    """Render hits of one drum: one, several, or a roll."""
    kind = int(rng.integers(3))
    gap, count = ((1.0, 1), (around(rng, 0.45, 1.6), int(rng.integers(2, 9))), (0.07, int(rng.integers(8, 30))))[kind]
    notes = [Note(0.05 + i * gap, 0.3, drum.number, int(rng.integers(60, 127)), DRUMS) for i in range(count)]
    wave = font.play(notes, {DRUMS: int(rng.choice([0, 0, *font.drum_kits()]))}, tail_s=rng.uniform(0.5, 1.5))
    what = ("hit", "played several times", "roll")[kind]
    return Piece(wave, (*drum.names, f"{drum.names[0]} {what}", f"playing {drum.names[0]}"), f"drum {drum.number}")


GROOVES: dict[str, dict[int, str]] = {  # sixteenths of a bar: x is a hit, o a soft one
    "rock": {KICK: "x.......x.x.....", SNARE: "....x.......x...", CLOSED: "x.x.x.x.x.x.x.x."},
    "disco": {
        KICK: "x...x...x...x...",
        SNARE: "....x.......x...",
        OPEN: "..x...x...x...x.",
        CLOSED: "x...x...x...x...",
    },
    "hip hop": {KICK: "x..x......x..x..", SNARE: "....x.......x..o", CLOSED: "x.x.x.x.x.xxx.x."},
    "jazz": {RIDE: "x...x..ox...x..o", KICK: "o.......o.......", SNARE: ".......o......o.", CLOSED: "....x.......x..."},
    "samba": {KICK: "x..xx..xx..xx..x", SNARE: "x.xx.x.xx.x.xx.x", CLOSED: "xoxoxoxoxoxoxoxo"},
    "techno": {
        KICK: "x...x...x...x...",
        CLAP: "....x.......x...",
        OPEN: "..x...x...x...x.",
        CLOSED: "xxxxxxxxxxxxxxxx",
    },
    "military": {SNARE: "x.xxx.xxx.xxxxxx", KICK: "x.......x......."},
}
BANDS: dict[str, tuple[str, tuple[int, ...], int, float, tuple[str, ...]]] = {  # groove, lead, bass, bpm
    "rock": ("rock", (30, 29, 18), 33, 130, ("rock music", "a rock band playing", "loud guitar music")),
    "jazz": ("jazz", (0, 26, 66, 56), 32, 140, ("jazz music", "a jazz trio playing", "a jazz band in a club")),
    "techno": ("techno", (81, 90, 87), 38, 132, ("techno music", "electronic dance music", "music in a night club")),
    "disco": ("disco", (48, 61, 4), 36, 118, ("disco music", "funk music", "dance music with a steady beat")),
    "hip hop": ("hip hop", (4, 11, 50), 38, 88, ("a hip hop beat", "rap music without words", "urban beats")),
    "samba": ("samba", (24, 73, 61), 32, 104, ("Latin music", "samba", "Brazilian music")),
    "classical": ("", (48, 40, 73, 71), 43, 84, ("classical music", "an orchestra playing", "a symphony orchestra")),
    "ballad": ("", (0, 46, 49), 42, 72, ("a slow ballad", "calm music", "sad piano music", "relaxing music")),
    "folk": ("", (25, 110, 21, 105), 32, 112, ("folk music", "country music", "music with acoustic guitar and fiddle")),
    "march": ("military", (61, 56, 72), 58, 112, ("a marching band", "a brass band playing a march", "march music")),
}


def play_groove(font: SoundFont, rng: Rng) -> Piece:
    """Render two bars or so of a drum kit alone."""
    name = str(rng.choice(list(GROOVES)))
    notes = _groove(GROOVES[name], around(rng, 110, 1.4), rng)
    wave = font.play(notes, {DRUMS: int(rng.choice([0, 0, *font.drum_kits()]))})
    captions = ("a drum kit", "someone playing the drums", f"a {name} drum beat", "a drum solo")
    return Piece(wave, captions, f"groove {name}")


def _groove(pattern: dict[int, str], bpm: float, rng: Rng, until_s: float = 4.9) -> list[Note]:
    sixteenth, notes = 15.0 / bpm, [Note(0.05, 0.5, CRASH, 90, DRUMS)] if rng.random() < 0.3 else []
    for step in range(int(until_s / sixteenth)):
        for key, bar in pattern.items():
            if (mark := bar[step % 16]) != ".":
                loud = int(rng.integers(85, 120)) if mark == "x" else int(rng.integers(35, 60))
                notes.append(Note(0.05 + step * sixteenth, 0.2, key, loud, DRUMS))
    return notes


def play_band(font: SoundFont, rng: Rng) -> Piece:
    """Render a few bars of a small band: drums, bass, chords and a lead in a common key."""
    name = str(rng.choice(list(BANDS)))
    groove, leads, bass, bpm, captions = BANDS[name]
    beat = 60.0 / around(rng, bpm, 1.12)
    root = 48 + int(rng.integers(-5, 7))
    scale = MINOR if rng.random() < 0.5 else MAJOR
    notes = _groove(GROOVES[groove], 60.0 / beat, rng) if groove else []
    for bar in range(int(4.6 / (4 * beat)) + 1):
        degree = int(rng.choice([0, 3, 4, 5]))
        notes += _bar(root, scale, degree, 0.05 + bar * 4 * beat, beat, rng)
    lead, chords = (int(program) for program in rng.choice(leads, 2))
    wave = font.play([note for note in notes if note.start_s < 5], {0: lead, 1: chords, 2: bass, DRUMS: 0})
    return Piece(wave, ("music", *captions), f"band {name}")


def _bar(root: int, scale: Sequence[int], degree: int, start: float, beat: float, rng: Rng) -> list[Note]:
    """Return a bar of four beats: bass on each beat, a held chord, a melody out of the scale."""
    chord = [root + 12 + scale[(degree + step) % 7] for step in (0, 2, 4)]
    low = root - 12 + scale[degree]
    notes = [Note(start + i * beat, 0.9 * beat, low + (7 if i == 2 else 0), 95, 2) for i in range(4)]
    notes += [Note(start, 3.8 * beat, key, 70, 1) for key in chord]
    for i in range(8):
        if rng.random() < 0.65:
            key = root + 24 + scale[int(rng.integers(7))]
            notes.append(Note(start + i * beat / 2, beat / 2, key, int(rng.integers(80, 110)), 0))
    return notes
