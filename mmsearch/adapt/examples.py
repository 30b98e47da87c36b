"""What a head is fitted on and judged by: stored rows of files, and the captions of some of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from mmsearch.normalise import unit_rows
from mmsearch.types import Features, Ids, Vectors

SEED = 20_240_229  # of every draw: the same input gives the same head and the same report


@dataclass(frozen=True, slots=True)
class Rows:
    """The stored rows of files, one or more a file (a sound has several windows).

    Attributes:
        vectors: (n, d) unit rows, as the encoder gave them.
        features: (n, F); zeros where none were kept.
        item: (n,) which file each row belongs to, numbered from 0 without gaps, ascending.
    """

    vectors: Vectors
    features: Features
    item: Ids

    def __post_init__(self) -> None:
        steps = np.diff(self.item, prepend=-1)
        if not len(self.vectors) == len(self.features) == len(self.item) or not np.isin(steps, (0, 1)).all():
            raise ValueError("rows must be of one length, and their items count up from 0")

    @property
    def items(self) -> int:
        """How many files there are."""
        return int(self.item[-1]) + 1 if len(self.item) else 0

    @property
    def starts(self) -> Ids:
        """The first row of each file, (items,)."""
        return np.flatnonzero(np.diff(self.item, prepend=-1))

    @property
    def sizes(self) -> Ids:
        """How many rows each file has, (items,)."""
        return np.bincount(self.item, minlength=self.items)

    def of(self, items: Ids) -> "Rows":
        """Keep some files (ascending), numbered anew."""
        kept = np.isin(self.item, items)
        return Rows(self.vectors[kept], self.features[kept], np.searchsorted(items, self.item[kept]))

    def followed_by(self, others: "Rows") -> "Rows":
        """Join with the rows of other files, which are numbered on."""
        return Rows(
            np.concatenate([self.vectors, others.vectors]),
            np.concatenate([self.features, others.features]),
            np.concatenate([self.item, others.item + self.items]),
        )


@dataclass(frozen=True, slots=True)
class Examples:
    """Files with captions or labels.

    Attributes:
        rows: Of m files.
        texts: (t, d) unit rows: the vectors of the different captions.
        text: (p,) for each pair of a caption and a file, the number of the caption.
        item: (p,) and the number of the file.
        targets: (m, d) unit rows: the mean direction of each file's captions.
        group: (m,) files of equal content have equal numbers and are never parted by a fold.
    """

    rows: Rows
    texts: Vectors
    text: Ids
    item: Ids
    targets: Vectors
    group: Ids

    @classmethod
    def make(
        cls,
        rows: Rows,
        captions: Sequence[Sequence[str]],
        caption_vectors: Vectors,
        group: npt.ArrayLike | None = None,
    ) -> Self:
        """Give the captions numbers; those that differ only by case and white space are one.

        Args:
            rows: Of m files.
            captions: Of each of the m files, at least one.
            caption_vectors: A row for each caption, in order.
            group: (m,) equal for files of equal content; None if there are none.

        Raises:
            ValueError: The lengths do not fit together.
        """
        flat = [(" ".join(each.casefold().split()), item) for item, said in enumerate(captions) for each in said]
        if len(captions) != rows.items or not all(captions) or len(flat) != len(caption_vectors):
            raise ValueError("every file needs a caption, and every caption a vector")
        numbers: dict[str, int] = {}
        text = np.array([numbers.setdefault(each, len(numbers)) for each, _ in flat], dtype=np.int64)
        first = np.unique(text, return_index=True)[1]
        pairs = np.unique([text, [item for _, item in flat]], axis=1)  # a file may say the same twice
        groups = np.arange(rows.items) if group is None else np.asarray(group, dtype=np.int64)
        texts = unit_rows(caption_vectors[first])
        return cls(rows, texts, pairs[0], pairs[1], _mean_directions(texts, *pairs), groups)

    def of(self, items: Ids) -> "Examples":
        """Keep some files (ascending) and their captions; files are numbered anew, captions are not."""
        kept = np.isin(self.item, items)
        return replace(
            self,
            rows=self.rows.of(items),
            text=self.text[kept],
            item=np.searchsorted(items, self.item[kept]),
            targets=self.targets[items],
            group=self.group[items],
        )


def draw(sizes: Ids, max_rows: int) -> Ids:
    """Draw files at random: their places, ascending.

    Args:
        sizes: (n,) rows of each file.
        max_rows: The files drawn have so many together at most. If not all fit, those that would take more than a
            tenth are passed over, lest one long recording stand for a hundred others.
    """
    if sizes.sum() <= max_rows:
        return np.arange(len(sizes))
    order = np.random.default_rng(SEED).permutation(np.flatnonzero(sizes <= max_rows / 10))
    return np.sort(order[np.cumsum(sizes[order]) <= max_rows])


def _mean_directions(texts: Vectors, text: Ids, item: Ids) -> Vectors:
    """Return the mean direction of the texts of each file, (m, d) unit rows."""
    order = np.argsort(item, kind="stable")
    starts = np.flatnonzero(np.diff(item[order], prepend=-1))
    return unit_rows(np.add.reduceat(texts[text[order]], starts))
