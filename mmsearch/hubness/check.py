"""Does a bank help? Cross-validated: what is reported comes from files whose texts neither the bank nor the choice has.

A file's own texts never count against it here. Those of the known files are in the bank and those of the files held out
are not, so each file asked for would have a head start on all it competes with, and a bank would seem to help where it
does not.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mmsearch.adapt.compare import Trial
from mmsearch.adapt.examples import Examples, Rows, draw
from mmsearch.adapt.fit import MIN_ITEMS
from mmsearch.adapt.folds import are_labelled, folds
from mmsearch.adapt.metrics import Values, judge
from mmsearch.hubness.means import Cells, Means, top_means
from mmsearch.types import Ids, Vectors

ROWS_TO_CHOOSE = 1_000  # of files with texts, and as many of others


class Setting(NamedTuple):
    """How much of a bank counts: see `bank.Bank`."""

    k: int
    weight: float


# The mildest first, which wins a tie.
SETTINGS = tuple(Setting(k, weight) for weight in (0.25, 0.5, 0.75, 1.0) for k in (128, 32, 8))
_DEPTHS = tuple(sorted({setting.k for setting in SETTINGS}))


@dataclass(frozen=True, slots=True)
class Questions:
    """What a bank may be made of.

    Attributes:
        vectors: (m, d) unit rows, all different.
        text: (m,) the number that the examples give to the same text; -1 if none of them says it.
    """

    vectors: Vectors
    text: Ids

    def known_to(self, examples: Examples) -> "Questions":
        """Keep those that these examples say, and those that none ever said."""
        kept = (self.text < 0) | np.isin(self.text, examples.text)
        return Questions(self.vectors[kept], self.text[kept])

    def said_of(self, examples: Examples) -> Cells:
        """List which of the examples' rows and which questions are about the same file."""
        column = np.full(len(examples.texts), -1)
        column[self.text[self.text >= 0]] = np.flatnonzero(self.text >= 0)
        pairs = np.flatnonzero(column[examples.text] >= 0)
        sizes, starts = examples.rows.sizes, examples.rows.starts
        item = examples.item[pairs]
        repeated = np.repeat(np.arange(len(pairs)), sizes[item])
        nth = np.arange(len(repeated)) - np.repeat(np.cumsum(sizes[item]) - sizes[item], sizes[item])
        rows, columns = starts[item][repeated] + nth, column[examples.text[pairs]][repeated]
        order = np.argsort(rows, kind="stable")
        return rows[order], columns[order]


def trials(examples: Examples, others: Rows, questions: Questions) -> Iterator[Trial]:
    """Hold out a part of the files after the other; each is asked for among all files, before and after.

    Args:
        examples: Files with the texts that should find them.
        others: Further files to search among; may be empty.
        questions: What the bank may be made of.
    """
    gallery = examples.rows.followed_by(others)
    for known, held in folds(examples, labelled=are_labelled(examples)):
        learnt = examples.of(known)
        bank = questions.known_to(learnt)
        setting = choose(learnt, others, bank)
        is_held = np.isin(np.arange(examples.rows.items), held)
        means = top_means(gallery.vectors, bank.vectors, [setting.k], bank.said_of(examples))[0]
        after = _judge(examples, gallery, setting.weight * means, is_held)
        yield Trial(examples.of(held), judge(examples, gallery, is_held), after)


def choose(examples: Examples, others: Rows, questions: Questions) -> Setting:
    """Return the setting with the best mean average precision on files held out; of equal ones, the mildest."""
    some = draw(examples.rows.sizes, ROWS_TO_CHOOSE)
    examples = examples.of(some) if len(some) >= MIN_ITEMS else examples
    gallery = examples.rows.followed_by(others.of(draw(others.sizes, ROWS_TO_CHOOSE)))
    values = []
    for known, held in folds(examples, labelled=are_labelled(examples)):
        bank = questions.known_to(examples.of(known))
        is_held = np.isin(np.arange(examples.rows.items), held)
        means = top_means(gallery.vectors, bank.vectors, _DEPTHS, bank.said_of(examples))
        values.append(np.stack([_precision(examples, gallery, means, each, is_held) for each in SETTINGS], axis=1))
    if not values:  # every label has one file only
        return SETTINGS[0]
    precision = np.concatenate(values).mean(axis=0)  # of (searches, settings)
    return SETTINGS[int(precision.argmax())]


def _precision(
    examples: Examples, gallery: Rows, means: Means, setting: Setting, held: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Return the average precision of each text of files held out."""
    return _judge(examples, gallery, setting.weight * means[_DEPTHS.index(setting.k)], held)[:, -1]


def _judge(
    examples: Examples, gallery: Rows, penalties: npt.NDArray[np.float32], held: npt.NDArray[np.bool_]
) -> Values:
    """Judge with penalties (rows,) taken off the scores: one more dimension does it, by which each text is 1."""
    texts = np.column_stack([examples.texts, np.ones(len(examples.texts), dtype=np.float32)])
    vectors = np.column_stack([gallery.vectors, -penalties])
    return judge(replace(examples, texts=texts), replace(gallery, vectors=vectors), held)
