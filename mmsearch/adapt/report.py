"""What fitting a head showed."""

from dataclasses import asdict, dataclass
from typing import Any

from mmsearch.types import Modality


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with the ends of its 95 % confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class AdaptReport:
    """What adapting one modality does to searches for files that the head was not fitted on (cross-validated).

    Attributes:
        items: Files with captions.
        queries: Different captions, each searched for.
        others: Files without captions among which the searches were held.
        folds: Parts that were held out, one after the other.
        strength: Of the regularisation, chosen by cross-validation; relative to the features' mean squared length.
        before: R@1, R@5, R@10 (share of texts with a right file so high up) and mAP, in [0, 1].
        after: The same with heads fitted on the other folds.
        difference: After less before, with 95 % confidence intervals.
        helps: Whether mAP rises for certain: its interval is above 0. Only then the head is installed.
        seconds: What it took.
    """

    modality: Modality
    items: int
    queries: int
    others: int
    folds: int
    strength: float
    before: dict[str, float]
    after: dict[str, float]
    difference: dict[str, Interval]
    helps: bool
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a JSON object."""
        return asdict(self)
