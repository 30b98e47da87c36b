"""Speech by eSpeak NG and Flite, through their C interfaces.

eSpeak NG's program is under the GPL; what it says is not. Flite and its voices are under a BSD-like licence.
"""

import ctypes
import tempfile
from collections.abc import Sequence
from pathlib import Path

import espeakng_loader
import numpy as np
from scipy.signal import resample_poly

from tools.train_builtin.archives import read_members
from tools.train_builtin.synth.dsp import RATE, Wave

_SYNCHRONOUS, _UTF8 = 2, 1
_SPEED, _PITCH, _RANGE = 1, 3, 4  # espeak_PARAMETER in speak_lib.h
Samples = ctypes.POINTER(ctypes.c_short)
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, Samples, ctypes.c_int, ctypes.c_void_p)
_FLITE = "usr/lib/x86_64-linux-gnu/lib{}.so.2.2"
FLITE_VOICES = {"awb": "man", "kal16": "man", "rms": "man", "slt": "woman"}


class SpeechError(Exception):
    """A synthesizer could not be started or has no such voice."""


class Espeak:
    """eSpeak NG; there is one in a process.

    Guarantees: the same calls in the same order give the same speech in every process. It keeps state between calls,
    so that one call alone gives other speech than the same call after others.
    """

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self.rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, 0)
        if self.rate <= 0:
            raise SpeechError("eSpeak NG does not start: install espeakng-loader again")
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(0))
        self._pieces: list[Wave] = []
        self._callback = _CALLBACK(self._take)
        self._library.espeak_SetSynthCallback(self._callback)

    def say(self, text: str, voice: str, words_a_minute: int = 170, pitch: int = 50, pitch_range: int = 50) -> Wave:
        """Return speech at 16 kHz.

        Args:
            text: What to say.
            voice: Language and variant, such as "en-us+f3".
            words_a_minute: From 80 to 450.
            pitch: From 0 to 99.
            pitch_range: From 0, monotone, to 99.

        Raises:
            SpeechError: There is no such voice.
        """
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise SpeechError(f"eSpeak NG has no voice {voice}")
        for parameter, value in ((_SPEED, words_a_minute), (_PITCH, pitch), (_RANGE, pitch_range)):
            self._library.espeak_SetParameter(parameter, value, 0)
        self._pieces = [np.zeros(1)]
        encoded = text.encode()
        self._library.espeak_Synth(encoded, len(encoded) + 1, 0, 0, 0, _UTF8, None, None)
        return to_rate(np.concatenate(self._pieces), self.rate)

    def _take(self, data: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int | None) -> int:
        if data and count > 0:
            self._pieces.append(np.ctypeslib.as_array(data, (count,)).astype(np.float64) / 32768)
        return 0


class _FliteWave(ctypes.Structure):
    """`cst_wave` of cst_wave.h."""

    _fields_ = (
        ("type", ctypes.c_char_p),
        ("sample_rate", ctypes.c_int),
        ("num_samples", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("samples", Samples),
    )


class Flite:
    """Flite with its voices, from the fetched Debian package libflite1."""

    def __init__(self, archive: Path) -> None:
        """Load the libraries.

        Raises:
            ArchiveError: The archive does not hold them, or is damaged.
            SpeechError: This is not the kind of machine that they are for.
        """
        names = ["flite", "flite_usenglish", "flite_cmulex", *(f"flite_cmu_us_{voice}" for voice in FLITE_VOICES)]
        try:
            libraries = dict(zip(names, _load(archive, [_FLITE.format(name) for name in names]), strict=True))
        except OSError as error:
            raise SpeechError(f"Flite's libraries do not load ({error}): they are for Linux on x86-64") from error
        self._synthesize = libraries["flite"].flite_text_to_wave
        self._synthesize.restype, self._synthesize.argtypes = (
            ctypes.POINTER(_FliteWave),
            [ctypes.c_char_p, ctypes.c_void_p],
        )
        self._delete = libraries["flite"].delete_wave
        self._seed = ctypes.CDLL(None).srand
        libraries["flite"].flite_init()
        self._voices = {voice: _register(libraries[f"flite_cmu_us_{voice}"], voice) for voice in FLITE_VOICES}

    def say(self, text: str, voice: str) -> Wave:
        """Return English speech at 16 kHz by one of `FLITE_VOICES`."""
        self._seed(1)  # its voiceless sounds are noise from C's generator
        pointer = self._synthesize(text.encode("ascii", "replace"), self._voices[voice])
        wave = pointer.contents
        copied = np.ctypeslib.as_array(wave.samples, (wave.num_samples,)).astype(np.float64) / 32768
        rate = wave.sample_rate
        self._delete(pointer)
        return to_rate(copied, rate)


def _load(archive: Path, members: Sequence[str]) -> list[ctypes.CDLL]:
    """Load libraries in the order given, each finding those before it by their names in the file system."""
    contents = dict(read_members(archive, members))
    with tempfile.TemporaryDirectory() as folder:
        for member in members:
            name = member.rpartition("/")[2].removesuffix(".2.2") + ".1"
            (Path(folder) / name).write_bytes(contents[member])
        return [
            ctypes.CDLL(str(Path(folder) / (member.rpartition("/")[2].removesuffix(".2.2") + ".1")), ctypes.RTLD_GLOBAL)
            for member in members
        ]


def _register(library: ctypes.CDLL, voice: str) -> int:
    register = library[f"register_cmu_us_{voice}"]
    register.restype, register.argtypes = ctypes.c_void_p, [ctypes.c_char_p]
    return int(register(None))


def to_rate(wave: Wave, rate: int) -> Wave:
    """Resample to 16 kHz."""
    return wave if rate == RATE else np.asarray(resample_poly(wave, RATE, rate))
