"""Groups of copies around the one that comes first: each member is a copy of that one, not of another member.

A chain of pictures, each like the next, may lead anywhere; so groups are not closed under likeness.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mmsearch.catalog.looks import FileLook
from mmsearch.media.looks import Looks, distances
from mmsearch.search.copies import MAX_DISTANCE, Pictures, comparable, least_cosine, looks_of
from mmsearch.types import Ids, Vectors

OnProgress = Callable[[int, int], None]  # (pictures done, of so many)
ReadVectors = Callable[[Ids], Vectors]

_REPORT_EVERY = 1000


@dataclass(frozen=True, slots=True)
class Copy:
    """A file that comes after one that it is a copy of.

    Attributes:
        distance: Bits in which the looks differ; None for an exact copy.
        cosine: Of the vectors, to four places, which is how exactly a model repeats itself; the same.
    """

    file: FileLook
    distance: int | None = None
    cosine: float | None = None


@dataclass(frozen=True, slots=True)
class CopyGroup:
    """A file and its copies: exact ones first, then near ones, each in the order given."""

    first: FileLook
    copies: tuple[Copy, ...]


def copy_groups(
    files: Sequence[FileLook], read_vectors: ReadVectors | None, on_progress: OnProgress = lambda done, total: None
) -> list[CopyGroup]:
    """Group files that are copies.

    Args:
        files: Each at most once. Of a group the first in this order is the one that the others are copies of.
        read_vectors: As `copies.own_vectors`; None finds only exact copies.
        on_progress: Called now and then, with how many pictures were compared.

    Returns:
        Groups of two or more, in order of their first. A file is in one group at most.

    Cost: 5 s for 100,000 pictures that differ, and reading the vectors of those that look like another.
    """
    by_content: dict[str, list[FileLook]] = defaultdict(list)
    for file in files:
        by_content[file.content_hash].append(file)
    firsts = [same[0] for same in by_content.values()]
    near = _near_copies(firsts, read_vectors, on_progress) if read_vectors is not None else {}
    taken = {copy.file.content_hash for copies in near.values() for copy in copies}
    groups = []
    for first in firsts:
        exact = [Copy(file) for file in by_content[first.content_hash][1:]]
        others = [
            replace(copy, file=file)
            for copy in near.get(first.content_hash, ())
            for file in by_content[copy.file.content_hash]
        ]
        if first.content_hash not in taken and (exact or others):
            groups.append(CopyGroup(first, (*exact, *others)))
    return groups


def _near_copies(
    files: Sequence[FileLook], read_vectors: ReadVectors, on_progress: OnProgress
) -> dict[str, list[Copy]]:
    """Return the near copies of those that have any, by content."""
    pictures = [file for file in files if comparable(file)]
    # Most pictures look like no other: only the vectors of the rest are read.
    chosen = [pictures[row] for row in _in_company(looks_of(pictures), on_progress)]
    vectors = read_vectors(np.array([file.segment_id for file in chosen], dtype=np.int64))
    table, taken = Pictures(chosen), np.zeros(len(chosen), dtype=np.bool_)
    found: dict[str, list[Copy]] = {}
    for row, file in enumerate(chosen):
        if taken[row]:
            continue
        rows, far = table.alike(row)
        rows, far = rows[~taken[rows]], far[~taken[rows]]
        cosines = np.clip(vectors[rows] @ vectors[row], -1, 1)
        near = cosines >= least_cosine(far)
        taken[rows[near]] = True
        measured = zip(rows[near].tolist(), far[near].tolist(), cosines[near].tolist(), strict=True)
        if copies := [Copy(chosen[other], distance, round(cosine, 4)) for other, distance, cosine in measured]:
            found[file.content_hash] = copies
    return found


def _in_company(looks: Looks, on_progress: OnProgress) -> list[int]:
    """Return the rows that look like another row."""
    different, positions, counts = np.unique(looks, return_inverse=True, return_counts=True)
    found = counts > 1
    for row, look in enumerate(different):
        if row % _REPORT_EVERY == 0:
            on_progress(row, len(different))
        close = np.flatnonzero(distances(different[row + 1 :], look) <= MAX_DISTANCE)
        found[close + row + 1] = True
        found[row] |= len(close) > 0
    on_progress(len(different), len(different))
    return np.flatnonzero(found[positions]).tolist()
