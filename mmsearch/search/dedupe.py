"""Stage 6b: one hit for all copies of a file."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from mmsearch.catalog.catalog import Catalog
from mmsearch.queries import Hit
from mmsearch.search.copies import own_vectors
from mmsearch.search.copy_groups import copy_groups
from mmsearch.search.preference import preference
from mmsearch.vectors.store import VectorStore

_PLACES = 4  # of a score; one vector may come to a cosine that differs in the last bits, by where it is stored


def dedupe(hits: Sequence[Hit], catalog: Catalog, store: VectorStore) -> tuple[Hit, ...]:
    """Leave out hits whose file is a copy or a near copy of that of a better hit; rank anew.

    Of copies with equal scores, as exact ones have by their vectors, the one stays that `mmsearch dupes` would keep.
    A caption stands for the file that it describes. Hits of one and the same file are no copies of each other.

    Args:
        hits: Best first.
        catalog: Of the collection; called inside `from_one_state`.
        store: Of the collection.

    Returns:
        The others, in order. The best hit of each file names the files that were left out for it.

    Raises:
        CollectionDamaged: The stored vectors cannot be read.
    """
    better = _better_copies(hits, catalog, store)
    left_out: dict[str, list[str]] = defaultdict(list)
    for path in dict.fromkeys(hit.subject for hit in hits):
        if path in better:
            left_out[better[path]].append(path)
    kept = [hit for hit in hits if hit.subject not in better]
    return tuple(
        replace(hit, rank=rank, duplicates=tuple(left_out.pop(hit.subject, ())))
        for rank, hit in enumerate(kept, start=1)
    )


def _better_copies(hits: Sequence[Hit], catalog: Catalog, store: VectorStore) -> dict[str, str]:
    """Return for each file that is a copy of a better one the path of that one."""
    scores = {hit.subject: round(hit.score, _PLACES) for hit in reversed(hits)}  # the best of each file
    known = catalog.looks_of(scores)
    in_order = sorted(known.values(), key=lambda file: (-scores[file.path], preference(file)))
    groups = copy_groups(in_order, partial(own_vectors, catalog, store))
    return {copy.file.path: group.first.path for group in groups for copy in group.copies}
