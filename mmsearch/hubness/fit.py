"""Make a bank for one modality, and say whether it helps."""

from dataclasses import dataclass
from time import perf_counter

import numpy as np

from mmsearch.adapt.compare import compare
from mmsearch.adapt.examples import SEED, Examples
from mmsearch.adapt.fit import MIN_ITEMS, MIN_LABELS
from mmsearch.adapt.folds import are_labelled, shared_labels
from mmsearch.errors import UsageError
from mmsearch.gain_reports import BankReport
from mmsearch.hubness.bank import Bank, rounded
from mmsearch.hubness.check import Questions, choose, trials
from mmsearch.hubness.gather import Material
from mmsearch.hubness.means import top_means
from mmsearch.types import Modality

MIN_QUERIES = 10


@dataclass(frozen=True, slots=True)
class Fitted:
    """A bank of all queries, and what to expect of it."""

    bank: Bank
    report: BankReport


def fit(modality: Modality, material: Material) -> Fitted:
    """Make a bank of all queries, and measure by cross-validation what such banks do.

    Raises:
        UsageError: There are too few files, labels or queries.

    Guarantees: the same input gives the same bank and, but for the seconds, the same report.
    """
    started = perf_counter()
    examples, others, questions = material.examples, material.others, material.questions
    _check_enough(modality, examples, questions)
    measured = list(trials(examples, others, questions))
    compared = compare(measured, SEED)
    k, weight = choose(examples, others, questions)
    queries = rounded(questions.vectors)
    means = top_means(examples.rows.followed_by(others).vectors, queries, [k])
    report = BankReport(
        modality=modality,
        queries=len(queries),
        items=examples.rows.items,
        asked=len(np.unique(examples.text)),
        others=others.items,
        folds=len(measured),
        k=k,
        weight=weight,
        before=compared.before,
        after=compared.after,
        difference=compared.difference,
        helps=compared.difference["mAP"].low > 0,
        seconds=perf_counter() - started,
    )
    return Fitted(Bank(modality, queries, k, weight, float(means.mean())), report)


def _check_enough(modality: Modality, examples: Examples, questions: Questions) -> None:
    different = len(np.unique(examples.group))
    if different < MIN_ITEMS:
        raise UsageError(
            f"Checking a bank for {modality} needs at least {MIN_ITEMS} different files with captions, labels or "
            f"clicks; there are {different}.",
            remedy="Give PAIRS of files that are in the collection, or say of more hits that they are right "
            "(`mmsearch feedback`).",
        )
    if are_labelled(examples) and (labels := shared_labels(examples)) < MIN_LABELS:
        raise UsageError(
            f"Checking {modality} by labels needs at least {MIN_LABELS} that several files share; there are {labels}.",
            remedy="Give files of more labels, or captions that tell the files apart.",
        )
    if len(questions.vectors) < MIN_QUERIES:
        raise UsageError(
            f"A bank needs at least {MIN_QUERIES} different queries; there are {len(questions.vectors)}.",
            remedy="Give more captions, or --queries.",
        )
