"""Stage 4, in a worker: decoded files become unit vectors, a batch of pictures or passages at a time."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from mmsearch.adapt.embed import embed_images
from mmsearch.errors import MediaDamaged, MmsearchError, ModelError
from mmsearch.ingest.decode import DecodedFile
from mmsearch.normalise import unit_rows
from mmsearch.protocols import Encoder
from mmsearch.types import Embedded, FailedFile, IndexedFile, Pixels

# Between pieces a watching parent hears that work goes on, so a piece must not take long even with a large model.
PICTURES_AT_ONCE = 8
TEXTS_AT_ONCE = 64

Input = TypeVar("Input", Pixels, str)


class Row(NamedTuple):
    """What the model makes of one input: (d,) and, if it gives them, (feature_dim,)."""

    vector: npt.NDArray[np.float32]
    features: npt.NDArray[np.float16] | None


def encode(
    files: Sequence[DecodedFile], encoder: Encoder, alive: Callable[[], None]
) -> Iterator[IndexedFile | FailedFile]:
    """Embed files, in order.

    Args:
        alive: Called between batches, to show a watching parent that work goes on.

    Raises:
        ModelError: The encoder gives another number of vectors than asked for.
    """

    def embed_pictures(some: Sequence[Pixels]) -> Embedded:
        return embed_images(encoder, np.stack(some), "document")

    def embed_texts(some: Sequence[str]) -> Embedded:
        return Embedded(encoder.encode_texts(some, "document"))

    pictures = [file.pixels for file in files if file.pixels is not None]
    texts = [segment.text or "" for file in files if file.pixels is None for segment in file.segments]
    picture_rows = _rows(pictures, PICTURES_AT_ONCE, embed_pictures, alive)
    text_rows = _rows(texts, TEXTS_AT_ONCE, embed_texts, alive)
    for file in files:
        rows = text_rows if file.pixels is None else picture_rows
        yield _indexed(file, list(islice(rows, len(file.segments))))


def _rows(
    inputs: Sequence[Input], at_once: int, embed: Callable[[Sequence[Input]], Embedded], alive: Callable[[], None]
) -> Iterator[Row | Exception]:
    for start in range(0, len(inputs), at_once):
        yield from _embed(inputs[start : start + at_once], embed)
        alive()


def _embed(inputs: Sequence[Input], embed: Callable[[Sequence[Input]], Embedded]) -> Sequence[Row | Exception]:
    """Embed inputs; those on which the encoder fails, each by itself, come back as its error."""
    try:
        embedded = embed(inputs)
    except MmsearchError:
        raise
    except Exception as error:
        if len(inputs) == 1:
            return [error]
        return [row for each in inputs for row in _embed([each], embed)]
    if len(embedded.vectors) != len(inputs):
        raise ModelError(f"The encoder gave {len(embedded.vectors)} vectors for {len(inputs)} inputs.")
    features = [None] * len(inputs) if embedded.features is None else list(embedded.features)
    return [Row(vector, each) for vector, each in zip(embedded.vectors, features, strict=True)]


def _indexed(file: DecodedFile, found: Sequence[Row | Exception]) -> IndexedFile | FailedFile:
    work = file.work
    if fault := next((each for each in found if isinstance(each, Exception)), None):
        reason = f"The model cannot embed this file ({type(fault).__name__}: {fault})."
        return FailedFile(work.stat, MediaDamaged.code, reason[:500], work.modality)
    rows = [each for each in found if not isinstance(each, Exception)]
    try:
        vectors = unit_rows(np.stack([row.vector for row in rows]))
    except ValueError:
        reason = "The model gives no usable vector for this file (it holds NaN or infinity)."
        return FailedFile(work.stat, MediaDamaged.code, reason, work.modality)
    features = [row.features for row in rows if row.features is not None]
    return IndexedFile(
        stat=work.stat,
        content_hash=file.content_hash,
        modality=work.modality,
        info=file.info,
        segments=file.segments,
        vectors=vectors,
        features=np.stack(features) if features else None,
        fields=file.fields,
        look=file.look,
    )
