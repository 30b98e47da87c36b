"""Stage 2: what a query is compared by: one vector for all of its parts, or one a part."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmsearch.adapt.stored import Heads
from mmsearch.queries import Combine, QueryPart
from mmsearch.search.compose import Weights
from mmsearch.search.encode import combine, part_vectors, weights_of
from mmsearch.types import Embedded, Modality, Vectors


@dataclass(frozen=True, slots=True)
class Probe:
    """The vectors of a query.

    Attributes:
        vectors: (m, d), unit rows.
        weights: (m,); at least one is above 0.
        asked: (m,) the modality behind each, None if it is a mixture or nobody knows.
        parts: (p, d) the vectors of the query's parts, for an explanation.
    """

    vectors: Vectors
    weights: Weights
    asked: tuple[Modality | None, ...]
    parts: Vectors

    @property
    def positive(self) -> Vectors:
        """The vectors that candidates are searched by."""
        return self.vectors[self.weights > 0]


def probe_of(parts: Sequence[QueryPart], embedded: Sequence[Embedded], heads: Heads, mode: Combine) -> Probe:
    """Make the vectors that candidates are compared with.

    Raises:
        QueryError: The parts cancel each other out.
    """
    rows = part_vectors(parts, embedded, heads, embedded[0].vectors.shape[1])
    if mode == "fuse" and len(parts) > 1:
        return Probe(rows, weights_of(parts), tuple(part.modality for part in parts), rows)
    asked = parts[0].modality if len(parts) == 1 else None
    return Probe(combine(parts, rows), np.ones(1), (asked,), rows)
