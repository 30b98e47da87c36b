"""The captioned pictures that the image head is trained on, with the tokens that the built-in model gives them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from mmsearch.adapt.examples import Examples, Rows
from mmsearch.encoders.builtin.encoder import BuiltinEncoder
from mmsearch.normalise import unit_rows
from mmsearch.training.material import Material, embed_captions, numbered
from mmsearch.types import CodedTokens, Embedded, Vectors
from mmsearch.vectors.tokens import quantise
from tools.train_builtin.fetch import fetch
from tools.train_builtin.pictures import sources
from tools.train_builtin.pictures.examples import decoded
from tools.train_builtin.pictures.sources import Picture

PHOTOS, CLIP_ART, EMOJI = "photos", "clip art", "emoji"
_NAMES = {sources.PHOTOS: PHOTOS, sources.CLIP_ART: CLIP_ART}
_AT_ONCE = 32


@dataclass(frozen=True)
class Shown:
    """A picture.

    Attributes:
        subject: The same for pictures of the same thing.
        vector: (1, d) unit row.
    """

    subject: str
    captions: tuple[str, ...]
    vector: Vectors
    tokens: CodedTokens


def read(cache: Path, encoder: BuiltinEncoder) -> dict[str, Material]:
    """Fetch what is missing in `cache`, and embed all of it, by what kind of data it is."""
    fetch(sources.packages(), cache)
    found: dict[str, list[Shown]] = {PHOTOS: [], CLIP_ART: [], EMOJI: []}
    for picture, shown in _pictures(sources.pictures(cache), encoder):
        found[_NAMES.get(picture.source, EMOJI)].append(shown)
    return {name: _material(each, encoder) for name, each in found.items()}


def _pictures(pictures: Iterable[Picture], encoder: BuiltinEncoder) -> Iterator[tuple[Picture, Shown]]:
    readable = decoded(pictures)
    while batch := list(islice(readable, _AT_ONCE)):
        embedded = encoder.embed_images(np.stack([pixels for _, pixels in batch]), tokens=True)
        for place, (picture, _) in enumerate(batch):
            yield picture, _shown(picture.subject, picture.captions, embedded, place)


def _shown(subject: str, captions: tuple[str, ...], embedded: Embedded, place: int) -> Shown:
    assert embedded.tokens is not None
    vector = unit_rows(embedded.vectors[place : place + 1])
    return Shown(subject, captions, vector, quantise(embedded.tokens[place]))


def _material(shown: list[Shown], encoder: BuiltinEncoder) -> Material:
    """Line everything up as `training.material.gather` does for a collection."""
    vectors = np.concatenate([each.vector for each in shown])
    rows = Rows(vectors, np.zeros((len(shown), 0), dtype=np.float16), np.arange(len(shown)))
    number, texts = numbered([caption for each in shown for caption in each.captions])
    caption_vectors, words = embed_captions(texts, encoder)
    group = np.unique([each.subject for each in shown], return_inverse=True)[1]
    examples = Examples.make(rows, [each.captions for each in shown], caption_vectors[number], group)
    nothing = np.zeros(len(shown), dtype=np.float32)
    return Material("image", examples, rows, nothing, [each.tokens for each in shown], words)
