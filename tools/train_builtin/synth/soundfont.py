"""Render notes with a General MIDI soundfont, at 16 kHz.

Rendered at 48 kHz and filtered down, because the synthesizer interpolates linearly and would fold at 16 kHz.

`tinysoundfont` wants PyAudio, which must be compiled, only to play live: install it with `pip install --no-deps`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from tools.train_builtin.archives import open_member
from tools.train_builtin.synth.dsp import RATE, Wave

DRUMS = 9  # General MIDI's channel for drums
_OVERSAMPLED = 3
SOUNDFONTS = {
    "fluid-soundfont-gm": "usr/share/sounds/sf2/FluidR3_GM.sf2",
    "musescore-general-soundfont": "usr/share/sounds/sf3/MuseScore_General_Full.sf3",
}


@dataclass(frozen=True, slots=True)
class Note:
    """One note; times in seconds, key and velocity as of MIDI (60 is middle C; 1 to 127)."""

    start_s: float
    length_s: float
    key: int
    velocity: int
    channel: int = 0


class SoundFont:
    """A loaded soundfont."""

    def __init__(self, package: str, archive: Path) -> None:
        """Load the soundfont of a package from its fetched file.

        Raises:
            ArchiveError: The archive does not hold it, or is damaged.
        """
        import tinysoundfont  # here, so that the tables of instruments can be read without it

        self.name = package
        self._synth = tinysoundfont.Synth(samplerate=_OVERSAMPLED * RATE, gain=-8)
        self._font = self._synth.sfload(open_member(archive, SOUNDFONTS[package]))

    def drum_kits(self) -> list[int]:
        """Return the presets of the drum bank that General MIDI defines; higher ones are effects."""
        return [i for i in range(49) if self._synth.sfpreset_name(self._font, 128, i)]

    def play(self, notes: Sequence[Note], programs: Mapping[int, int], tail_s: float = 0.5) -> Wave:
        """Render notes, each channel with its program (for `DRUMS`, its kit), and let them ring for `tail_s`."""
        for channel, program in programs.items():
            drums = channel == DRUMS
            self._synth.program_select(channel, self._font, 128 if drums else 0, program, drums)
        pieces, now = [], 0
        for time_s, note, starts in _switches(notes):
            pieces.append(self._advance(samples_at(time_s) - now))
            now = max(now, samples_at(time_s))
            if starts:
                self._synth.noteon(note.channel, note.key, note.velocity)
            else:
                self._synth.noteoff(note.channel, note.key)
        pieces.append(self._advance(samples_at(tail_s)))
        self._synth.sounds_off()
        self._advance(_OVERSAMPLED * RATE // 10)  # lets voices that were cut off die
        return np.asarray(resample_poly(np.concatenate(pieces), 1, _OVERSAMPLED), dtype=np.float64)

    def _advance(self, count: int) -> Wave:
        if count <= 0:
            return np.zeros(0)
        stereo = np.frombuffer(bytes(self._synth.generate(count)), dtype=np.float32).reshape(-1, 2)
        return np.asarray(stereo.mean(axis=1, dtype=np.float64))


def samples_at(seconds: float) -> int:
    """Return a time in samples of the oversampled rate."""
    return round(seconds * _OVERSAMPLED * RATE)


def _switches(notes: Sequence[Note]) -> list[tuple[float, Note, bool]]:
    """Return (time, note, whether it starts) in order; where times are equal, ends come first."""
    starts = [(note.start_s, note, True) for note in notes]
    ends = [(note.start_s + note.length_s, note, False) for note in notes]
    return sorted(ends + starts, key=lambda switch: switch[0])
