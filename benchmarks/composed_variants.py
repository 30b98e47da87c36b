"""Formulas for composed queries, compared on the same vectors; called by benchmarks.composed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

import mmsearch
from benchmarks.composed_set import ComposedQuery, Part, Table, success
from mmsearch.encoders.builtin.encoder import BuiltinEncoder
from mmsearch.search.calibrate import calibrated
from mmsearch.search.compose import fused, portions
from mmsearch.types import Modality, Vectors

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """A query as numbers.

    Attributes:
        rows: (p, d) the parts' unit vectors.
        weights: (p,), below 0 for negative parts.
        items: (n, d).
        cosines: (p, n) of the parts with the items.
        scores: (p, n) the same, calibrated.
    """

    rows: Vectors
    weights: Array
    items: Vectors
    cosines: npt.NDArray[np.float32]
    scores: Array

    @property
    def shares(self) -> Array:
        """The positive weights, summing up to 1."""
        wanted = self.weights[self.weights > 0]
        return np.asarray(wanted / wanted.sum())

    def split(self, values: Array) -> tuple[Array, Array]:
        """Tell the rows of positive parts from those of negative ones."""
        return values[self.weights > 0], values[self.weights < 0]

    def unlike(self) -> Array:
        """Product of (1 - p) ** weight over negative parts: (n,)."""
        _, unwanted = self.split(self.scores)
        _, weights = self.split(self.weights)
        return np.asarray(np.prod((1 - unwanted) ** -weights[:, None], axis=0))


def _minus(strength: float) -> Callable[[Problem], Array]:
    """Add vectors, the negative ones scaled down."""
    return lambda p: p.items @ (np.where(p.weights < 0, strength, 1) * p.weights @ p.rows)


def _log_odds(p: Problem) -> Array:
    odds = np.log(p.scores) - np.log1p(-p.scores)
    return p.shares @ p.split(odds)[0] + np.log(p.unlike())


def _ranks(p: Problem) -> Array:
    ranks = 1 + np.argsort(np.argsort(-p.cosines, axis=1), axis=1)
    return np.asarray(p.weights @ (1 / (60 + ranks)))


def _least(p: Problem) -> Array:
    each = np.where(p.weights[:, None] > 0, p.scores, 1 - p.scores)
    return np.asarray(each.min(axis=0))


VARIANTS: dict[str, Callable[[Problem], Array]] = {
    "add: projection": lambda p: p.items @ (portions(p.rows, p.weights) @ p.rows),
    "add: subtraction": _minus(1.0),
    "add: half subtraction": _minus(0.5),
    "add: ignoring negatives": _minus(0.0),
    "fuse: margins": lambda p: fused(p.scores.astype(np.float32), p.weights).astype(np.float64),
    "fuse: log odds": _log_odds,
    "fuse: geometric mean": lambda p: np.exp(p.shares @ np.log(p.split(p.scores)[0])) * p.unlike(),
    "fuse: arithmetic mean": lambda p: p.shares @ p.split(p.scores)[0] * p.unlike(),
    "fuse: sum minus negatives": lambda p: p.weights @ p.scores,
    "fuse: minimum": _least,
    "fuse: reciprocal ranks": _ranks,
}


def measure_variants(
    queries: Sequence[ComposedQuery], collection: mmsearch.Collection, paths: Mapping[str, str]
) -> dict[str, Table]:
    """Return the success of each formula with each query, by exact cosines of the built-in model."""
    photos = sorted(name for name, path in paths.items() if path.lower().endswith((".jpg", ".jpeg")))
    sounds = sorted(set(paths) - set(photos))
    vectors = {
        "image": collection.embed(images=[paths[name] for name in photos]),
        "audio": collection.embed(sounds=[paths[name] for name in sounds]),
    }
    names = {"image": photos, "audio": sounds}
    texts = sorted({part.value for query in queries for part in query.parts if _kind(part) == "text"})
    known = dict(zip(texts, collection.embed(texts=texts), strict=True))
    for kind in names:
        known |= dict(zip(names[kind], vectors[kind], strict=True))
    problems = [_problem(query, known, vectors[query.modality]) for query in queries]
    return {
        name: np.stack([_success(variant(p), names[q.modality], q) for p, q in zip(problems, queries, strict=True)])
        for name, variant in VARIANTS.items()
    }


def _kind(part: Part) -> Modality:
    """Return what a part is; the items of the set that queries name are photos."""
    kinds: dict[str, Modality] = {"image": "image", "like": "image", "audio": "audio"}
    return kinds.get(part.argument, "text")


def _problem(query: ComposedQuery, known: Mapping[str, npt.NDArray[np.float32]], items: Vectors) -> Problem:
    rows = np.stack([known[part.value] for part in query.parts])
    weights = np.array([-part.weight if part.argument == "negative" else part.weight for part in query.parts])
    target, spec, cosines = cast(Modality, query.modality), BuiltinEncoder().spec, rows @ items.T
    asked = [_kind(part) for part in query.parts]
    scores = [calibrated(row, kind, target, spec, None) for row, kind in zip(cosines, asked, strict=True)]
    return Problem(rows, weights, items, cosines, np.stack(scores).astype(np.float64))


def _success(scores: Array, names: Sequence[str], query: ComposedQuery) -> Table:
    return success([names[i] for i in np.argsort(-scores, kind="stable")], query)
