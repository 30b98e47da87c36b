"""Stage 2: the parts of a query become one unit vector."""

from collections.abc import Sequence

import numpy as np

from mmsearch.errors import QueryError
from mmsearch.normalise import unit_rows
from mmsearch.protocols import Encoder
from mmsearch.types import QueryPart, Vectors


def encode(parts: Sequence[QueryPart], encoder: Encoder) -> Vectors:
    """Add up the parts' unit vectors by weight: (1, d), a unit row.

    Raises:
        QueryError: There is no part to search for, or the parts cancel out.
    """
    if not any(part.weight > 0 for part in parts):
        raise QueryError("There is nothing to search for.", remedy="Give a text, --image or --like.")
    total = np.zeros(encoder.spec.space.dim, dtype=np.float32)
    for part, vector in zip(parts, part_vectors(parts, encoder), strict=True):
        total += part.weight * vector
    if not np.any(np.abs(total) > 1e-6):
        raise QueryError("The parts of the query cancel each other out.")
    return unit_rows(total[None])


def part_vectors(parts: Sequence[QueryPart], encoder: Encoder) -> Vectors:
    """Embed each part: (len(parts), d), unit rows. Texts go through the model together, and so do images."""
    vectors = np.zeros((len(parts), encoder.spec.space.dim), dtype=np.float32)
    texts = [i for i, part in enumerate(parts) if part.text is not None]
    images = [i for i, part in enumerate(parts) if part.pixels is not None]
    if texts:
        vectors[texts] = encoder.encode_texts([parts[i].text or "" for i in texts], "query")
    if images:
        vectors[images] = encoder.encode_images(
            np.stack([p for i in images if (p := parts[i].pixels) is not None]), "query"
        )
    for i, part in enumerate(parts):
        if part.vector is not None:
            vectors[i] = part.vector
    return unit_rows(vectors)
