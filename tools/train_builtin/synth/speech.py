"""Who speaks, and how: men, women, children, foreign languages, whispering, shouting, telephones, robots, crowds."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from tools.train_builtin.synth.dsp import RATE, Rng, Wave, band, curve, noise, place, samples, saturate, unit
from tools.train_builtin.synth.music import Piece
from tools.train_builtin.synth.synthesizers import FLITE_VOICES, Espeak, Flite

ENGLISH = ("en", "en-us", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-029")
MEN = tuple(f"m{i}" for i in range(1, 9))
WOMEN = tuple(f"f{i}" for i in range(1, 6))
LONGEST_S = 5.5


@dataclass(frozen=True, slots=True)
class Sentence:
    """Something to say, and in which language: its code for eSpeak NG and its English name."""

    code: str
    language: str
    text: str


def sentences() -> list[Sentence]:
    """Return what is said; written for this purpose."""
    with Path(__file__).with_name("sentences.tsv").open(encoding="utf-8", newline="") as file:
        return [Sentence(*row) for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]


class Speakers:
    """All ways of speaking; each method draws one example."""

    def __init__(self, espeak: Espeak, flite: Flite) -> None:
        self._espeak, self._flite = espeak, flite
        everything = sentences()
        self._english = [sentence for sentence in everything if sentence.code == "en"]
        self._foreign = [sentence for sentence in everything if sentence.code != "en"]

    def ways(self) -> dict[str, tuple[Callable[[Rng], Piece], int]]:
        """Return name -> (method, how many of 100 examples are of this kind)."""
        return {
            "english": (self.english, 32),
            "flite": (self.flite, 14),
            "foreign": (self.foreign, 18),
            "child": (self.child, 6),
            "whisper": (self.whisper, 5),
            "shout": (self.shout, 4),
            "telephone": (self.telephone, 4),
            "robot": (self.robot, 4),
            "loudspeaker": (self.loudspeaker, 4),
            "conversation": (self.conversation, 4),
            "crowd": (self.crowd, 5),
        }

    def english(self, rng: Rng) -> Piece:
        """Draw someone who speaks English."""
        who = ("man", "woman")[int(rng.integers(2))]
        captions = (f"a {who} speaking", f"a {who} talking", "someone speaking", "speech", "a person talking")
        return Piece(self._say(rng, who), captions, f"speech {who}")

    def flite(self, rng: Rng) -> Piece:
        """Draw someone who speaks English, from another synthesizer."""
        voice = str(rng.choice(list(FLITE_VOICES)))
        who = FLITE_VOICES[voice]
        wave = _hurry(self._flite.say(_drawn(self._english, rng).text, voice), rng, 0.9, 1.12)
        captions = (f"a {who} speaking", f"a {who} reading aloud", "someone speaking", "speech", "a human voice")
        return Piece(_cut(wave), captions, f"speech {who}")

    def foreign(self, rng: Rng) -> Piece:
        """Draw someone who speaks another language."""
        sentence = _drawn(self._foreign, rng)
        who, variants = (("man", MEN), ("woman", WOMEN))[int(rng.integers(2))]
        wave = self._espeak.say(sentence.text, f"{sentence.code}+{rng.choice(variants)}", int(rng.integers(130, 200)))
        captions = (
            f"someone speaking {sentence.language}",
            f"a {who} speaking {sentence.language}",
            f"a {who} talking",
        )
        return Piece(_cut(wave), captions, f"speech {sentence.code}")

    def child(self, rng: Rng) -> Piece:
        """Draw a child: a woman's voice from a head that is a third smaller."""
        wave = _hurry(self._say(rng, "woman", (100, 140)), rng, 1.25, 1.5)
        return Piece(wave, ("a child talking", "a child speaking", "a little girl talking", "a kid's voice"), "child")

    def whisper(self, rng: Rng) -> Piece:
        """Draw someone who whispers."""
        variant = ("whisper", "whisperf")[int(rng.integers(2))]
        wave = self._espeak.say(_drawn(self._english, rng).text, f"en+{variant}", int(rng.integers(110, 180)))
        return Piece(_cut(wave), ("someone whispering", "whispering", "a whispered voice"), "whisper")

    def shout(self, rng: Rng) -> Piece:
        """Draw someone who shouts."""
        who = ("man", "woman")[int(rng.integers(2))]
        wave = saturate(_hurry(self._say(rng, who, (130, 170), 85), rng, 1.1, 1.3), rng.uniform(2, 6))
        captions = (f"a {who} shouting", "someone shouting", "someone yelling angrily")
        return Piece(wave + 0.1 * np.diff(wave, prepend=0.0), captions, "shout")

    def telephone(self, rng: Rng) -> Piece:
        """Draw a voice on the telephone or the radio."""
        wave = band(self._say(rng), rng.uniform(250, 450), rng.uniform(2800, 3500))
        hissing = saturate(wave, 3) + rng.uniform(0, 0.05) * noise(rng, len(wave))
        captions = ("a voice on the telephone", "someone speaking on the radio", "a phone call", "radio speech")
        return Piece(hissing, captions, "telephone")

    def robot(self, rng: Rng) -> Piece:
        """Draw a machine that speaks: without melody, and through a ring modulator or a comb."""
        text = _drawn(self._english, rng).text
        wave = self._espeak.say(text, f"en+{rng.choice(MEN)}", int(rng.integers(110, 170)), int(rng.integers(60)), 0)
        if rng.random() < 0.5:
            wave = wave * np.sin(2 * np.pi * rng.uniform(30, 110) * np.arange(len(wave)) / RATE)
        else:
            delay = int(rng.integers(80, 250))
            wave = wave + 0.8 * np.pad(wave, (delay, 0))[: len(wave)]
        return Piece(_cut(wave), ("a robot voice", "a robot speaking", "a computer voice", "synthetic speech"), "robot")

    def loudspeaker(self, rng: Rng) -> Piece:
        """Draw an announcement in a large hall."""
        wave = band(self._say(rng), 300, 5000)
        for _ in range(12):
            delay = samples(rng.uniform(0.03, 0.7))
            wave = wave + rng.uniform(0, 0.3) * np.pad(wave, (delay, 0))[: len(wave)]
        captions = (
            "an announcement over loudspeakers",
            "a public announcement in a station",
            "someone giving a speech",
        )
        return Piece(wave, captions, "loudspeaker")

    def conversation(self, rng: Rng) -> Piece:
        """Draw two people who talk with each other."""
        start, turns = 0.0, []
        who = [str(rng.choice(MEN)), str(rng.choice(WOMEN if rng.random() < 0.7 else MEN))]
        for turn in range(3):
            wave = self._espeak.say(_drawn(self._english, rng).text, f"en+{who[turn % 2]}", int(rng.integers(180, 250)))
            turns.append((start, wave))
            start += len(wave) / RATE + rng.uniform(-0.3, 0.2)
        captions = ("two people talking", "a conversation", "people talking with each other", "a dialogue")
        return Piece(place(samples(LONGEST_S), turns), captions, "conversation")

    def crowd(self, rng: Rng) -> Piece:
        """Draw many people who talk at once."""
        n = samples(rng.uniform(4, LONGEST_S))
        total = np.zeros(n)
        for _ in range(int(rng.integers(6, 14))):
            wave = np.roll(np.resize(self._say(rng), n), int(rng.integers(n)))
            total += rng.uniform(0.2, 1) * unit(wave)
        murmur = total + rng.uniform(0, 1) * noise(rng, n, -5)
        captions = (
            "a crowd of people talking",
            "many people talking at once",
            "the chatter of a crowd",
            "a busy restaurant",
        )
        return Piece(murmur * curve(n, 0.8, 1.0, 0.9), captions, "crowd")

    def _say(self, rng: Rng, who: str = "", speed: tuple[int, int] = (130, 200), pitch: int | None = None) -> Wave:
        """Return an English sentence in a random voice."""
        variants = {"man": MEN, "woman": WOMEN}.get(who, MEN + WOMEN)
        voice = f"{rng.choice(ENGLISH)}+{rng.choice(variants)}"
        high = int(rng.integers(25, 75)) if pitch is None else pitch
        text = _drawn(self._english, rng).text
        return _cut(self._espeak.say(text, voice, int(rng.integers(*speed)), high, int(rng.integers(30, 80))))


def _drawn(choices: list[Sentence], rng: Rng) -> Sentence:
    return choices[int(rng.integers(len(choices)))]


def _cut(wave: Wave) -> Wave:
    return wave[: samples(LONGEST_S)]


def _hurry(wave: Wave, rng: Rng, least: float, most: float) -> Wave:
    """Play faster by a random factor, which raises pitch and formants alike."""
    return np.asarray(resample_poly(wave, 50, round(50 * rng.uniform(least, most))))
