"""Which files are held out together: at random for captions; for labels so that each is known when it is asked for."""

from collections.abc import Iterator

import numpy as np

from mmsearch.adapt.examples import SEED, Examples
from mmsearch.types import Ids

FOLDS = 5
NEVER_HELD = -1


def folds(examples: Examples, *, labelled: bool) -> Iterator[tuple[Ids, Ids]]:
    """Yield (files to fit on, files held out), both ascending; files of equal content stay together.

    Args:
        examples: Files with captions or labels.
        labelled: See `are_labelled`. Then a label's files are spread over the parts, of which there are as many as the
            usual label has files, five at most; a file whose label no other has is never held out, as nobody labels a
            file in order to find what is called otherwise.

    Yields nothing if no label has two files.
    """
    groups, of_item = np.unique(examples.group, return_inverse=True)
    fold = _spread(examples, of_item, len(groups)) if labelled else _at_random(len(groups))
    for number in range(fold.max(initial=NEVER_HELD) + 1):
        yield np.flatnonzero(fold[of_item] != number), np.flatnonzero(fold[of_item] == number)


def are_labelled(examples: Examples) -> bool:
    """Tell labels from captions: most files share theirs with another file."""
    groups, of_item = np.unique(examples.group, return_inverse=True)
    stratum, _ = _strata(examples, of_item, len(groups))
    return bool((stratum >= 0).mean() > 0.5)


def shared_labels(examples: Examples) -> int:
    """Count the labels that files of different content share."""
    groups, of_item = np.unique(examples.group, return_inverse=True)
    return len(_strata(examples, of_item, len(groups))[1])


def _at_random(groups: int) -> Ids:
    return np.random.default_rng(SEED).permutation(groups) % FOLDS


def _spread(examples: Examples, of_item: Ids, groups: int) -> Ids:
    """Deal the groups of each label out to the parts, beginning with another part for each label."""
    stratum, sizes = _strata(examples, of_item, groups)
    parts = int(np.clip(np.median(sizes), 2, FOLDS)) if len(sizes) else 1
    random = np.random.default_rng(SEED)
    order = random.permutation(groups)
    fold = np.full(groups, NEVER_HELD)
    for label in np.unique(stratum[stratum >= 0]):
        members = order[stratum[order] == label]
        fold[members] = (np.arange(len(members)) + random.integers(parts)) % parts
    return fold


def _strata(examples: Examples, of_item: Ids, groups: int) -> tuple[Ids, Ids]:
    """Return a label of each group that others have too, its first, or -1; and how many groups each such label has."""
    text, group = np.unique([examples.text, of_item[examples.item]], axis=1)
    _, place, sizes = np.unique(text, return_inverse=True, return_counts=True)
    shared = sizes[place] > 1
    stratum = np.full(groups, -1)
    stratum[group[shared][::-1]] = text[shared][::-1]
    return stratum, sizes[sizes > 1]
