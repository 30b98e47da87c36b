"""Measure whether one kind of media crowds out the others in a mixed list.

    python -m benchmarks.mixed FOLDER... --sounds FOLDER... [--model builtin]

Folders as for benchmarks.no_match; of them the half on which the levels were not chosen. Every second photo is there as
a photo only, the others as their first caption, a note; all sounds are there. Queries are the second captions, which
name a photo or a note, and the phrases of no_match_queries.json for the labels of sounds. Ranks all three kinds
together by raw cosine, by score, and by the score of models without levels; prints how often the best hit is of the
right kind, how often a right one is among ten, and the kinds of the first ten.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.answerable import TARGETS, Material, read_material
from mmsearch.registry import make_encoder
from mmsearch.search.background import Background
from mmsearch.search.calibrate import calibrated
from mmsearch.types import EncoderSpec, Modality, Vectors

Scores = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Mixture:
    """A gallery of all kinds (n, d) and queries (m, d), with what each of either is about."""

    gallery: Vectors
    kinds: npt.NDArray[np.str_]
    subjects: npt.NDArray[np.str_]
    queries: Vectors
    wanted_kinds: npt.NDArray[np.str_]
    wanted: npt.NDArray[np.str_]


def mix(material: Material) -> Mixture:
    """Put every second photo, the notes of the others, and all sounds into one gallery."""
    places = np.arange(len(material.photos))
    shown = places % 2 == 0
    phrases = [(label, each) for label in sorted(set(material.labels)) for each in material.sound_queries[label]]
    return Mixture(
        np.concatenate([material.photos[shown], material.notes[~shown], material.sounds]),
        np.repeat(["image", "text", "audio"], [shown.sum(), (~shown).sum(), len(material.sounds)]),
        np.array([*places[shown].astype(str), *places[~shown].astype(str), *material.labels]),
        material.vectors([*(captions[1] for captions in material.captions), *(phrase for _, phrase in phrases)]),
        np.array([*np.where(shown, "image", "text"), *["audio"] * len(phrases)]),
        np.array([*places.astype(str), *(label for label, _ in phrases)]),
    )


def by_score(mixture: Mixture, spec: EncoderSpec, asked: Modality | None) -> Scores:
    """Score each query against the gallery as a search does: (m, n); `asked` None scores against the collection."""
    table = mixture.queries @ mixture.gallery.T
    for kind in TARGETS:
        here = mixture.kinds == kind
        for row, query in zip(table, mixture.queries, strict=True):
            background = Background.of(mixture.gallery[here], query)
            row[here] = calibrated(row[here], asked, kind, spec, background)
    return table


def report(name: str, table: Scores, mixture: Mixture) -> None:
    """Print a line for each kind that is asked for."""
    order = np.argsort(-table, axis=1, kind="stable")[:, :10]
    kinds, right = mixture.kinds[order], mixture.subjects[order] == mixture.wanted[:, None]
    for kind in TARGETS:
        asked = mixture.wanted_kinds == kind
        shares = "  ".join(f"{each} {100 * (kinds[asked] == each).mean():.0f} %" for each in TARGETS)
        first, found = (kinds[asked, 0] == kind).mean(), right[asked].any(axis=1).mean()
        print(
            f"{name}, {asked.sum()} queries for {kind}: best hit of that kind {100 * first:.0f} %  "
            f"right one in ten {100 * found:.0f} %  the ten are {shares}"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--sounds", nargs="+", type=Path, required=True, help="folders as for benchmarks.sounds")
    parser.add_argument("--model", default="builtin")
    args = parser.parse_args()
    spec = make_encoder(args.model).spec
    mixture = mix(read_material(args.folders, args.sounds, args.model).half(1))
    report("cosine", mixture.queries @ mixture.gallery.T, mixture)
    report("score", by_score(mixture, spec, "text"), mixture)
    report("standing out", by_score(mixture, spec, None), mixture)


if __name__ == "__main__":
    main()
