"""Pictures and captions as the arrays that a head is fitted to and measured on."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Self

import numpy as np
import numpy.typing as npt

from mmsearch.config import Limits
from mmsearch.encoders.builtin.image import SIZE_PX, Classifier
from mmsearch.encoders.builtin.text import TextModel
from mmsearch.errors import MediaError
from mmsearch.media.sources import image_from
from mmsearch.normalise import unit_rows
from mmsearch.types import ImageInput, PixelBatch, Vectors
from tools.train_builtin.pictures.sources import Picture

Flags = npt.NDArray[np.bool_]
_DECODED_AT_ONCE = 64


@dataclass(frozen=True)
class Examples:
    """n pictures with m captions.

    Attributes:
        source: (n,) str.
        subject: (n,) str.
        base: (n, 384) unit vectors before any correction.
        pooled: (n, 1280) features below the classifier.
        texts: (m, 384) unit vectors of the captions.
        owner: (m,) the row of each caption's picture.
    """

    source: npt.NDArray[np.str_]
    subject: npt.NDArray[np.str_]
    base: Vectors
    pooled: npt.NDArray[np.float32]
    texts: Vectors
    owner: npt.NDArray[np.int64]

    @property
    def targets(self) -> Vectors:
        """Mean caption vector of each picture: (n, 384)."""
        total = np.zeros((len(self.base), self.texts.shape[1]), dtype=np.float32)
        np.add.at(total, self.owner, self.texts)
        return np.asarray(total / np.bincount(self.owner, minlength=len(total))[:, None], dtype=np.float32)

    def of(self, chosen: Flags) -> Self:
        """Return the chosen pictures with their captions."""
        row = np.cumsum(chosen) - 1
        captions = chosen[self.owner]
        return type(self)(
            self.source[chosen],
            self.subject[chosen],
            self.base[chosen],
            self.pooled[chosen],
            self.texts[captions],
            row[self.owner[captions]],
        )


def embed(pictures: Iterable[Picture]) -> Examples:
    """Decode and embed pictures and captions; pictures that cannot be decoded are left out, and said."""
    classifier, kept, vectors, pooled = Classifier(), list[Picture](), [], []
    readable = decoded(pictures)
    while batch := list(islice(readable, _DECODED_AT_ONCE)):
        logits, features = classifier.outputs(np.stack([pixels for _, pixels in batch]))
        vectors.append(classifier.conse(logits))
        pooled.append(features)
        kept += [picture for picture, _ in batch]
    return Examples(
        source=np.array([picture.source for picture in kept]),
        subject=np.array([picture.subject for picture in kept]),
        base=np.concatenate(vectors),
        pooled=np.concatenate(pooled),
        texts=_embed_texts([caption for picture in kept for caption in picture.captions]),
        owner=np.repeat(np.arange(len(kept)), [len(picture.captions) for picture in kept]),
    )


def decoded(pictures: Iterable[Picture]) -> Iterator[tuple[Picture, PixelBatch]]:
    """Decode pictures to the size that the model takes; those that cannot be decoded are left out, and said."""
    limits, target = Limits().for_machine(workers=1), ImageInput(SIZE_PX, SIZE_PX)
    for picture in pictures:
        try:
            yield picture, image_from(picture.data, limits, target)
        except MediaError as error:
            print(f"left out: {picture.source} {picture.subject}: {error}")


def _embed_texts(texts: list[str]) -> Vectors:
    unique, place = np.unique(np.array(texts), return_inverse=True)
    return unit_rows(TextModel().encode(unique.tolist()))[place]
