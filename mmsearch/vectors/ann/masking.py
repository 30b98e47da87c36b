"""Filters for what cannot filter: ask for more, drop what may not be found, and know whether that was enough.

FAISS on a GPU, without cuVS, accepts a selector and ignores it (facebookresearch/faiss#3924): what it proposes is never
believed to have been filtered.
"""

from math import ceil, inf

import numpy as np
import numpy.typing as npt

from mmsearch.types import Vectors
from mmsearch.vectors.ann.proposer import Proposer
from mmsearch.vectors.ann.rows import Mask
from mmsearch.vectors.ranking import Positions, Scores

Complete = npt.NDArray[np.bool_]  # (m,)

_SPARE = 1.25  # times what is expected to do: what may be found is not spread evenly
_SPARE_PLACES = 16  # and what is left out must be seen to score less


def serves(proposer: Proposer, depth: int, allowed: int, rows: int) -> bool:
    """Say whether a proposer can name so many places of rows that may be found, of which there are so many."""
    if proposer.takes_masks:
        return depth <= proposer.max_depth
    return bool(allowed) and _needed(depth, allowed, rows) <= proposer.max_depth


def propose_inside(
    proposer: Proposer, queries: Vectors, depth: int, probes: int, inside: Mask | None, wanted: int
) -> tuple[Scores, Positions, Complete]:
    """Propose rows for each query (m, d) among those that `inside` marks, by a proposer that takes no masks.

    Args:
        proposer: It is asked once, without the mask, for more than `depth`.
        queries: Unit rows.
        depth: How many places to propose.
        probes: How hard to look.
        inside: (n,) which rows may be found; None for all.
        wanted: So many of them must come out, at most `depth`. If the proposer compares every row, these must be
            the best: what it left out must score less, however it rounds.

    Returns:
        Rough scores and places (m, depth), best first, none that may not be found, -1 where there are no more; and
        which queries (m,) got what was wanted. The others must be answered in another way.
    """
    scores, places = proposer.propose(queries, _fetched(proposer, depth, inside), probes)
    unseen = np.where(places[:, -1] < 0, -inf, scores[:, -1])  # what was not fetched scores this at most
    if inside is not None:
        scores, places = _dropped(scores, places, inside)
    complete: Complete = places[:, wanted - 1] >= 0
    if proposer.rounding is not None:
        left_out = np.maximum(unseen, scores[:, depth : depth + 1].max(axis=1, initial=-inf))
        complete &= scores[:, wanted - 1] > left_out + 2 * proposer.rounding
    return scores[:, :depth], places[:, :depth], complete


def _needed(depth: int, allowed: int, rows: int) -> int:
    """Expect so many places to hold `depth` that may be found."""
    if allowed >= rows:
        return depth + _SPARE_PLACES
    return min(ceil(_SPARE * depth * rows / allowed) + _SPARE_PLACES, max(rows, depth))


def _fetched(proposer: Proposer, depth: int, inside: Mask | None) -> int:
    """Choose how many to ask for: a power of two, so that searches in other threads can be answered together."""
    allowed, rows = (1, 1) if inside is None else (int(np.count_nonzero(inside)), len(inside))
    needed = _needed(depth, allowed, rows) if allowed else depth
    return max(depth, min(1 << (needed - 1).bit_length(), proposer.max_depth))


def _dropped(scores: Scores, places: Positions, inside: Mask) -> tuple[Scores, Positions]:
    """Put what may not be found to the end, marked as missing."""
    kept = (places >= 0) & inside[places]
    order = np.argsort(~kept, axis=1, kind="stable")
    kept = np.take_along_axis(kept, order, axis=1)
    scores = np.where(kept, np.take_along_axis(scores, order, axis=1), -np.float32(inf))
    return scores, np.where(kept, np.take_along_axis(places, order, axis=1), -1)
