"""What fitting something to the user's own pairs brings, as the Python API reports it."""

from dataclasses import asdict, dataclass
from typing import Any

from mmsearch.types import Modality


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with the ends of its 95 % confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GainReport:
    """What something fitted does to searches for files of one modality that it was not fitted on (cross-validated).

    Attributes:
        items: Files with right texts: captions, labels or clicks.
        others: Files without any among which the searches were held, besides those with.
        folds: Parts that were held out, one after the other.
        before: R@1, R@5, R@10 (share of texts with a right file so high up) and mAP, in [0, 1].
        after: The same with what was fitted on the other folds.
        difference: After less before, with 95 % confidence intervals.
        helps: Whether mAP rises for certain: its interval is above 0. Only then it is installed.
        seconds: What it took.
        unknown: Files that were named and are not in the collection.
    """

    modality: Modality
    items: int
    others: int
    folds: int
    before: dict[str, float]
    after: dict[str, float]
    difference: dict[str, Interval]
    helps: bool
    seconds: float
    unknown: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptReport(GainReport):
    """What a head, fitted to the user's captions, brings.

    Attributes:
        queries: Different captions, each searched for.
        strength: Of the regularisation, chosen by cross-validation; relative to the features' mean squared length.
        unknown: Files of the table that are not in the collection, of this kind or of one that their names do not tell.
    """

    queries: int
    strength: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BankReport(GainReport):
    """What correcting for hubs by a bank of queries brings.

    Attributes:
        queries: Different texts in the bank.
        asked: Different right texts, each searched for.
        k: So many nearest queries say how much of a hub a file is; chosen by cross-validation.
        weight: How much of that is taken off; chosen likewise.
        unknown: Files of the table or the log that are not in the collection.
    """

    queries: int
    asked: int
    k: int
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RerankerReport(GainReport):
    """What a re-ranker, trained on the user's pairs, brings. The metrics have MRR too.

    Attributes:
        queries: Different captions that were searched for.
        depth: So many files of each ranking were re-ranked.
        weight: How much the re-ranker counts beside the first stage; chosen by cross-validation.
    """

    queries: int
    depth: int
    weight: float
