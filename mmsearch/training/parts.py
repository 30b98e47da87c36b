"""Which files teach, which choose when to stop, and which are asked for in the end."""

from dataclasses import dataclass

import numpy as np

from mmsearch.adapt.examples import Examples
from mmsearch.adapt.folds import are_labelled, folds
from mmsearch.training.lessons import Flags
from mmsearch.types import Ids


@dataclass(frozen=True, slots=True)
class Part:
    """One way to divide captioned files (m,); each is in one of the three, and copies are in the same.

    Attributes:
        taught: Those that a model is trained on.
        choosing: Those that say when to stop, and how much the model counts.
        held: Those that neither has seen.
    """

    taught: Flags
    choosing: Flags
    held: Flags


def parts(examples: Examples) -> list[Part]:
    """Hold out one part of the files after the other, as `adapt.folds` has it; a fifth of the rest chooses."""
    labelled = are_labelled(examples)
    return [_divided(examples, known, held, labelled=labelled) for known, held in folds(examples, labelled=labelled)]


def _divided(examples: Examples, known: Ids, held: Ids, *, labelled: bool) -> Part:
    learnt = examples.of(known)
    inner = next(folds(learnt, labelled=labelled), None)
    if inner is None:  # no label has two files left: whole labels are put aside
        inner = next(folds(learnt, labelled=False))
    items = np.arange(examples.rows.items)
    return Part(*(np.isin(items, files) for files in (known[inner[0]], known[inner[1]], held)))
