"""What a query's cosines look like against the collection at large: the level above which a match stands out."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from mmsearch.adapt.stored import stored_vectors
from mmsearch.catalog.catalog import Catalog
from mmsearch.types import Modality, Vectors
from mmsearch.vectors.store import VectorStore

SIZE = 512
# Of so many the standard deviation is known to 13 %; of fewer, what is searched for is itself too large a part.
FEWEST = 32


def sample(catalog: Catalog, store: VectorStore, modality: Modality, size: int = SIZE) -> Vectors:
    """Copy out up to `size` vectors of a modality, spread over the collection, as searches see them.

    Returns:
        (m, d) float32, unit rows in order of id; all there are if they are at most `size`.

    Guarantees: the same collection gives the same rows. A read for each of the rows, however many segments there are.

    Raises:
        CollectionDamaged: The vector files are not those of the catalog.
    """
    return stored_vectors(catalog, store, catalog.spread_ids(modality, size))[1]


@dataclass(frozen=True, slots=True)
class Background:
    """Mean and standard deviation of the cosines between one query and a sample of the collection.

    Attributes:
        size: How many vectors the sample has.
    """

    mean: float
    sd: float
    size: int

    @classmethod
    def of(cls, sample: Vectors, query: Vectors) -> Self | None:
        """Measure a query, a unit row (1, d) or (d,), against a sample (m, d).

        Returns:
            None if the sample has fewer than 32 rows.
        """
        if len(sample) < FEWEST:
            return None
        cosines = (sample @ query.reshape(-1)).astype(np.float64)
        return cls(float(cosines.mean()), float(cosines.std()), len(sample))
