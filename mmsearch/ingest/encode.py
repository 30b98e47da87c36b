"""Stage 4, in a worker: decoded files become unit vectors, a batch of pictures or passages at a time."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from mmsearch.ingest.decode import DecodedFile
from mmsearch.normalise import unit_rows
from mmsearch.protocols import Encoder
from mmsearch.types import IndexedFile, Vectors

TEXTS_AT_ONCE = 256


def encode(files: Sequence[DecodedFile], encoder: Encoder, alive: Callable[[], None]) -> Iterator[IndexedFile]:
    """Embed files, in order.

    Args:
        alive: Called between batches, to show a watching parent that work goes on.
    """
    pictures = [file.pixels for file in files if file.pixels is not None]
    texts = [segment.text or "" for file in files if file.pixels is None for segment in file.segments]
    picture_vectors = encoder.encode_images(np.stack(pictures), "document") if pictures else None
    text_vectors = _encode_texts(texts, encoder, alive) if texts else None
    picture = text = 0
    for file in files:
        count = len(file.segments)
        if file.pixels is not None and picture_vectors is not None:
            vectors, picture = picture_vectors[picture : picture + count], picture + count
        elif text_vectors is not None:
            vectors, text = text_vectors[text : text + count], text + count
        yield IndexedFile(
            file.work.stat,
            file.content_hash,
            file.work.modality,
            file.info,
            file.segments,
            unit_rows(vectors),
        )


def _encode_texts(texts: Sequence[str], encoder: Encoder, alive: Callable[[], None]) -> Vectors:
    pieces = []
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        pieces.append(encoder.encode_texts(texts[start : start + TEXTS_AT_ONCE], "document"))
        alive()
    return np.concatenate(pieces)
