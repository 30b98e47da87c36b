"""Train the head of the image model: fetch the packages, fit, measure, write the head and its card.

    python -m tools.train_builtin.images --cache FOLDER [--photos FOLDER...]

Takes some minutes on one core. The 428 names of clip art and 184 emoji (in three styles) that are measured on are
never trained on. Folders given by --photos, laid out as for benchmarks.retrieval, are measured on too; the card then
says by how much our captioned photos help there.
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from mmsearch.encoders.builtin.image_head import ImageHead
from mmsearch.encoders.builtin.weights import CLASSES, EFFICIENTNET, MINILM, TOKENIZER
from tools.train_builtin.fetch import fetch
from tools.train_builtin.heads import write_card, write_head
from tools.train_builtin.pictures import sources
from tools.train_builtin.pictures.examples import Examples, embed
from tools.train_builtin.pictures.fit import Fit, fit_head
from tools.train_builtin.pictures.measure import (
    Scores,
    corrected,
    galleries,
    held_out,
    joined,
    read_gallery,
    scores,
)

SEED = 20_240_311
Metrics = dict[str, dict[str, Scores]]


def main() -> None:
    """Fetch, train, measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="where fetched packages are kept")
    parser.add_argument("--photos", type=Path, nargs="*", default=[], help="captioned photos to measure on")
    arguments = parser.parse_args()
    rebuild(arguments.cache, arguments.photos)


def rebuild(cache: Path, folders: Sequence[Path]) -> None:
    """Make the head anew from the packages, which are fetched into `cache`, and measure it on captioned photos."""
    cache = fetch(sources.packages(), cache)
    examples = embed(sources.pictures(cache))
    held = held_out(examples, SEED)
    training = examples.of(~held)
    is_photo = training.source == sources.PHOTOS
    fit = fit_head(training.of(is_photo), training.of(~is_photo), SEED)
    parts = {folder.name: read_gallery(folder) for folder in folders} | galleries(examples.of(held))
    metrics = _measure(parts, fit.head)
    digest = write_head(fit.head)
    card = _card(digest, training, fit, metrics)
    write_card(fit.head, card)


def _measure(parts: dict[str, Examples], head: ImageHead) -> Metrics:
    """Measure each gallery alone, and all of them as one."""
    parts = parts | {"all of these in one gallery": joined(list(parts.values()))}
    variants = {"without the head": None, "without our photos": _without_photos(head), "with the head": head}
    metrics: Metrics = {}
    for name, gallery in parts.items():
        metrics[name] = {
            variant: scores(corrected(gallery, used) if used else gallery.base, gallery)
            for variant, used in variants.items()
        }
    for name, by_variant in metrics.items():
        for variant, values in by_variant.items():
            print(f"{name:32}{variant:20}" + "".join(f"{key:>10} {value:5}" for key, value in values.items()))
    return metrics


def _without_photos(head: ImageHead) -> ImageHead:
    """Leave photos as they are."""
    tensors = asdict(head)
    return ImageHead(**tensors | {name: np.zeros_like(tensors[name]) for name in ("photos", "photos_bias")})


def _card(digest: str, training: Examples, fit: Fit, metrics: Metrics) -> dict[str, object]:
    return {
        "what": "image head: features of 256 from pooled features of 1280, a gate between photos and drawings, and a "
        "ridge correction of the vector for either; float16",
        "made_by": "python -m tools.train_builtin.images",
        "sha256": digest,
        "made_with": {file.name: file.sha256 for file in (MINILM, TOKENIZER, EFFICIENTNET, CLASSES)},
        "seed": SEED,
        "strengths": fit.strengths,
        "sources": _packages(Counter(training.source.tolist())),
        "photos": [
            {"package": photo.package, "member": photo.member, "licence": photo.licence, "credit": photo.credit}
            for photo in sources.read_photos()
        ],
        "captions_of_photos": "tools/train_builtin/pictures/photos.tsv, written for mmsearch, Apache-2.0",
        "metrics": {"text to picture, percent, pictures never trained on": metrics},
    }


def _packages(counts: Counter[str]) -> list[dict[str, object]]:
    """List the packages with the number of their pictures that were trained on."""
    counts.update(photo.package for photo in sources.read_photos())
    entries = json.loads((sources.HERE / "packages_pictures.json").read_text(encoding="utf-8"))
    said = ("registry", "version", "sha256", "licence", "about", "credit")
    return [
        {"package": name, "pictures": counts[name]} | {key: entry[key] for key in said}
        for name, entry in entries.items()
    ]


if __name__ == "__main__":
    main()
