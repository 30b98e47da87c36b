"""Filters for what cannot filter: ask for more, drop what may not be found, and know whether that was enough.

FAISS on a GPU, without cuVS, accepts a selector and ignores it (facebookresearch/faiss#3924): what it proposes is never
believed to have been filtered.
"""

import numpy as np
import numpy.typing as npt

from mmsearch.types import Vectors
from mmsearch.vectors.ann.proposer import Proposer
from mmsearch.vectors.ann.rows import Mask
from mmsearch.vectors.ranking import Positions, Scores

Complete = npt.NDArray[np.bool_]  # (m,)

_SPARE = 1.5  # times what is expected to do: what may be found is not spread evenly
_SPARE_PLACES = 32


def serves(proposer: Proposer, depth: int, allowed: int, rows: int) -> bool:
    """Say whether a proposer is likely to name so many places of which so many rows may be found."""
    if proposer.takes_masks or allowed >= rows:
        return depth <= proposer.max_depth
    return _fetched(depth, allowed, rows) <= proposer.max_depth


def propose_inside(
    proposer: Proposer, queries: Vectors, depth: int, probes: int, inside: Mask | None, wanted: int
) -> tuple[Scores, Positions, Complete]:
    """Propose rows for each query (m, d) among those that `inside` marks, by a proposer that does not take masks.

    Args:
        proposer: Asked once, without a mask.
        queries: Unit rows.
        depth: How many places to propose.
        probes: How hard to look.
        inside: (n,) which rows may be found; None for all.
        wanted: How many must come out at least, or all that may be found if they are fewer. Of a proposer that compares
            every row, these must be the best: what it left out must score less than they, whatever the rounding.

    Returns:
        Rough scores and places (m, depth), best first, -1 where there are no more; and for which queries that is
        complete. The others are to be answered in another way.
    """
    rows = None if inside is None else len(inside)
    allowed = rows if inside is None else int(np.count_nonzero(inside))
    fetched = depth if inside is None or allowed is None or rows is None else _fetched(depth, allowed, rows)
    return proposer, fetched
