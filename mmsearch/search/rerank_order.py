"""From what two stages say of some hits to their new order: each kind for itself, as `rerankers.blend` says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from mmsearch.queries import Hit
from mmsearch.rerankers.blend import Scores, order, standardised
from mmsearch.search.calibrate import margins
from mmsearch.types import Ids, Modality

LEAST = 1e-4  # a score nearer to 0 or 1 counts as this: beyond, float32 hardly tells them apart


@dataclass(frozen=True, slots=True)
class Judged:
    """What a re-ranker says of n hits.

    Attributes:
        scores: (n,); NaN where it has nothing to say.
        looked: (n,) which hits it came to look at.
    """

    scores: Scores
    looked: npt.NDArray[np.bool_]

    @classmethod
    def nothing(cls, count: int) -> Self:
        """Begin with hits that nobody has looked at."""
        return cls(np.full(count, np.nan, dtype=np.float32), np.zeros(count, dtype=np.bool_))


def reordered(hits: Sequence[Hit], judged: Judged, weights: Mapping[Modality, float]) -> tuple[Hit, ...]:
    """Deal the hits of each kind that were looked at to the places, and the scores, that they have together.

    Args:
        hits: (n,), by descending score.
        judged: What the second stage says of them.
        weights: Of the second stage for each kind; the first stage has 1.

    Guarantees: scores and kinds stay in their places; a hit that was not looked at stays too.
    """
    moved = list(hits)
    for kind, places in _kinds(hits, judged):
        here = places[order(_first(hits, places), judged.scores[places], weights[kind])]
        for place, origin in zip(places.tolist(), here.tolist(), strict=True):
            if origin != place:
                moved[place] = replace(hits[origin], score=hits[place].score)
    return tuple(moved)


def explanations(
    hits: Sequence[Hit], judged: Judged, name: str, weights: Mapping[Modality, float]
) -> dict[int, dict[str, Any]]:
    """Say of each hit that was looked at, by its id, what came of it; `name` is that of the re-ranker."""
    found = {}
    for kind, places in _kinds(hits, judged):
        scores = judged.scores[places]
        second = np.full(len(places), np.nan)
        second[np.isfinite(scores)] = standardised(scores[np.isfinite(scores)])
        columns = places, scores, standardised(_first(hits, places)), second
        for place, score, by_first, by_second in zip(*(column.tolist() for column in columns), strict=True):
            found[hits[place].id] = {
                "model": name,
                "judged": isfinite(score),
                "score": score if isfinite(score) else None,
                "weight": weights[kind],
                "rank_before": place + 1,
                "first": by_first,
                "second": by_second if isfinite(score) else None,
            }
    return found


def _kinds(hits: Sequence[Hit], judged: Judged) -> Iterator[tuple[Modality, Ids]]:
    """Yield each kind with the places (m,) of its hits that were looked at."""
    looked = np.flatnonzero(judged.looked)
    kinds = np.array([hits[place].modality for place in looked.tolist()], dtype=str)
    for kind in dict.fromkeys(hit.modality for hit in hits):
        if (kinds == kind).any():
            yield kind, looked[kinds == kind]


def _first(hits: Sequence[Hit], places: Ids) -> npt.NDArray[np.float64]:
    return margins(np.array([hits[place].score for place in places.tolist()], dtype=np.float32), LEAST)
