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
    """

    index: VectorIndex
    contents: Contents
    filters: Filters
