"""Fit the sound head in closed form: 256 principal components of YAMNet's features, and a ridge on them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from benchmarks.sounds import average_precision
from mmsearch.adapt.ridge import decompose
from mmsearch.encoders.builtin.head import FEATURE_DIM
from mmsearch.encoders.builtin.sound_head import SoundHead
from mmsearch.encoders.builtin.weights import Tensor
from mmsearch.normalise import unit_rows
from mmsearch.types import Vectors
from tools.train_builtin.hearing.examples import Examples, Flags

Matrix = npt.NDArray[np.float64]
STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)  # in mean squared lengths of a row of features
FOLDS = 5
SYNTHETIC = ("procedural", "espeak-ng", "flite", "fluid-soundfont-gm", "musescore-general-soundfont")
# What a procedural sound of a kind counts against a recording: taken in full, they mislead about animals.
SHARES = {"procedural": 0.15}


@dataclass(frozen=True)
class Fit:
    """A head, and the strength that cross-validation chose."""

    head: SoundHead
    strength: float


def fit_head(examples: Examples, seed: int) -> Fit:
    """Fit the head. A group of n sounds counts as the root of n: one instrument's many notes say much the same."""
    weight = weights(examples)
    centre = _as_stored(np.average(examples.pooled, axis=0, weights=weight))
    scale = np.sqrt(np.average((examples.pooled - centre) ** 2.0, axis=0, weights=weight)) + 1e-3
    standard = (examples.pooled - centre) / scale
    _, components = np.linalg.eigh((standard * weight[:, None]).T @ standard)
    projection = _as_stored(components[:, ::-1][:, :FEATURE_DIM] / scale[:, None])
    features = (examples.pooled - centre) @ projection
    strength = choose_strength(features, examples, seed)
    ridge = _Ridge.fit(features, examples.targets, weight, strength)
    bias = -ridge.offset @ ridge.weight
    no_mean = np.zeros_like(bias)
    head = SoundHead(centre, projection, *(_as_stored(tensor) for tensor in (ridge.weight, bias, no_mean)))
    return Fit(_centred(head, examples), strength)


def _centred(head: SoundHead, examples: Examples) -> SoundHead:
    """Let the head take the mean of recordings' corrected vectors off, or of all if there are no recordings."""
    recorded = ~np.isin(examples.source, SYNTHETIC)
    some = examples.of(recorded) if recorded.any() else examples
    vectors = unit_rows(head.correct(some.base, head.features(some.pooled)))
    return replace(head, mean=_as_stored(np.average(vectors, axis=0, weights=weights(some))))


def weights(examples: Examples) -> Matrix:
    """Return how much each sound counts, (n,), with mean 1."""
    _, place, sizes = np.unique(examples.group, return_inverse=True, return_counts=True)
    weight = sizes[place] ** -0.5 * np.array([SHARES.get(source, 1.0) for source in examples.source.tolist()])
    return np.asarray(weight / weight.mean(), dtype=np.float64)


def choose_strength(features: npt.NDArray[np.floating], examples: Examples, seed: int) -> float:
    """Return the strength with which held-out groups are best told apart, by cross-validation.

    A label searches the held-out sounds; its mean average precision counts.
    """
    values = []
    for held in folds(examples.group, seed):
        known, asked = examples.of(~held), examples.of(held)
        values.append(
            [
                mean_average_precision(
                    unit_rows(asked.base + ridge.predict(features[held])), asked.label, asked.targets
                )
                for ridge in (
                    _Ridge.fit(features[~held], known.targets, weights(known), strength) for strength in STRENGTHS
                )
            ]
        )
    return STRENGTHS[int(np.mean(values, axis=0).argmax())]


def folds(groups: npt.NDArray[np.str_], seed: int) -> Iterator[Flags]:
    """Yield FOLDS masks of held-out sounds; sounds of one group stay together."""
    unique, place = np.unique(groups, return_inverse=True)
    fold = np.random.default_rng(seed).permutation(len(unique)) % FOLDS
    for number in range(FOLDS):
        yield fold[place] == number


def mean_average_precision(vectors: Vectors, labels: npt.NDArray[np.str_], targets: Vectors) -> float:
    """Search each different label, by the mean target of its sounds, among all sounds; average over labels."""
    unique, place = np.unique(labels, return_inverse=True)
    queries = np.zeros((len(unique), targets.shape[1]), dtype=np.float32)
    np.add.at(queries, place, targets)
    right = place == np.arange(len(unique))[:, None]
    return float(average_precision(unit_rows(queries) @ vectors.T, right).mean())


@dataclass(frozen=True)
class _Ridge:
    offset: Matrix
    weight: Matrix

    @classmethod
    def fit(cls, features: npt.NDArray[np.floating], targets: Vectors, weight: Matrix, strength: float) -> "_Ridge":
        offset = np.average(features, axis=0, weights=weight)
        root = np.sqrt(weight)[:, None]
        x = root * (features - offset)
        y = root * (targets - np.average(targets, axis=0, weights=weight))
        return cls(offset, decompose(x, y).weight(strength * float((x**2).sum() / len(x))))

    def predict(self, features: npt.NDArray[np.floating]) -> Vectors:
        return np.asarray((features - self.offset) @ self.weight, dtype=np.float32)


def _as_stored(tensor: npt.NDArray[np.floating]) -> Tensor:
    """Round to float16."""
    return tensor.astype(np.float16).astype(np.float32)
