"""Measure what good matches reach, and how well "no good match" is told from them.

    python -m benchmarks.no_match FOLDER... --sounds FOLDER... [--model builtin]

Folders as for benchmarks.retrieval and benchmarks.sounds. Real queries are those of no_match_queries.json whose words
the captions of a photo have, or whose label a sound has; unanswerable ones are nonsense, topics that neither photos
nor sounds show, and things that could be there but are not. For each target the levels are chosen on one half of the
photos, sounds and queries, and judged on the other half. Prints the area under the ROC curve of real against other
queries for the cosine of the best hit, for its standard score among the collection, for both together, and for the
score that it would have without levels; what share of each kind the level calls "no good match"; and what share
reaches each score. The levels in use are kept in mmsearch/encoders/builtin/encoder.py.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.answerable import KINDS, REAL, TARGETS, Material, read_material
from benchmarks.media_levels import report_media
from mmsearch.registry import make_encoder
from mmsearch.search.background import Background
from mmsearch.search.calibrate import calibrated
from mmsearch.types import EncoderSpec, Modality, Vectors

Values = npt.NDArray[np.float64]
STEPS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def best_hits(gallery: Vectors, queries: Vectors) -> Values:
    """Return (n, 2): cosine of each query's best hit, and its standard score among the gallery."""
    cosines = (queries @ gallery.T).astype(np.float64)
    best = cosines.max(axis=1)
    return np.stack([best, (best - cosines.mean(axis=1)) / cosines.std(axis=1)], axis=1)


def standing_out(gallery: Vectors, queries: Vectors, spec: EncoderSpec) -> Values:
    """Return the score (n,) that each query's best hit would have if the model had no levels."""
    best = (queries @ gallery.T).max(axis=1, keepdims=True)
    backgrounds = [Background.of(gallery, query) for query in queries]
    scores = [calibrated(row, None, "image", spec, each) for row, each in zip(best, backgrounds, strict=True)]
    return np.concatenate(scores).astype(np.float64)


def area(real: Values, other: Values) -> float:
    """Return how often a real query's value is above another's."""
    above = (real[:, None] > other).mean() + (real[:, None] == other).mean() / 2
    return float(above)


def blend_of(real: Values, other: Values, steps: int = 50) -> Values:
    """Return weights (3,) of a logistic regression of both values at even odds, by Newton's method."""
    rows = np.concatenate([real, other])
    inputs = np.c_[rows, np.ones(len(rows))]
    truth = np.r_[np.ones(len(real)), np.zeros(len(other))]
    counts = np.where(truth > 0, 0.5 / len(real), 0.5 / len(other))
    weights = np.zeros(3)
    for _ in range(steps):
        guess = 1 / (1 + np.exp(-inputs @ weights))
        curve = (inputs * (counts * guess * (1 - guess))[:, None]).T @ inputs + 1e-4 * np.eye(3)
        weights -= np.linalg.solve(curve, inputs.T @ (counts * (guess - truth)) + 1e-4 * weights)
    return weights


def report_separation(chosen: Material, held_out: Material, target: Modality, spec: EncoderSpec) -> None:
    """Print the areas for cosine, standard score, both, and the score without levels, on the held-out half."""
    known, values = (
        {kind: best_hits(half.gallery(target), queries) for kind, queries in half.asked(target).items()}
        for half in (chosen, held_out)
    )
    weights = blend_of(known[REAL], np.concatenate([known[kind] for kind in KINDS if kind != REAL]))
    for name, pick in (("cosine", (1.0, 0.0)), ("standard score", (0.0, 1.0)), ("both", weights[:2])):
        _print_areas(name, {kind: each @ pick for kind, each in values.items()})
    asked = held_out.asked(target)
    gallery = held_out.gallery(target)
    _print_areas("without levels", {kind: standing_out(gallery, each, spec) for kind, each in asked.items()})


def _print_areas(name: str, values: dict[str, Values]) -> None:
    areas = {kind: area(values[REAL], values[kind]) for kind in KINDS if kind != REAL}
    print(f"  {name:14s} " + "  ".join(f"{kind} {each:.3f}" for kind, each in areas.items()))


def levels_of(material: Material, target: Modality) -> tuple[float, float]:
    """Return what 95 % and what half of the real queries reach with their best hit."""
    best = best_hits(material.gallery(target), material.asked(target)[REAL])[:, 0]
    doubtful, typical = np.percentile(best, [5, 50])
    return float(doubtful), float(typical)


def refused(material: Material, target: Modality, below: float) -> dict[str, npt.NDArray[np.bool_]]:
    """Tell of each query whether its best hit is below a level."""
    asked = material.asked(target)
    return {kind: best_hits(material.gallery(target), asked[kind])[:, 0] < below for kind in KINDS}


def report_levels(halves: Sequence[Material], target: Modality) -> None:
    """Print the levels that each half gives, and the share of each kind that is below in the other half."""
    both = []
    for chosen, held_out in (halves, halves[::-1]):
        doubtful, typical = levels_of(chosen, target)
        both.append(refused(held_out, target, doubtful))
        print(f"  doubtful {doubtful:.3f}  typical {typical:.3f}: no good match in the other half: {_shares(both[-1])}")
    pooled = {kind: np.concatenate([each[kind] for each in both]) for kind in KINDS}
    print(f"  both together: {_shares(pooled)}")


def _shares(below: dict[str, npt.NDArray[np.bool_]]) -> str:
    return "  ".join(f"{kind} {100 * each.mean():.0f} % of {len(each)}" for kind, each in below.items())


def report_scores(material: Material, target: Modality, spec: EncoderSpec) -> None:
    """Print what share of each kind has a best hit that reaches each score, at the levels in use."""
    for kind, queries in material.asked(target).items():
        cosines = best_hits(material.gallery(target), queries)[:, 0].astype(np.float32)
        scores = calibrated(cosines, "text", target, spec, None)
        reached = "  ".join(f"{step} {100 * (scores >= step).mean():3.0f} %" for step in STEPS)
        print(f"  {kind:8s} ({len(queries):3d}) reaches {reached}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--sounds", nargs="+", type=Path, required=True, help="folders as for benchmarks.sounds")
    parser.add_argument("--model", default="builtin")
    args = parser.parse_args()
    material = read_material(args.folders, args.sounds, args.model)
    halves, spec = (material.half(0), material.half(1)), make_encoder(args.model).spec
    for target in TARGETS:
        for chosen, held_out in (halves, halves[::-1]):
            print(f"text -> {target}: area of real queries against others, {len(held_out.gallery(target))} {target}s")
            report_separation(chosen, held_out, target, spec)
        report_levels(halves, target)
        print("  levels in use, chosen on the first half; the second half:")
        report_scores(halves[1], target, spec)
    for half in halves:
        report_media(half)


if __name__ == "__main__":
    main()
