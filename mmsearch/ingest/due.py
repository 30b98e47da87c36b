"""What an index needs after a change of its collection: nothing, to take in what came since, or to be built anew."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from mmsearch.vectors.plan import Recipe

Step = Literal["nothing", "fold", "measure", "build"]
Choose = Callable[[int], Recipe]  # takes a number of vectors

# A small index is written within milliseconds, but not for each file: what a process that opens it must read besides
# stays under a thousand rows, or a tenth of what it reads anyway.
FLAT_CHANGES = 1000
FLAT_SHARE = 0.1
# The tail is compared with each query: 10,000 rows cost 0.7 ms. To fold it all rows are written again, so that of
# more than two million a fixed share has to come first.
FOLD_TAIL = 10_000
FOLD_TAIL_SHARE = 0.005
# Rows that are gone cost their share of each search and of the disk. To drop them all others are added to the structure
# again, so that it may as well be trained again too: a graph among whose rows so many are gone finds less than it did.
MOST_GONE = 0.2
# The list of removed vectors is read when an index is opened, 10 ms for so many. What came and went between two
# generations is in it too, and would make it longer for ever.
FOLD_LISTED = 100_000
# A structure that was trained on a quarter of the vectors has too few cells, and not where the new ones are.
OUTGROWN = 4
# A kind for fewer vectors is only taken when it would do for a quarter more: a collection about the size where the
# kind changes must not be built anew time and again.
SLACK = 1.25


@dataclass(frozen=True, slots=True)
class Standing:
    """An index beside its collection.

    Attributes:
        count: Vectors in the collection.
        kind: Of the index; "" if there is none that can be used.
        rows: In the index, those of removed vectors too.
        trained_on: Vectors in the collection when the structure was trained; 0 for a scan.
        tail: Vectors that came since.
        gone: Rows whose vectors are removed.
        listed: Length of the list of removed vectors.
        same_basis: It was made with the heads that are in use.
    """

    count: int
    kind: str = ""
    rows: int = 0
    trained_on: int = 0
    tail: int = 0
    gone: int = 0
    listed: int = 0
    same_basis: bool = True


def due(index: Standing, choose: Choose) -> Step:
    """Say what to do.

    Args:
        index: As it stands.
        choose: Says what would be built for so many vectors.
    """
    if not index.kind or not index.same_basis or _other_kind(index, choose):
        return "build"
    if index.kind == "flat":
        changes = max(index.tail, index.gone, index.listed)
        return "build" if changes > max(FLAT_CHANGES, FLAT_SHARE * index.rows) else "nothing"
    if index.trained_on and (index.count >= OUTGROWN * index.trained_on or index.gone > MOST_GONE * index.rows):
        return "build"
    return "fold" if _wants_folding(index) else "nothing"


def _wants_folding(index: Standing) -> bool:
    late = index.tail > max(FOLD_TAIL, FOLD_TAIL_SHARE * index.rows)
    gone = MOST_GONE * index.rows
    return late or index.gone > gone or index.listed > max(FOLD_LISTED, gone)


def _other_kind(index: Standing, choose: Choose) -> bool:
    """Whether another kind would be chosen by now.

    It is compared with what was chosen then, not with what the index is: a kind may have been tried and not been good
    enough for this collection. Only of a flat one nobody knows what was wished when it was made.
    """
    then = index.kind if index.kind == "flat" else choose(index.trained_on or index.rows).kind
    return then != choose(index.count).kind and then != choose(round(SLACK * index.count)).kind
