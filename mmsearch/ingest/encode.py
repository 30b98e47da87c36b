"""Stage 4, in a worker: decoded files become unit vectors, a batch of pictures or passages at a time.

Tokens are rounded to 8 bits here already, so that a quarter of them goes through the pipe to the parent. A file of
which one is not usable is indexed without any: it can be found by its vectors all the same.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from mmsearch.encoders.embed import embed_images, embed_texts
from mmsearch.errors import MediaDamaged, MmsearchError
from mmsearch.ingest.decode import DecodedFile
from mmsearch.normalise import unit_rows
from mmsearch.protocols import Encoder
from mmsearch.types import CodedTokens, Embedded, FailedFile, IndexedFile, Pixels, Tokens
from mmsearch.vectors.tokens import quantise

# Between pieces a watching parent hears that work goes on, so a piece must not take long even with a large model.
PICTURES_AT_ONCE = 8
TEXTS_AT_ONCE = 64
# The tokens of a passage take up to 12 kB, and those of a file are all in memory before it is committed. A text of more
# passages than this, about 3 MB, is kept without; `make_tokens` then makes them piece by piece.
MOST_WITH_TOKENS = 4096

Input = TypeVar("Input", Pixels, str)


class Row(NamedTuple):
    """What the model makes of one input: (d,) and, if it gives them, (feature_dim,) and tokens (t,)."""

    vector: npt.NDArray[np.float32]
    features: npt.NDArray[np.float16] | None
    tokens: CodedTokens | None


def encode(
    files: Sequence[DecodedFile], encoder: Encoder, alive: Callable[[], None], *, tokens: bool = False
) -> Iterator[IndexedFile | FailedFile]:
    """Embed files, in order.

    Args:
        files: Pictures and texts.
        encoder: Of the collection.
        alive: Called between batches, to show a watching parent that work goes on.
        tokens: Give the tokens of each segment too, but for files of more than `MOST_WITH_TOKENS`.

    Raises:
        ModelError: The encoder gives another number of vectors than asked for, or what has another shape than it
            should.
    """

    def embed_pictures(some: Sequence[Pixels]) -> Embedded:
        return embed_images(encoder, np.stack(some), "document", tokens=tokens)

    pictures = [file.pixels for file in files if file.pixels is not None]
    picture_rows = _rows(pictures, PICTURES_AT_ONCE, embed_pictures, alive)
    text_rows = _rows(_texts(files, long=False), TEXTS_AT_ONCE, partial(embed_texts, encoder, tokens=tokens), alive)
    long_rows = _rows(_texts(files, long=True), TEXTS_AT_ONCE, partial(embed_texts, encoder), alive)
    for file in files:
        rows = picture_rows if file.pixels is not None else long_rows if _is_long(file) else text_rows
        yield _indexed(file, list(islice(rows, len(file.segments))))


def _texts(files: Sequence[DecodedFile], *, long: bool) -> list[str]:
    texts = [file for file in files if file.pixels is None and _is_long(file) == long]
    return [segment.text or "" for file in texts for segment in file.segments]


def _is_long(file: DecodedFile) -> bool:
    return len(file.segments) > MOST_WITH_TOKENS


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
    features = [None] * len(inputs) if embedded.features is None else embedded.features
    return [Row(*each) for each in zip(embedded.vectors, features, coded(embedded), strict=True)]


def coded(embedded: Embedded) -> list[CodedTokens | None]:
    """Round the tokens of each input to 8 bits; None for one that has none, or a value that is no usable number."""
    return [None] * len(embedded.vectors) if embedded.tokens is None else [_quantised(each) for each in embedded.tokens]


def _quantised(tokens: Tokens) -> CodedTokens | None:
    try:
        return quantise(tokens)
    except ValueError:
        return None


def all_or_none(coded: Sequence[CodedTokens | None]) -> tuple[CodedTokens, ...] | None:
    """Return the tokens of a file; None if one of its segments has none."""
    there = tuple(each for each in coded if each is not None)
    return there if there and len(there) == len(coded) else None


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
        tokens=all_or_none([row.tokens for row in rows]),
    )
