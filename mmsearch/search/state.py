"""What searches keep in memory of one state of a collection."""

from dataclasses import dataclass

from mmsearch.protocols import VectorIndex
from mmsearch.search.contents import Contents
from mmsearch.search.filters import Filters


@dataclass(frozen=True, slots=True)
class SearchState:
    """An index, and what belongs to it. Thread-safe; what is not yet known is read inside `from_one_state`.

    Attributes:
        index: Of all vectors.
        contents: Which segments there are, at the same revision.
        filters: Which of them a filter lets through, at one edition.
        damage: Why the published index is not used; "" if it is, or there is none for these vectors.
    """

    index: VectorIndex
    contents: Contents
    filters: Filters
    damage: str = ""

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should know of how queries are answered."""
        if not self.damage:
            return ()
        return (
            f"The index cannot be used: {self.damage} Searches compare the stored vectors meanwhile, which is slower; "
            "`mmsearch verify --repair` makes a new one.",
        )
