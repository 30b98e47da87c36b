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

    def best(self, count: int) -> "Pool":
        """Leave out all but the best; the bound is raised to what the best of the others has."""
        if count >= len(self):
            return self
        cut = slice(count)
        bound = max(self.bound, float(self.scores[count]))
        return Pool(self.ids[cut], self.cosines[cut], self.vector[cut], self.words[cut], self.scores[cut], bound)


def make_pool(ids: Ids, cosines: Scores, vector: Scores, words: Scores, scores: Scores, bound: float) -> Pool:
    """Put candidates in order of their scores; where rounding made those equal, of their cosines."""
    order = np.lexsort((ids, -np.nan_to_num(cosines), -scores))
    return Pool(ids[order], cosines[order], vector[order], words[order], scores[order], bound)
