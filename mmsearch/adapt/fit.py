"""Fit a head to the user's pairs and say whether it helps.

The strength is chosen by cross-validation inside the part that a head is fitted on, and what is reported comes from
files that neither the head nor the choice has seen (nested cross-validation: Varma and Simon 2006, "Bias in error
estimation when using cross-validation for model selection").
"""

from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
import numpy.typing as npt

from mmsearch.adapt.compare import Trial, compare
from mmsearch.adapt.examples import Examples, Rows
from mmsearch.adapt.folds import are_labelled, folds
from mmsearch.adapt.head import Head
from mmsearch.adapt.metrics import judge
from mmsearch.adapt.ridge import Ridge, decompose
from mmsearch.errors import UsageError
from mmsearch.reports import AdaptReport
from mmsearch.types import Modality

MIN_ITEMS = 10
STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
# Where no two files share a label, so that nothing can be tried out. Measured on sounds of 10 and 41 labels, where 0.3
# to 3 is best; captions want more.
STRENGTH_OF_LABELS = 1.0
# Ridge shrinks what it predicts: targets of twice the length make up for it. Measured on sounds (mAP .66 -> .70);
# photos do not care.
TARGET_SCALE = 2.0
OTHERS_TO_CHOOSE, OTHERS_TO_JUDGE = 1_000, 10_000  # rows of the collection's other files
TEXTS_TO_CHOOSE = 500  # a fold
_SEED = 20_240_229


@dataclass(frozen=True, slots=True)
class Fitted:
    """A head fitted on all pairs, and what to expect of it."""

    head: Head
    report: AdaptReport


def fit(modality: Modality, examples: Examples, others: Rows) -> Fitted:
    """Fit a head on all examples, and measure by cross-validation what such heads do.

    Args:
        modality: Of all files.
        examples: At least `MIN_ITEMS` files of different content with features.
        others: The collection's other files of the modality, to search among; may be empty.

    Raises:
        UsageError: There are too few examples.

    Guarantees: the same input gives the same head and, but for the seconds, the same report.
    """
    started = perf_counter()
    examples = examples.of(np.unique(examples.rows.item[examples.rows.features.any(axis=1)]))
    _check_enough(modality, examples)
    judged_among = _some(others, OTHERS_TO_JUDGE)
    labelled = are_labelled(examples)
    trials = [
        _trial(modality, examples.of(known), examples.of(held), judged_among, labelled=labelled)
        for known, held in folds(examples, labelled=labelled)
    ]
    compared = compare(trials, _SEED)
    strength = _choose_strength(modality, examples, judged_among, labelled=labelled)
    report = AdaptReport(
        modality=modality,
        items=examples.rows.items,
        queries=len(np.unique(examples.text)),
        others=judged_among.items,
        folds=len(trials),
        strength=strength,
        before=compared.before,
        after=compared.after,
        difference=compared.difference,
        helps=compared.difference["mAP"].low > 0,
        seconds=perf_counter() - started,
    )
    return Fitted(_Path.through(examples).head(modality, strength), report)


@dataclass(frozen=True, slots=True)
class _Path:
    """The heads for all strengths."""

    offset: npt.NDArray[np.float64]
    ridge: Ridge
    unit: float

    @classmethod
    def through(cls, examples: Examples) -> "_Path":
        """Fit features to the directions of the captions, both less their means; each file counts once."""
        known = np.flatnonzero(examples.rows.features.any(axis=1))
        item = examples.rows.item[known]
        weight = 1 / np.bincount(item)[item]  # (rows,): one a file, shared by its windows
        features = examples.rows.features[known].astype(np.float64)
        targets = examples.targets[item].astype(np.float64)
        offset = np.average(features, axis=0, weights=weight)
        root = np.sqrt(weight)[:, None]
        x = root * (features - offset)
        y = TARGET_SCALE * root * (targets - np.average(targets, axis=0, weights=weight))
        unit = float((x**2).sum() / weight.sum())
        return cls(offset, decompose(x, y), unit or 1.0)  # equal features: nothing to learn, and no division by 0

    def head(self, modality: Modality, strength: float) -> Head:
        weight = self.ridge.weight(strength * self.unit)
        rounded = weight.astype(np.float16).astype(np.float32)  # as it will be stored
        return Head(modality, self.offset.astype(np.float32), rounded)


def _check_enough(modality: Modality, examples: Examples) -> None:
    different = len(np.unique(examples.group))
    if different < MIN_ITEMS:
        raise UsageError(
            f"Adapting {modality} needs at least {MIN_ITEMS} different files with captions; there are {different}.",
            remedy="Give more pairs of files that are in the collection. Files indexed by mmsearch before it kept "
            "features count once they are indexed anew.",
        )


def _trial(modality: Modality, known: Examples, held: Examples, others: Rows, *, labelled: bool) -> Trial:
    head = _Path.through(known).head(modality, _choose_strength(modality, known, others, labelled=labelled))
    gallery = held.rows.followed_by(others)
    return Trial(held, judge(held, gallery), judge(held, _adapted(gallery, head)))


def _choose_strength(modality: Modality, examples: Examples, others: Rows, *, labelled: bool) -> float:
    """Return the greatest strength whose mean average precision is within a standard error of the best.

    Greater strengths fit less closely; heads that fit closely draw texts to the very files that they were fitted on.
    The rule: Hastie et al., "The Elements of Statistical Learning", section 7.10.
    """
    among = _some(others, OTHERS_TO_CHOOSE)
    values = []
    for known, held in folds(examples, labelled=labelled):
        path, asked = _Path.through(examples.of(known)), _fewer_texts(examples.of(held))
        gallery = asked.rows.followed_by(among)
        heads = [path.head(modality, strength) for strength in STRENGTHS]
        values.append(np.stack([judge(asked, _adapted(gallery, head))[:, -1] for head in heads], axis=1))
    if not values:  # every label has one file only
        return STRENGTH_OF_LABELS
    precision = np.concatenate(values)  # (searches, strengths)
    loss = precision[:, [precision.mean(axis=0).argmax()]] - precision
    standard_error = loss.std(axis=0) / np.sqrt(len(loss))
    return STRENGTHS[np.flatnonzero(loss.mean(axis=0) <= standard_error)[-1]]


def _adapted(rows: Rows, head: Head) -> Rows:
    return replace(rows, vectors=head.apply(rows.vectors, rows.features))


def _some(rows: Rows, max_rows: int) -> Rows:
    """Keep whole files, drawn at random, of so many rows together at most."""
    order = np.random.default_rng(_SEED).permutation(rows.items)
    sizes = np.bincount(rows.item, minlength=rows.items)
    return rows.of(np.sort(order[np.cumsum(sizes[order]) <= max_rows]))


def _fewer_texts(examples: Examples) -> Examples:
    """Keep an even selection of the texts; all files stay."""
    texts = np.unique(examples.text)
    kept = np.isin(examples.text, texts[:: -(-len(texts) // TEXTS_TO_CHOOSE)])
    return replace(examples, text=examples.text[kept], item=examples.item[kept])
