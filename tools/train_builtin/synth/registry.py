"""The list of generators: a function, its captions, and the promise of what it returns."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps

import numpy as np

from mmsearch.types import Waveform
from tools.train_builtin.synth.dsp import RATE, Rng, Wave

MIN_S, MAX_S = 1.0, 6.0


@dataclass(frozen=True, slots=True)
class Generator:
    """One kind of sound.

    Attributes:
        make: Draws a new example: at 16 kHz, 1 to 6 s, peak between 0.2 and 0.95, the same for the same state.
        captions: What a person may call it.
    """

    make: Callable[[Rng], Waveform]
    captions: tuple[str, ...]


GENERATORS: dict[str, Generator] = {}


def sound(*captions: str) -> Callable[[Callable[[Rng], Wave]], Callable[[Rng], Waveform]]:
    """Register a generator under its function's name; the result is brought to length, scale and type."""

    def register(raw: Callable[[Rng], Wave]) -> Callable[[Rng], Waveform]:
        @wraps(raw)
        def make(rng: Rng) -> Waveform:
            return finish(raw(rng), rng)

        if raw.__name__ in GENERATORS:
            raise ValueError(f"two generators are called {raw.__name__}")
        GENERATORS[raw.__name__] = Generator(make, captions)
        return make

    return register


def finish(wave: Wave, rng: Rng) -> Waveform:
    """Take off the mean, bring to 1 to 6 s and to a random peak between 0.2 and 0.95; fade the ends over 5 ms."""
    wave = wave[: int(MAX_S * RATE)] - wave.mean()
    wave = np.pad(wave, (0, max(0, int(MIN_S * RATE) - len(wave))))
    fade = np.minimum(1.0, np.arange(len(wave)) / (0.005 * RATE))
    wave = wave * fade * fade[::-1]
    return np.asarray(wave * (rng.uniform(0.2, 0.95) / (np.abs(wave).max() + 1e-9)), dtype=np.float32)
