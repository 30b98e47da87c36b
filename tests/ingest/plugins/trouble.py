"""An encoder as another package offers it, with which worker processes get into trouble on demand.

A text that is one of the words below does it while it is embedded; a picture or sound file that ends in such a word
while it is read, because the decoders are replaced as the model is loaded. The argument says what to do on loading;
"SLOW" is slow with every piece of sound.
"""

import os
import re
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import mmsearch.ingest.decode
import mmsearch.ingest.listen
from mmsearch.encoders.hashing import HashingEncoder
from mmsearch.errors import WeightsDamaged


def hang():
    time.sleep(60)


def spin():
    """Hang without ever letting another thread of this process run."""
    re.match("(a+)+$", "a" * 64 + "b")


def eat():
    np.empty(1 << 35, np.uint8)


def fail():
    raise RuntimeError("out of order")


def lack():
    raise WeightsDamaged("The weights are gone.")


def note_that_it_begins():
    if path := os.environ.get("TROUBLE_BEGINS"):
        Path(path).touch()


TROUBLES = {
    b"EXIT": lambda: os._exit(3),
    b"ABORT": os.abort,
    b"KILL": lambda: os.kill(os.getpid(), signal.SIGKILL),
    b"HANG": hang,
    b"SPIN": spin,
    b"EAT": eat,
    b"FAIL": fail,
    b"LACK": lack,
}


def meet(data):
    for word, happens in TROUBLES.items():
        if data.endswith(word):
            note_that_it_begins()
            happens()


class TroubleEncoder(HashingEncoder):
    def __init__(self, on_load="nothing"):
        super().__init__()
        self.on_load = on_load
        self.spec = replace(self.spec, space=replace(self.spec.space, model=f"trouble:{on_load}", revision="trouble"))

    def load(self):
        TROUBLES.get(self.on_load.encode(), str)()
        real_image, real_sound = mmsearch.ingest.decode.read_image, mmsearch.ingest.listen.open_sound

        def read_image(data, limits, target):
            meet(data)
            return real_image(data, limits, target)

        def open_sound(file, limits, rate_hz):
            meet(file.read())
            file.seek(0)
            return real_sound(file, limits, rate_hz)

        mmsearch.ingest.decode.read_image, mmsearch.ingest.listen.open_sound = read_image, open_sound

    def encode_audio(self, waves, role):
        if self.on_load == "SLOW":
            time.sleep(0.25)
        return super().encode_audio(waves, role)

    def encode_texts(self, texts, role):
        for text in texts:
            TROUBLES.get(text.encode(), str)()
        if self.on_load == "BLANK":
            fail()
        return super().encode_texts(texts, role)
