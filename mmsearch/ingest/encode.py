"""Stage 4, in a worker: decoded files become unit vectors, a batch of pictures or passages at a time."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from mmsearch.errors import MediaDamaged, ModelError
from mmsearch.ingest.decode import DecodedFile
from mmsearch.normalise import unit_rows
from mmsearch.protocols import Encoder
from mmsearch.types import FailedFile, IndexedFile, Pixels, Vectors

PICTURES_AT_ONCE = 32
TEXTS_AT_ONCE = 256

Input = TypeVar("Input", Pixels, str)
Row = npt.NDArray[np.float32]  # (d,)


def encode(
    files: Sequence[DecodedFile], encoder: Encoder, alive: Callable[[], None]
) -> Iterator[IndexedFile | FailedFile]:
    """Embed files, in order.

    Args:
        alive: Called between batches, to show a watching parent that work goes on.

    Raises:
        ModelError: The encoder gives another number of vectors than asked for.
    """

    def embed_pictures(some: Sequence[Pixels]) -> Vectors:
        return encoder.encode_images(np.stack(some), "document")

    def embed_texts(some: Sequence[str]) -> Vectors:
        return encoder.encode_texts(some, "document")

    pictures = [file.pixels for file in files if file.pixels is not None]
    texts = [segment.text or "" for file in files if file.pixels is None for segment in file.segments]
    picture_rows = _rows(pictures, PICTURES_AT_ONCE, embed_pictures, alive)
    text_rows = _rows(texts, TEXTS_AT_ONCE, embed_texts, alive)
    for file in files:
        rows = text_rows if file.pixels is None else picture_rows
        yield _indexed(file, np.stack(list(islice(rows, len(file.segments)))))


def _rows(
    inputs: Sequence[Input], at_once: int, embed: Callable[[Sequence[Input]], Vectors], alive: Callable[[], None]
) -> Iterator[Row]:
    for start in range(0, len(inputs), at_once):
        piece = inputs[start : start + at_once]
        vectors = embed(piece)
        if len(vectors) != len(piece):
            raise ModelError(f"The encoder gave {len(vectors)} vectors for {len(piece)} inputs.")
        alive()
        yield from vectors


def _indexed(file: DecodedFile, vectors: Vectors) -> IndexedFile | FailedFile:
    work = file.work
    try:
        rows = unit_rows(vectors)
    except ValueError:
        reason = "The model gives no usable vector for this file (it holds NaN or infinity)."
        return FailedFile(work.stat, MediaDamaged.code, reason, work.modality)
    return IndexedFile(work.stat, file.content_hash, work.modality, file.info, file.segments, rows)
