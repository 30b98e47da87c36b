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
from mmsearch.adapt.examples import SEED, Examples, Rows, draw
from mmsearch.adapt.folds import are_labelled, folds, shared_labels
from mmsearch.adapt.head import Head
from mmsearch.adapt.metrics import Values, judge
from mmsearch.adapt.ridge import Ridge, decompose
from mmsearch.errors import UsageError
from mmsearch.gain_reports import AdaptReport
from mmsearch.types import Ids, Modality

MIN_ITEMS = 10
# With two labels noise passes for help in 15 of 100 tries, with five in 7.
MIN_LABELS = 5
STRENGTHS = (1000.0, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1)
# Where no two files share a label, so that nothing can be tried out. Measured on sounds of 10 and 41 labels, where 0.3
# to 3 is best; captions want more.
STRENGTH_OF_LABELS = 1.0
# Ridge shrinks what it predicts: longer targets make up for it. Of 1, 1.5 and 2, photos gain most with 1.5 (over four
# ways to part 296 of them) and sounds with 1.5 or 2.
TARGET_SCALE = 1.5
ROWS_TO_CHOOSE, ROWS_TO_JUDGE = 1_000, 10_000  # of known files, and as many of files without captions
TEXTS_TO_CHOOSE = 500  # a fold


@dataclass(frozen=True, slots=True)
class Fitted:
    """A head fitted on all pairs, and what to expect of it."""

    head: Head
    report: AdaptReport


def fit(modality: Modality, examples: Examples, others: Rows) -> Fitted:
    """Fit a head on all examples, and measure by cross-validation what such heads do.

    Args:
        modality: Of all files.
        examples: At least `MIN_ITEMS` files of different content with features. If most share a label with another
            file, at least `MIN_LABELS` shared labels.
        others: Other files of the collection and the modality, to search among: at most `ROWS_TO_JUDGE` rows, none a
            copy of an example; may be empty.

    Raises:
        UsageError: There are too few examples or labels.

    Guarantees: the same input gives the same head and, but for the seconds, the same report.
    """
    started = perf_counter()
    examples = examples.of(np.unique(examples.rows.item[examples.rows.features.any(axis=1)]))
    _check_enough(modality, examples)
    labelled = are_labelled(examples)
    trials = [
        _trial(modality, examples, known, held, others, labelled=labelled)
        for known, held in folds(examples, labelled=labelled)
    ]
    compared = compare(trials, SEED)
    strength = _choose_strength(modality, examples, others, labelled=labelled)
    report = AdaptReport(
        modality=modality,
        items=examples.rows.items,
        queries=len(np.unique(examples.text)),
        others=others.items,
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


@dataclass(frozen=True, slots=True)
class _Search:
    """For held-out files, among those that a head was fitted on, whose texts it draws to them, and others.

    Attributes:
        shown: The files held out and known.
        held: (m,) which of them are held out.
        gallery: The shown files, then others.
    """

    shown: Examples
    held: npt.NDArray[np.bool_]
    gallery: Rows

    @classmethod
    def among(cls, examples: Examples, known: Ids, held: Ids, others: Rows, max_rows: int) -> "_Search":
        """Keep all files held out, and of the others' and the known files' rows so many each at most."""
        items = np.union1d(held, known[draw(examples.rows.sizes[known], max_rows)])
        shown = examples.of(items)
        rest = others.of(draw(others.sizes, max_rows))
        return cls(shown, np.isin(items, held), shown.rows.followed_by(rest))

    def of_fewer_texts(self) -> "_Search":
        """Ask for an even selection of the texts; all files stay."""
        texts = np.unique(self.shown.text[self.held[self.shown.item]])
        kept = np.isin(self.shown.text, texts[:: -(-len(texts) // TEXTS_TO_CHOOSE)])
        return replace(self, shown=replace(self.shown, text=self.shown.text[kept], item=self.shown.item[kept]))

    def before(self) -> Values:
        return judge(self.shown, self.gallery, self.held)

    def after(self, head: Head) -> Values:
        vectors = head.apply(self.gallery.vectors, self.gallery.features)
        return judge(self.shown, replace(self.gallery, vectors=vectors), self.held)


def _check_enough(modality: Modality, examples: Examples) -> None:
    different = len(np.unique(examples.group))
    if different < MIN_ITEMS:
        raise UsageError(
            f"Adapting {modality} needs at least {MIN_ITEMS} different files with captions; there are {different}.",
            remedy="Give more pairs of files that are in the collection.",
        )
    if are_labelled(examples) and (labels := shared_labels(examples)) < MIN_LABELS:
        raise UsageError(
            f"Adapting {modality} by labels needs at least {MIN_LABELS} that several files share; there are {labels}.",
            remedy="Give files of more labels, or captions that tell the files apart.",
        )


def _trial(modality: Modality, examples: Examples, known: Ids, held: Ids, others: Rows, *, labelled: bool) -> Trial:
    learnt = examples.of(known)
    head = _Path.through(learnt).head(modality, _choose_strength(modality, learnt, others, labelled=labelled))
    search = _Search.among(examples, known, held, others, ROWS_TO_JUDGE)
    return Trial(examples.of(held), search.before(), search.after(head))


def _choose_strength(modality: Modality, examples: Examples, others: Rows, *, labelled: bool) -> float:
    """Return the strength with the best mean average precision on held-out files; of equal ones, the greatest."""
    values = []
    for known, held in folds(examples, labelled=labelled):
        path = _Path.through(examples.of(known))
        search = _Search.among(examples, known, held, others, ROWS_TO_CHOOSE).of_fewer_texts()
        heads = [path.head(modality, strength) for strength in STRENGTHS]
        values.append(np.stack([search.after(head)[:, -1] for head in heads], axis=1))
    if not values:  # every label has one file only
        return STRENGTH_OF_LABELS
    return STRENGTHS[np.concatenate(values).mean(axis=0).argmax()]  # values: (searches, strengths)
