"""Candidates of one modality, with what each stage said of them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mmsearch.types import Ids

Scores = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Pool:
    """Candidates, best first; ties in order of cosine, then of id. All arrays have shape (n,).

    Attributes:
        cosines: Between query and segment; NaN if there is none, or several.
        vector: What the vectors alone say, in [0, 1].
        words: What the words alone say, in [0, 1]; 0 if none matches.
        scores: What comes of both, in [0, 1].
        bound: No segment that is not in here can score more; -1 if there is no other.
    """

    ids: Ids
    cosines: Scores
    vector: Scores
    words: Scores
    scores: Scores
    bound: float = -1.0

    def __len__(self) -> int:
        return len(self.ids)

    def place_of(self, id_: int) -> int:
        """Return the place, from 0, of a candidate that is in here."""
        return int(np.flatnonzero(self.ids == id_)[0])

    def best(self, count: int) -> "Pool":
        """Leave out all but the best; the bound is raised to what the best of the others has."""
        if count >= len(self):
            return self
        kept = np.arange(len(self)) < count
        return self.only(kept, max(self.bound, float(self.scores[count])))

    def only(self, kept: npt.NDArray[np.bool_], bound: float) -> "Pool":
        """Leave out what is not marked (n,)."""
        return Pool(self.ids[kept], self.cosines[kept], self.vector[kept], self.words[kept], self.scores[kept], bound)


def make_pool(ids: Ids, cosines: Scores, vector: Scores, words: Scores, scores: Scores, bound: float) -> Pool:
    """Put candidates in order of their scores; where rounding made those equal, of their cosines."""
    order = np.lexsort((ids, -np.nan_to_num(cosines), -scores))
    return Pool(ids[order], cosines[order], vector[order], words[order], scores[order], bound)


def places_in_groups(groups: Ids) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Say of each candidate, in order, whether it is the first of its group (n,), and its place in it from 0 (n,)."""
    order = np.argsort(groups, kind="stable")
    first = np.ones(len(groups), dtype=bool)
    first[1:] = np.diff(groups[order]) != 0
    starts = np.flatnonzero(first)
    places = np.empty(len(groups), dtype=np.int64)
    places[order] = np.arange(len(groups)) - np.repeat(starts, np.diff(starts, append=len(groups)))
    return places == 0, places
