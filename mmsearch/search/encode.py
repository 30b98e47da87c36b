"""Stage 2: the parts of a query become one unit vector.

`embed` runs the model, outside of any transaction; `combine` then needs only what the catalog's state says.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from mmsearch.adapt.stored import Heads
from mmsearch.encoders.embed import embed_audio, embed_images
from mmsearch.errors import QueryError
from mmsearch.normalise import unit_rows
from mmsearch.protocols import Encoder
from mmsearch.queries import QueryPart
from mmsearch.search.compose import Weights, portions
from mmsearch.types import Embedded, Vectors

_ROUNDING = 1e-5  # what may be left of equal vectors that cancel out


def embed(parts: Sequence[QueryPart], encoder: Encoder) -> list[Embedded]:
    """Embed each part: a row, or several for a sound of several windows.

    Texts go through the model together, and so do pictures.
    """
    texts = [part.text for part in parts if part.text is not None]
    pictures = [part.pixels for part in parts if part.pixels is not None]
    from_texts = _rows(Embedded(encoder.encode_texts(texts, "query"))) if texts else iter(())
    from_pictures = _rows(embed_images(encoder, np.stack(pictures), "query")) if pictures else iter(())
    embedded = []
    for part in parts:
        if part.text is not None:
            embedded.append(next(from_texts))
        elif part.pixels is not None:
            embedded.append(next(from_pictures))
        elif part.waves:
            embedded.append(embed_audio(encoder, part.waves, "query"))
        elif part.vector is not None:
            embedded.append(Embedded(part.vector[None]))
    return embedded


def combine(parts: Sequence[QueryPart], rows: Vectors) -> Vectors:
    """Add up portions of the parts' unit vectors (p, d), as `compose.portions` gives them: (1, d), a unit row.

    Raises:
        QueryError: There is no part to search for, or the parts cancel out.
    """
    weights = weights_of(parts)
    if not (weights > 0).any():
        raise QueryError("There is nothing to search for.", remedy="Give a text, --image, --audio or --like.")
    total = portions(rows, weights) @ rows
    if np.linalg.norm(total) <= _ROUNDING * np.abs(weights).sum():
        raise QueryError("The parts of the query cancel each other out, or mean nothing to the model.")
    return unit_rows(total[None])


def weights_of(parts: Sequence[QueryPart]) -> Weights:
    """Return the weights of the parts (p,)."""
    return np.array([part.weight for part in parts], dtype=np.float64)


def part_vectors(parts: Sequence[QueryPart], embedded: Sequence[Embedded], heads: Heads, dim: int) -> Vectors:
    """Make one unit row a part, (len(parts), dim): adapted as the vectors of the collection are, windows averaged."""
    vectors = np.empty((len(parts), dim), dtype=np.float32)
    for row, part, each in zip(vectors, parts, embedded, strict=True):
        row[:] = _adapted(part, each, heads).mean(axis=0)
    return unit_rows(vectors)


def _rows(embedded: Embedded) -> Iterator[Embedded]:
    """Take what belongs to each input out of a batch."""
    for row in range(len(embedded.vectors)):
        features = None if embedded.features is None else embedded.features[row : row + 1]
        yield Embedded(embedded.vectors[row : row + 1], features)


def _adapted(part: QueryPart, embedded: Embedded, heads: Heads) -> Vectors:
    vectors = unit_rows(embedded.vectors)
    if embedded.features is None or part.modality is None or part.modality not in heads:
        return vectors
    return heads[part.modality].apply(vectors, embedded.features)
