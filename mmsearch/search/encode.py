"""Stage 2: the parts of a query become one unit vector."""

from collections.abc import Sequence

import numpy as np

from mmsearch.errors import QueryError
from mmsearch.normalise import unit_rows
from mmsearch.protocols import Encoder
from mmsearch.types import QueryPart, Vectors

_ROUNDING = 1e-5  # what may be left of equal vectors that cancel out


def encode(parts: Sequence[QueryPart], encoder: Encoder) -> Vectors:
    """Add up the parts' unit vectors by weight: (1, d), a unit row.

    Raises:
        QueryError: There is no part to search for, or the parts cancel out.
    """
    weights = np.array([part.weight for part in parts], dtype=np.float64)
    if not (weights > 0).any():
        raise QueryError("There is nothing to search for.", remedy="Give a text, --image or --like.")
    total = weights @ part_vectors(parts, encoder)
    if np.linalg.norm(total) <= _ROUNDING * np.abs(weights).sum():
        raise QueryError("The parts of the query cancel each other out, or mean nothing to the model.")
    return unit_rows(total[None])


def part_vectors(parts: Sequence[QueryPart], encoder: Encoder) -> Vectors:
    """Embed each part: (len(parts), d), unit rows. Texts go through the model together, and so do images."""
    vectors = np.zeros((len(parts), encoder.spec.space.dim), dtype=np.float32)
    texts = [i for i, part in enumerate(parts) if part.text is not None]
    images = [i for i, part in enumerate(parts) if part.pixels is not None]
    if texts:
        vectors[texts] = encoder.encode_texts([parts[i].text or "" for i in texts], "query")
    if images:
        pixels = np.stack([pixels for part in parts if (pixels := part.pixels) is not None])
        vectors[images] = encoder.encode_images(pixels, "query")
    for i, part in enumerate(parts):
        if part.vector is not None:
            vectors[i] = part.vector
    return unit_rows(vectors)
