"""What proposes where to look: a structure on the CPU, or something on a GPU."""

from typing import Protocol

from mmsearch.types import Vectors
from mmsearch.vectors.ann.rows import Mask
from mmsearch.vectors.ranking import Positions, Scores


class Proposer(Protocol):
    """Names places of rows whose scores are likely the best; the scores that count are computed from the rows.

    Several threads may call it at once.
    """

    @property
    def takes_masks(self) -> bool:
        """Whether it looks only at what a mask marks; else it must not be given one."""
        ...

    @property
    def max_depth(self) -> int:
        """How many places it can propose at most; 0 while it cannot be asked at all."""
        ...

    @property
    def rounding(self) -> float | None:
        """How far a score of it may be off, if it compares each query with every row; None if it does not."""
        ...

    def propose(
        self, queries: Vectors, depth: int, probes: int, inside: Mask | None = None
    ) -> tuple[Scores, Positions]:
        """Propose rows for each query (m, d), among those that `inside` (n,) marks if given.

        Args:
            queries: Unit rows.
            depth: How many to propose, from 1 to `max_depth`.
            probes: How hard to look, where that can be chosen.
            inside: Only for those that take masks.

        Returns:
            Rough scores and places (m, depth), best first; -1 where it found no more.
        """
        ...
