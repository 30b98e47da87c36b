"""Fit the image head in closed form: a basis of features, a gate between photos and drawings, a ridge for either."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mmsearch.adapt.ridge import decompose
from mmsearch.encoders.builtin.head import FEATURE_DIM
from mmsearch.encoders.builtin.image_head import ImageHead
from mmsearch.encoders.builtin.weights import Tensor
from mmsearch.normalise import unit_rows
from mmsearch.types import Vectors
from tools.train_builtin.pictures.examples import Examples
from tools.train_builtin.pictures.measure import ranks

Matrix = npt.NDArray[np.float64]
STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)  # in mean squared lengths of a row of features
PREDICTIVE = 128  # features that predict the captions of drawings; the others keep the most variance
GATE_STRENGTH = 1.0
# Where the gate's fit, 0 at photos and 1 at drawings, begins and ends to open. Real photos go up to 0.45, their kind
# being wider than the training photos'; drawings go down to 0.55.
GATE_OPENS, GATE_OPEN = 0.45, 0.75
FOLDS = 5


@dataclass(frozen=True)
class Fit:
    """A head, and the strengths that cross-validation chose."""

    head: ImageHead
    strengths: dict[str, float]


@dataclass(frozen=True)
class _Linear:
    """x -> x @ weight + bias; its mean over what it was fitted on is 0."""

    weight: Matrix
    bias: Matrix


def fit_head(photos: Examples, drawings: Examples, seed: int) -> Fit:
    """Fit the head.

    The basis holds the directions that best predict the captions of drawings (the left singular vectors of a ridge
    regression on all pooled features) and, at right angles to them, the principal components. The principal
    components alone lose a tenth of the drawings that are found; the predictive directions alone know little of
    photos, which `mmsearch adapt` is mostly used on.
    """
    centre, scale = _standardisation(photos.pooled, drawings.pooled)
    everywhere = [(each.pooled - centre) / scale for each in (photos, drawings)]
    strengths = {"basis": choose_strength(everywhere[1], drawings, seed)}
    predictive = _ridge(everywhere[1], drawings.targets, strengths["basis"]).weight
    projection = _as_stored(_basis(predictive, *everywhere) / scale[:, None])
    features = [(each.pooled - centre) @ projection for each in (photos, drawings)]
    strengths |= {
        "photos": choose_strength(features[0], photos, seed),
        "drawings": choose_strength(features[1], drawings, seed),
    }
    parts = {
        "gate": _gate(*features),
        "photos": _ridge(features[0], photos.targets, strengths["photos"]),
        "drawings": _ridge(features[1], drawings.targets, strengths["drawings"]),
    }
    weights = {name: part.weight for name, part in parts.items()}
    biases = {f"{name}_bias": part.bias for name, part in parts.items()}
    tensors: dict[str, Matrix | Tensor] = {"centre": centre, "projection": projection, **weights, **biases}
    return Fit(ImageHead(**{name: _as_stored(tensor) for name, tensor in tensors.items()}), strengths)


def choose_strength(features: Matrix, examples: Examples, seed: int) -> float:
    """Return the greatest strength whose mean reciprocal rank is within a standard error of the best.

    By cross-validation over subjects. The pictures that people have differ from those here, so what fits less
    closely is preferred. The rule: Hastie et al., "The Elements of Statistical Learning", section 7.10.
    """
    rows = [_reciprocal_ranks(features, examples, held) for held in folds(examples.subject, seed)]
    found = np.concatenate(rows, axis=1)  # (strengths, queries)
    loss = found[found.mean(axis=1).argmax()] - found
    standard_error = loss.std(axis=1) / np.sqrt(loss.shape[1])
    return STRENGTHS[np.flatnonzero(loss.mean(axis=1) <= standard_error)[-1]]


def folds(subjects: npt.NDArray[np.str_], seed: int) -> Iterator[npt.NDArray[np.bool_]]:
    """Yield FOLDS masks of held-out pictures; pictures of one subject stay together."""
    unique, place = np.unique(subjects, return_inverse=True)
    fold = np.random.default_rng(seed).permutation(len(unique)) % FOLDS
    for number in range(FOLDS):
        yield fold[place] == number


def _reciprocal_ranks(features: Matrix, examples: Examples, held: npt.NDArray[np.bool_]) -> Matrix:
    """Return (strengths, queries): held-out captions search the held-out pictures."""
    known = examples.of(~held)
    x, y = features[~held], known.targets.astype(np.float64)
    ridge, unit = decompose(x - x.mean(axis=0), y - y.mean(axis=0)), _mean_square(x)
    asked = examples.of(held)
    moved = [
        unit_rows(asked.base + (features[held] - x.mean(axis=0)) @ ridge.weight(strength * unit))
        for strength in STRENGTHS
    ]
    return np.stack([1 / ranks(vectors, asked.texts, asked.owner) for vectors in moved])


def _standardisation(photos: Vectors, drawings: Vectors) -> tuple[Tensor, Matrix]:
    """Return mean and standard deviation (1280,), photos and drawings counting the same."""
    centre = (photos.mean(axis=0, dtype=np.float64) + drawings.mean(axis=0, dtype=np.float64)) / 2
    variance = (((photos - centre) ** 2).mean(axis=0) + ((drawings - centre) ** 2).mean(axis=0)) / 2
    return _as_stored(centre), np.sqrt(variance) + 1e-6


def _basis(predictive: Matrix, photos: Matrix, drawings: Matrix) -> Matrix:
    """Return orthonormal columns (1280, FEATURE_DIM)."""
    covariance = (photos.T @ photos / len(photos) + drawings.T @ drawings / len(drawings)) / 2
    # Which of the directions matter is a question of the predictions' variance, not of the weights' size.
    _, _, outputs = np.linalg.svd(np.linalg.cholesky(covariance + 1e-6 * np.eye(len(covariance))).T @ predictive)
    chosen, _, _ = np.linalg.svd(predictive @ outputs[:PREDICTIVE].T, full_matrices=False)
    rest = np.eye(len(covariance)) - chosen @ chosen.T
    _, components = np.linalg.eigh(rest @ covariance @ rest)
    return np.hstack([chosen, components[:, ::-1][:, : FEATURE_DIM - PREDICTIVE]])


def _gate(photos: Matrix, drawings: Matrix) -> _Linear:
    """Fit 0 at photos and 1 at drawings, which count the same, and stretch that between the two thresholds."""
    rows = np.vstack([photos, drawings])
    is_drawing = np.repeat([0.0, 1.0], [len(photos), len(drawings)])
    weight = np.where(is_drawing == 1, 0.5 / len(drawings), 0.5 / len(photos)) * len(rows)
    centre = np.average(rows, axis=0, weights=weight)
    root = np.sqrt(weight)[:, None]
    unit = _mean_square(rows)
    fitted = decompose(root * (rows - centre), root * (is_drawing - 0.5)[:, None]).weight(GATE_STRENGTH * unit)[:, 0]
    stretch = GATE_OPEN - GATE_OPENS
    return _Linear(fitted / stretch, np.array([(0.5 - centre @ fitted - GATE_OPENS) / stretch]))


def _ridge(features: Matrix, targets: Vectors, strength: float) -> _Linear:
    centre = features.mean(axis=0)
    wide = targets.astype(np.float64)
    weight = decompose(features - centre, wide - wide.mean(axis=0)).weight(strength * _mean_square(features))
    return _Linear(weight, -centre @ weight)


def _as_stored(tensor: npt.NDArray[np.floating]) -> Tensor:
    """Round to float16."""
    return tensor.astype(np.float16).astype(np.float32)


def _mean_square(features: Matrix) -> float:
    return float(((features - features.mean(axis=0)) ** 2).sum() / len(features))
